"""A request that is never finished and an answer that is never taken cost a connection for some seconds only."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from carlos import http
from carlos.http import BODY_TIMEOUT_S, CLOSE_TIMEOUT_S, HEAD_TIMEOUT_S, MAX_HEAD_BYTES, WRITE_TIMEOUT_S, BoundedHttp
from carlos.server import KEEP_ALIVE_S
from carlos.websocket import FastWebSocket
from tests.support.servers import loopback, serving
from tests.support.virtual_loop import run_virtually
from tests.support.waiting import bounded, until

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
HALVES = [b"", b"G", b"\r\n", GET[:-2], POST, POST + b"ab", GET + b"GET", GET + POST]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads the whole body, and answers after an hour under /slow."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        return
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(3600)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Transport(asyncio.Transport):
    """Keeps what is written, and tells its protocol of its end when that is immediate."""

    def __init__(self, *, takes: bool = True) -> None:
        super().__init__()
        self.written = bytearray()
        self.protocol: asyncio.Protocol | None = None
        self.ended_at: float | None = None
        self._takes = takes
        self._closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        if self._takes:
            self.abort()

    def abort(self) -> None:
        self._closing = True
        if self.ended_at is None and self.protocol is not None:
            loop = asyncio.get_running_loop()
            self.ended_at = loop.time()
            loop.call_soon(self.protocol.connection_lost, None)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast(asyncio.Protocol, protocol)

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def connected(transport: Transport) -> BoundedHttp:
    config = Config(
        app, log_config=None, lifespan="off", timeout_keep_alive=KEEP_ALIVE_S, ws=FastWebSocket, ws_ping_interval=None
    )
    config.load()
    transport.protocol = protocol = BoundedHttp(config, ServerState(), {})
    protocol.connection_made(transport)
    return protocol


async def lasted(*pieces: bytes, pause_s: float = 1.0, wait_s: float = 7200.0) -> float | None:
    """How long a connection lasted after the last piece; None for one that is still there after `wait_s`."""
    transport = Transport()
    protocol = connected(transport)
    loop = asyncio.get_running_loop()
    last = loop.time()
    for piece in pieces:
        await asyncio.sleep(pause_s)
        if transport.ended_at is None:
            protocol.data_received(piece)
            last = loop.time()
    await asyncio.sleep(wait_s)
    ended_at = transport.ended_at
    transport.abort()
    await asyncio.sleep(1)
    await asyncio.gather(*protocol.tasks)
    return None if ended_at is None else ended_at - last


@pytest.mark.parametrize("half", HALVES)
def test_a_request_that_is_never_finished_is_closed(half: bytes) -> None:
    lasted_s = run_virtually(lasted(*([half] if half else [])))
    assert lasted_s is not None
    assert lasted_s <= BODY_TIMEOUT_S


def test_a_head_that_drips_in_is_closed_all_the_same() -> None:
    drops = [GET[at : at + 1] for at in range(len(GET) - 1)]
    lasted_s = run_virtually(lasted(*drops))
    assert lasted_s is not None
    assert lasted_s <= 1.0, "no drop restarts the clock"


def test_what_is_whole_may_take_its_time_and_keeps_its_connection() -> None:
    assert run_virtually(lasted(GET.replace(b"/", b"/slow", 1), wait_s=3599)) is None
    assert run_virtually(lasted(GET)) == KEEP_ALIVE_S
    assert run_virtually(lasted(GET, b"\r\n")) == HEAD_TIMEOUT_S, (
        "an empty line begins no request, and keeps no connection"
    )
    assert run_virtually(lasted(GET, GET, POST + b"abcd", GET, pause_s=HEAD_TIMEOUT_S * 2)) is not None
    assert run_virtually(lasted(GET, wait_s=KEEP_ALIVE_S - 1)) is None
    assert run_virtually(lasted(POST, b"abcd", pause_s=HEAD_TIMEOUT_S - 1)) == KEEP_ALIVE_S


def test_a_websocket_has_its_own_limits() -> None:
    assert run_virtually(lasted(UPGRADE, wait_s=100)) is None


def test_a_head_without_end_is_refused_by_its_size() -> None:
    async def sent() -> tuple[int, bytes]:
        transport, size = Transport(), 0
        protocol = connected(transport)
        protocol.data_received(GET[:-2])
        while not transport.is_closing():
            protocol.data_received(line := b"X-Long: " + b"x" * 1000 + b"\r\n")
            size += len(line)
        await asyncio.sleep(1)
        return size, bytes(transport.written)

    size, answer = run_virtually(sent())
    assert MAX_HEAD_BYTES - 2000 < size < MAX_HEAD_BYTES + 2000
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("paused", [True, False])
def test_an_answer_that_is_not_taken_is_given_up(paused: bool) -> None:
    async def run() -> float | None:
        transport = Transport(takes=False)
        protocol = connected(transport)
        began = asyncio.get_running_loop().time()
        protocol.data_received(GET.replace(b"1.1", b"1.0"))
        if paused:
            protocol.pause_writing()
        await asyncio.sleep(2 * WRITE_TIMEOUT_S)
        return transport.ended_at and transport.ended_at - began

    lasted_s = run_virtually(run())
    assert lasted_s is not None
    assert lasted_s <= max(WRITE_TIMEOUT_S, CLOSE_TIMEOUT_S)


@pytest.mark.slow
async def test_half_sent_requests_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HEAD_TIMEOUT_S", 0.2)
    with loopback() as listener:
        async with serving(app, listener, http=BoundedHttp, ws=FastWebSocket, timeout_keep_alive=300) as server:
            peers = [await asyncio.open_connection(*listener.getsockname()) for _ in range(150)]
            for _, writer in peers:
                writer.write(GET[:-2])
            async with bounded():
                answers = await asyncio.gather(*(reader.read() for reader, _ in peers), return_exceptions=True)
            assert set(map(str, answers)) <= {str(b""), "[Errno 104] Connection reset by peer"}
            await until(lambda: not server.server_state.connections)
            for _, writer in peers:
                writer.close()
