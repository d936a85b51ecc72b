"""The short way of a call's WebSocket says and sends what uvicorn's own does, whatever comes, however it is cut."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from bench.websocket import UPGRADE
from carlos import websocket
from carlos.websocket import (
    CLOSE_S,
    FRAMES_BURST,
    MOST_AT_ONCE,
    MOST_CHARACTERS,
    MOST_WAITING,
    STALLED_S,
    TURN_CHARACTERS,
    TURN_MESSAGES,
    FastWebSocket,
)
from tests.support.servers import loopback, serving
from tests.support.virtual_loop import run_virtually
from tests.support.waiting import until

LONGEST = 3000


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closing = self.paused = self.aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Peer:
    """A server connection of some protocol after its handshake."""

    def __init__(self, kind: type[WebSocketsSansIOProtocol]) -> None:
        config = Config(
            self._app,
            interface="asgi3",
            log_config=None,
            ws_per_message_deflate=False,
            lifespan="off",
            ws_max_size=LONGEST,
        )
        config.load()
        self._over = asyncio.Event()
        self.transport = Transport()
        self.protocol = kind(config, ServerState(), {})
        self.protocol.connection_made(self.transport)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await self._over.wait()

    async def open(self) -> None:
        self.protocol.data_received(UPGRADE)
        await until(lambda: b"101" in self.transport.written)
        self.transport.written.clear()

    def received(self) -> list[Any]:
        """What the application would be given."""
        return [self.protocol.queue.get_nowait() for _ in range(self.protocol.queue.qsize())]

    async def close(self) -> None:
        self.protocol.stop_keepalive()
        self._over.set()
        await asyncio.gather(*self.protocol.tasks)


async def outcome(kind: type[WebSocketsSansIOProtocol], pieces: list[bytes]) -> tuple[list[Any], bytes, bool]:
    """What the application got, what was written, and whether the socket was closed."""
    peer = Peer(kind)
    await peer.open()
    for piece in pieces:
        if not peer.transport.closing:
            peer.protocol.data_received(piece)
    outcome = peer.received(), bytes(peer.transport.written), peer.transport.closing
    await peer.close()
    return outcome


def frame(opcode: int, data: bytes, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(Opcode(opcode), data, fin).serialize(mask=mask)


texts = st.text(max_size=300).map(lambda text: frame(1, text.encode()))
odd = st.one_of(
    st.binary(max_size=200).map(lambda data: frame(1, data)),  # perhaps not UTF-8
    st.binary(max_size=200).map(lambda data: frame(2, data)),
    st.binary(max_size=100).map(lambda data: frame(9, data)),
    st.binary(max_size=60).map(lambda data: frame(1, data[:1].hex().encode(), fin=False) + frame(0, b"end")),
    st.just(frame(1, b"un", fin=False)),  # a fragment that nothing follows
    st.just(frame(0, b"stray")),
    st.just(frame(1, b"bare", mask=False)),
    st.just(frame(8, b"\x03\xe8")),
    st.just(frame(1, b"x" * 2999)),
    st.just(frame(1, b"x" * (LONGEST + 1))),
    st.just(b"\xc1\x80\0\0\0\0"),  # a reserved bit
)


@given(st.lists(st.one_of(texts, texts, texts, odd), max_size=8), st.sets(st.integers(0, 2000), max_size=6))
def test_any_frames_in_any_pieces_are_read_as_uvicorn_reads_one_by_one(frames: list[bytes], cuts: set[int]) -> None:
    data = b"".join(frames)
    places = sorted(place for place in cuts if place < len(data))
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    expected = asyncio.run(outcome(WebSocketsSansIOProtocol, frames))
    assert asyncio.run(outcome(FastWebSocket, pieces)) == expected


@pytest.mark.parametrize("frames", [(frame(1, b"\xff"),), (frame(1, b"\xc3", fin=False), frame(0, b"("))])
async def test_text_that_is_no_utf8_closes_the_socket_and_is_no_error_of_ours(
    frames: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    for each in frames:
        peer.protocol.data_received(each)
    assert (peer.received()[-1]["code"], peer.transport.closing) == (1007, True)
    assert [line for line in caplog.records if line.levelno >= logging.WARNING or line.exc_info] == []
    await peer.close()


async def test_nothing_more_is_read_while_the_application_is_behind() -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    for _ in range(MOST_WAITING):
        assert not peer.transport.paused
        peer.protocol.data_received(frame(1, b"hola"))
    assert peer.transport.paused
    for _ in range(MOST_WAITING):
        assert peer.transport.paused
        await peer.protocol.receive()
    assert not peer.transport.paused
    await peer.close()


@pytest.mark.parametrize("frames", [(frame(2, b"hola"),), (frame(1, b"ho", fin=False), frame(0, b"la"))],
                         ids=["binary", "in fragments"])  # fmt: skip
async def test_reading_goes_on_after_a_message_of_the_long_way_that_was_waited_for(frames: tuple[bytes, ...]) -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    receiving = asyncio.create_task(peer.protocol.receive())
    await asyncio.sleep(0)  # it waits
    for each in frames:
        peer.protocol.data_received(each)
    await receiving
    assert not peer.transport.paused
    await peer.close()


async def test_a_text_waits_while_the_socket_is_full() -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    peer.protocol.pause_writing()
    sending = asyncio.create_task(peer.protocol.send({"type": "websocket.send", "text": "hola"}))
    await asyncio.sleep(0)
    assert not peer.transport.written
    peer.protocol.resume_writing()
    await sending
    assert peer.transport.written == frame(1, b"hola", mask=False)
    await peer.close()


async def test_what_waits_for_the_application_has_a_budget_in_characters() -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    cast(FastWebSocket, peer.protocol)._longest = MOST_CHARACTERS
    peer.protocol.data_received(frame(1, b"x" * (MOST_CHARACTERS - 1)))
    assert not peer.transport.paused
    peer.protocol.data_received(frame(1, b"x"))
    assert peer.transport.paused
    for _ in range(2):
        assert peer.transport.paused
        await peer.protocol.receive()
    assert not peer.transport.paused
    peer.protocol.data_received(frame(1, b"x"))
    assert not peer.transport.paused
    await peer.close()


async def test_more_messages_at_once_than_a_client_has_cut_it_off() -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    peer.protocol.data_received(frame(Opcode.TEXT, b"") * (2 * MOST_AT_ONCE))
    assert peer.protocol.queue.qsize() == MOST_AT_ONCE
    assert peer.transport.aborted
    await peer.close()


@pytest.mark.parametrize("opcode", [Opcode.BINARY, Opcode.PING, Opcode.PONG])
async def test_more_frames_for_the_parser_than_a_client_has_cut_it_off(opcode: Opcode) -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    peer.protocol.data_received(frame(opcode, b"") * FRAMES_BURST)
    assert not peer.transport.aborted
    peer.protocol.data_received(frame(opcode, b"") * FRAMES_BURST)
    assert peer.transport.aborted
    await peer.close()


async def test_who_goes_on_sending_after_our_close_is_cut_off() -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    await peer.protocol.send({"type": "websocket.close", "code": 1008})
    peer.protocol.data_received(frame(Opcode.TEXT, b"hola") * FRAMES_BURST)
    assert not peer.transport.aborted
    assert peer.protocol.queue.qsize() == 1, "the disconnect"
    peer.protocol.data_received(frame(Opcode.TEXT, b"hola") * FRAMES_BURST)
    assert peer.transport.aborted
    await peer.close()


async def test_a_message_in_endless_fragments_is_cut_off() -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    peer.protocol.data_received(b"\x01\x80\0\0\0\0" + b"\0\x80\0\0\0\0" * (2 * FRAMES_BURST))
    assert peer.transport.aborted
    await peer.close()


@pytest.mark.parametrize(
    ("size", "turns"), [(10, (MOST_WAITING + 1) // TURN_MESSAGES), (TURN_CHARACTERS, MOST_WAITING - 1)]
)
async def test_what_waits_is_taken_in_turns_with_everybody_else(size: int, turns: int) -> None:
    peer = Peer(FastWebSocket)
    await peer.open()
    for _ in range(MOST_WAITING):
        peer.protocol.queue.put_nowait({"type": "websocket.receive", "text": "x" * size})
    others = 0

    async def everybody_else() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(everybody_else())
    for _ in range(MOST_WAITING):
        await peer.protocol.receive()
    assert others == turns, "the upgrade was the first that was taken"
    waiting.cancel()
    await peer.close()


def test_a_peer_that_takes_nothing_is_cut_off() -> None:
    async def stall(taken_s: float) -> bool:
        peer = Peer(FastWebSocket)
        await peer.open()
        peer.protocol.stop_keepalive()
        for _ in range(3):
            peer.protocol.pause_writing()
            await asyncio.sleep(taken_s)
            peer.protocol.resume_writing()
        aborted = peer.transport.aborted
        peer.protocol.connection_lost(None)
        await peer.close()
        return aborted

    assert run_virtually(stall(STALLED_S + 1))
    assert not run_virtually(stall(STALLED_S - 1))


def test_a_peer_that_does_not_go_is_cut_off() -> None:
    async def left_after(seconds: float) -> bool:
        peer = Peer(FastWebSocket)
        await peer.open()
        await peer.close()
        await asyncio.sleep(seconds)
        aborted = peer.transport.aborted
        peer.protocol.connection_lost(None)
        return aborted

    assert run_virtually(left_after(CLOSE_S + 1))
    assert not run_virtually(left_after(CLOSE_S - 1))


@pytest.mark.slow
async def test_a_client_that_never_reads_frees_what_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "STALLED_S", 0.05)
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        sending = asyncio.create_task(flood(send))
        told.append(await receive())
        await asyncio.gather(sending, return_exceptions=True)

    async def flood(send: Any) -> None:
        while True:
            await send({"type": "websocket.send", "text": "x" * 60_000})

    with loopback() as listener:
        async with serving(app, listener, ws=FastWebSocket, ws_per_message_deflate=False, interface="asgi3") as server:
            reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
            writer.write(UPGRADE)
            await until(lambda: told and not server.server_state.connections)
            writer.transport.abort()
    assert told[0]["type"] == "websocket.disconnect"
