"""The exchange under a Sonic stream, against the other side of h2 in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, cast

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    PingReceived,
    RequestReceived,
    StreamEnded,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.wire.http2 import LONGEST_ERROR, MOST_OTHERS, MOST_WAITING, STREAM, Exchange
from agent.sonic.wire.plain_data import LONGEST, data_frame
from tests.support.virtual_loop import VirtualLoop, run_virtually

FRAMES = st.tuples(
    st.integers(0, 10), st.integers(0, 255), st.sampled_from([0, STREAM, 2]), st.binary(max_size=40)
).map(
    lambda frame: len(frame[3]).to_bytes(3) + bytes(frame[:2]) + frame[2].to_bytes(4) + frame[3]
)  # type, flags, stream, payload
REQUEST = [(":method", "POST"), (":scheme", "https"), (":authority", "sonic"), (":path", "/")]


class Wire:
    """A transport whose far end is a server of h2's: what is written is read at once."""

    def __init__(self, exchange: Exchange, window: int = 65_535) -> None:
        self.exchange = exchange
        self.server = H2Connection(H2Configuration(client_side=False))
        self.server.initiate_connection()
        self.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.events: list[Event] = []
        self.closing = False
        exchange.connection_made(cast(asyncio.Transport, self))
        self.answer()

    def write(self, data: bytes) -> None:
        self.events += self.server.receive_data(data)

    def answer(self) -> None:
        """Let the exchange read what the server has to say."""
        while data := self.server.data_to_send():
            self.exchange.data_received(data)

    def respond(self, status: int = 200) -> None:
        self.server.send_headers(STREAM, [(":status", str(status)), ("x-amzn-errortype", "Some")])
        self.answer()

    @property
    def body(self) -> bytes:
        return b"".join(event.data or b"" for event in self.events if isinstance(event, DataReceived))

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.exchange.connection_lost(None)

    abort = close

    def set_write_buffer_limits(self, high: int) -> None: ...

    def get_extra_info(self, name: str) -> Any:
        return None


@pytest.fixture(params=[True, False], ids=["past h2", "by h2"])
async def wire(request: pytest.FixtureRequest) -> Wire:
    wire = Wire(Exchange(past_h2=request.param))
    wire.exchange.request(REQUEST)
    return wire


async def test_both_bodies_are_open_at_once(wire: Wire) -> None:
    heard: list[bytes] = []
    wire.exchange.on_data = heard.append
    wire.respond()
    wire.exchange.write(b"up")
    wire.server.send_data(STREAM, b"down")
    wire.answer()
    assert [type(event) for event in wire.events if isinstance(event, RequestReceived | DataReceived)] == [
        RequestReceived,
        DataReceived,
    ]
    assert (wire.body, heard) == (b"up", [b"down"])
    assert (await wire.exchange.answer).status == 200
    assert not wire.exchange.ended.done()


@pytest.mark.parametrize("past_h2", [True, False])
async def test_what_the_windows_do_not_take_waits_in_order(past_h2: bool) -> None:
    wire = Wire(Exchange(past_h2=past_h2), window=10)
    wire.exchange.request(REQUEST)
    for number in range(MOST_WAITING):
        wire.exchange.write(bytes([number]) * 8)
    assert len(wire.body) == 10
    assert not wire.exchange.full
    wire.exchange.write(b"more")
    assert wire.exchange.full
    waiting = asyncio.create_task(wire.exchange.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    wire.server.increment_flow_control_window(1000, STREAM)
    wire.answer()
    await asyncio.wait_for(waiting, 1)
    assert wire.body == b"".join(bytes([number]) * 8 for number in range(MOST_WAITING)) + b"more"


async def test_a_piece_longer_than_a_frame_is_cut(wire: Wire) -> None:
    piece = bytes(range(256)) * 160
    wire.exchange.write(piece)
    assert wire.body == piece


async def test_a_socket_that_takes_nothing_holds_the_body_back(wire: Wire) -> None:
    wire.exchange.pause_writing()
    for _ in range(MOST_WAITING):
        wire.exchange.write(b"x")
    assert wire.body == b""
    assert wire.exchange.full
    wire.exchange.resume_writing()
    assert len(wire.body) == MOST_WAITING


async def test_an_errors_answer_comes_with_its_body(wire: Wire) -> None:
    wire.respond(403)
    assert not wire.exchange.answer.done()
    wire.server.send_data(STREAM, b'{"message":"no"}', end_stream=True)
    wire.answer()
    answer = await wire.exchange.answer
    assert (answer.status, answer.body) == (403, b'{"message":"no"}')
    assert ("x-amzn-errortype", "Some") in answer.headers
    wire.exchange.write(b"nobody reads this")
    assert wire.body == b""


async def test_a_graceful_goaway_lets_the_stream_go_on(wire: Wire) -> None:
    heard: list[bytes] = []
    wire.exchange.on_data = heard.append
    wire.respond()
    goaway = b"\0\0\x08\x07\0\0\0\0\0" + STREAM.to_bytes(4) + ErrorCodes.NO_ERROR.to_bytes(4)
    wire.exchange.data_received(goaway)
    wire.exchange.write(b"up")
    wire.server.send_data(STREAM, b"down", end_stream=True)
    wire.answer()
    assert (wire.body, heard) == (b"up", [b"down"])
    await wire.exchange.ended


@pytest.mark.parametrize(
    ("stream", "code"), [(STREAM, ErrorCodes.INTERNAL_ERROR), (0, ErrorCodes.NO_ERROR)], ids=["error", "not ours"]
)
async def test_any_other_goaway_is_the_end(wire: Wire, stream: int, code: ErrorCodes) -> None:
    wire.exchange.data_received(b"\0\0\x08\x07\0\0\0\0\0" + stream.to_bytes(4) + code.to_bytes(4))
    with pytest.raises(ConnectionResetError, match=code.name):
        await wire.exchange.ended
    with pytest.raises(ConnectionResetError, match=code.name):
        wire.exchange.write(b"x")


async def test_a_reset_is_told_by_its_name(wire: Wire) -> None:
    wire.respond()
    wire.server.reset_stream(STREAM, ErrorCodes.ENHANCE_YOUR_CALM)
    wire.answer()
    with pytest.raises(ConnectionResetError, match="ENHANCE_YOUR_CALM"):
        await wire.exchange.ended


async def test_a_lost_connection_wakes_who_waits_for_room(wire: Wire) -> None:
    wire.exchange.pause_writing()
    for _ in range(MOST_WAITING):
        wire.exchange.write(b"x")
    waiting = asyncio.create_task(wire.exchange.room())
    await asyncio.sleep(0)
    wire.exchange.connection_lost(ConnectionResetError("gone"))
    await asyncio.wait_for(waiting, 1)
    with pytest.raises(ConnectionResetError, match="gone"):
        await wire.exchange.answer


async def test_a_breach_of_the_protocol_is_the_end(wire: Wire) -> None:
    wire.exchange.data_received(b"\0\0\x05\x04\0\0\0\0\0hello")  # SETTINGS come in sixes
    with pytest.raises(ProtocolError):
        await wire.exchange.ended


async def test_a_frame_longer_than_allowed_is_the_end(wire: Wire) -> None:
    wire.respond()
    wire.exchange.data_received(data_frame(STREAM, bytes(LONGEST + 1)))
    with pytest.raises(ProtocolError):
        await wire.exchange.ended


async def test_audio_behind_the_responses_end_is_nobodys(wire: Wire) -> None:
    heard: list[bytes] = []
    wire.exchange.on_data = heard.append
    wire.respond()
    wire.server.send_data(STREAM, b"last", end_stream=True)
    wire.answer()
    wire.exchange.data_received(data_frame(STREAM, b"late"))
    assert heard == [b"last"]


async def test_padded_audio_is_read_without_its_padding(wire: Wire) -> None:
    heard: list[bytes] = []
    wire.exchange.on_data = heard.append
    wire.respond()
    wire.server.send_data(STREAM, b"padded", pad_length=9)
    wire.answer()
    assert heard == [b"padded"]


async def test_a_ping_is_answered(wire: Wire) -> None:
    wire.server.ping(b"12345678")
    wire.answer()
    assert any(isinstance(event, PingAckReceived) for event in wire.events)


@pytest.mark.parametrize("past_h2", [True, False])
async def test_the_body_ends_behind_what_waits(past_h2: bool) -> None:
    wire = Wire(Exchange(past_h2=past_h2), window=3)
    wire.exchange.request(REQUEST)
    wire.exchange.write(b"12345")
    wire.exchange.finish()
    assert not any(isinstance(event, StreamEnded) for event in wire.events)
    wire.server.increment_flow_control_window(10, STREAM)
    wire.answer()
    assert wire.body == b"12345"
    assert any(isinstance(event, StreamEnded) for event in wire.events)


async def test_a_close_says_goodbye_and_may_be_repeated(wire: Wire) -> None:
    await wire.exchange.close(0.1)
    await wire.exchange.close(0.1)
    assert any(isinstance(event, ConnectionTerminated) for event in wire.events)
    assert wire.closing


def on_a_virtual_clock(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        run_virtually(test())

    return run


def asking(**options: Any) -> Wire:
    wire = Wire(Exchange(**options))
    wire.exchange.request(REQUEST)
    return wire


def pings(wire: Wire) -> int:
    return sum(isinstance(event, PingReceived) for event in wire.events)


@on_a_virtual_clock
async def test_a_silent_wire_is_asked_after_a_second_and_lives_when_it_answers() -> None:
    wire = asking()
    await asyncio.sleep(0.9)
    assert pings(wire) == 0
    for _ in range(5):
        await asyncio.sleep(1)
        wire.answer()
    assert pings(wire) == 5
    assert not wire.exchange.ended.done()


@on_a_virtual_clock
async def test_a_wire_that_does_not_answer_is_dead_three_seconds_after_its_last_byte() -> None:
    wire = asking()
    wire.respond()
    await asyncio.sleep(2.7)
    assert not wire.exchange.ended.done()
    await asyncio.sleep(0.3)
    with pytest.raises(ConnectionError, match="PING"):
        wire.exchange.ended.result()
    assert pings(wire) == 1


@on_a_virtual_clock
async def test_any_byte_proves_life() -> None:
    wire = asking()
    wire.respond()
    for byte in data_frame(STREAM, bytes(20)):
        await asyncio.sleep(2.5)
        wire.exchange.data_received(bytes([byte]))
    assert not wire.exchange.ended.done()


@on_a_virtual_clock
async def test_a_loop_that_stood_still_proves_nothing() -> None:
    wire = asking()
    cast(VirtualLoop, asyncio.get_running_loop()).now += 60
    await asyncio.sleep(1.9)
    assert not wire.exchange.ended.done()
    assert pings(wire) == 1


@on_a_virtual_clock
async def test_a_front_end_that_dislikes_pings_gets_none() -> None:
    wire = asking(ping_s=None)
    await asyncio.sleep(60)
    assert pings(wire) == 0
    assert not wire.exchange.ended.done()


@on_a_virtual_clock
async def test_nothing_is_asked_behind_the_end() -> None:
    wire = asking()
    await wire.exchange.close(0.1)
    await asyncio.sleep(60)
    assert pings(wire) == 0


@given(st.lists(st.one_of(st.binary(max_size=60), FRAMES), max_size=6))
def test_no_bytes_get_an_exception_out_of_the_exchange(pieces: list[bytes]) -> None:
    async def read() -> None:
        wire = Wire(Exchange(ping_s=None))
        wire.exchange.request(REQUEST)
        for piece in pieces:
            wire.exchange.data_received(piece)
        wire.exchange.connection_lost(None)
        assert wire.exchange.answer.done()

    asyncio.run(read())


async def test_a_flood_of_frames_that_are_no_data_ends_the_exchange_before_they_are_all_read(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(wire.exchange, "_read", read.append)
    ping = b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)
    wire.exchange.data_received(ping * MOST_OTHERS)
    assert not wire.exchange.ended.done()
    wire.exchange.data_received(ping * 15_000)
    assert isinstance(wire.exchange.ended.exception(), ProtocolError)
    assert len(read) == 2 * MOST_OTHERS


async def test_of_an_endless_refusal_only_the_beginning_is_kept(wire: Wire) -> None:
    wire.respond(503)
    for _ in range(20):
        wire.exchange.data_received(data_frame(STREAM, bytes(LONGEST)))
    wire.server.end_stream(STREAM)
    wire.answer()
    assert len((await wire.exchange.answer).body) == LONGEST_ERROR
