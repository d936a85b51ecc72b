"""One HTTP/2 exchange whose two bodies are open at once, on the event loop that everything else runs on.

h2 speaks RFC 9113, the loop does TLS; this holds what is between them. The SDK's own connection lives on a thread of
CRT's: each piece of audio, written or read, then costs hand-shakes between two threads over Python's lock, and a
thread state made and thrown away. With 40 calls on a core that was 8,000 futex calls and 2,000 page mappings a
second, and the core was full (measured; docs/performance.md).

Plain DATA frames pass h2 by, in both directions, once the response has begun well; everything else is h2's to make, to
read and to refuse.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes as _Code
from h2.settings import Settings

from agent.sonic.wire.plain_data import Splitter, data_frame

if TYPE_CHECKING:
    from hyperframe.frame import Frame, GoAwayFrame

STREAM = 1
WINDOW, WIDEST = 65_535, 2**31 - 1  # bytes: RFC 9113's initial window, and its largest
LONGEST_ERROR = 64 * 1024  # bytes of the body of an answer that is no 200
MOST_OTHERS = 1000  # frames in one read that are no plain DATA: h2 takes 12 us for each, so 256 kB of PINGs 190 ms
MOST_WAITING = 16  # pieces of the request's body that could not be sent yet: 320 ms of audio
MOST_BUFFERED = 32_768  # bytes that the socket has not taken
KEEP_ALIVE_S, KEEP_ALIVE_PROBES = 10, 5  # a peer that vanished is noticed after a minute, not after two hours
UNACKNOWLEDGED_MS = 3000  # and by what it does not acknowledge, where the platform counts that
PING_S = 1.0
TICKS = 4  # looks at the silence in each `ping_s`
PATIENCE = 3  # times `ping_s` without a byte, PING included, and nobody is there

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a response. `body` is empty unless the status is an error's, and the beginning of it then: a 200's
    goes to `on_data`."""

    status: int
    headers: Headers
    body: bytes = b""


class _Connection(H2Connection):
    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        """A graceful GOAWAY lets what is open go on (RFC 9113, 6.8); h2 takes each for the end."""
        if frame.error_code == ErrorCodes.NO_ERROR and frame.last_stream_id >= STREAM:
            return [], []
        return super()._receive_goaway_frame(frame)


class Exchange(asyncio.Protocol):
    """A connection and the only request on it. Nothing raises but `write`; what broke it is in `ended`."""

    def __init__(self, ping_s: float | None = PING_S, *, past_h2: bool = True) -> None:
        """`ping_s` is how long the wire may be silent before a PING asks whether it lives; None never asks. Without
        `past_h2` plain DATA frames are h2's too: that costs more, and is otherwise the same."""
        loop = asyncio.get_running_loop()
        self._http = _Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._frames = Splitter(STREAM)
        self._past_h2 = past_h2
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque()
        self._paused = False
        self._finishing = False
        self._room: asyncio.Future[None] | None = None
        self._head: Answer | None = None
        self._body = bytearray()
        self.on_data: Callable[[bytes], None] = self._keep
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()  # the response is over, or what broke it
        self.closed: asyncio.Future[None] = loop.create_future()  # the socket is
        self._ping_s = ping_s
        self._silent = 0  # ticks since something came
        self._ticking: asyncio.TimerHandle | None = None
        for future in (self.answer, self.ended):
            future.add_done_callback(retrieve)

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MOST_BUFFERED)
        _keep_alive(transport.get_extra_info("socket"))
        http = self._http
        # Windows so wide that no audio of 8 minutes ever waits for an acknowledgement, nor costs one.
        http.local_settings = Settings(initial_values={_Code.ENABLE_PUSH: 0, _Code.INITIAL_WINDOW_SIZE: WIDEST})
        http.initiate_connection()
        http.increment_flow_control_window(WIDEST - WINDOW)
        self._flush()
        self._tick_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_ticking()
        self._fail(exc or ConnectionError("the service closed the connection"))
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pump()

    def data_received(self, data: bytes) -> None:
        self._silent = others = 0
        try:
            for plain, frame in self._frames.feed(data):
                of_body = plain and self._open
                if of_body and self._past_h2:
                    self.on_data(frame)
                    continue
                others += not of_body
                if others > MOST_OTHERS:
                    raise ProtocolError(f"more than {MOST_OTHERS} frames at once that are no data")
                self._read(data_frame(STREAM, frame) if plain else frame)
        except (ProtocolError, ValueError, KeyError) as error:  # h2 lets what it cannot decode through
            self._fail(error)
        self._pump()

    @property
    def _open(self) -> bool:
        """The response's head said 200, and its body has not ended: no DATA can be wrong."""
        return self._head is not None and self._head.status == 200 and not self.ended.done()

    def _read(self, frame: bytes) -> None:
        for event in self._http.receive_data(frame):
            self._on_event(event)

    # The wire.

    def _tick_later(self) -> None:
        if self._ping_s is not None and not self.ended.done():
            self._ticking = asyncio.get_running_loop().call_later(self._ping_s / TICKS, self._tick)

    def _stop_ticking(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()

    def _tick(self) -> None:
        """Ask a silent wire whether it lives. Not seconds but ticks count: a loop that stood still proves nothing."""
        self._silent += 1
        if self._silent == TICKS and not self.ended.done():
            self._http.ping(bytes(8))
            self._flush()
        elif self._silent == TICKS * PATIENCE:
            self._fail(ConnectionError("the wire is dead: nothing came, not even the answer to a PING"))
        self._tick_later()

    # The request.

    def request(self, headers: Headers) -> None:
        """Send the request's head; its body is what is written then."""
        self._http.send_headers(STREAM, headers)
        self._flush()

    @property
    def full(self) -> bool:
        """Too many pieces of the body wait: see `room`."""
        return len(self._waiting) >= MOST_WAITING

    def write(self, data: bytes) -> None:
        """Send a piece of the body; pieces go out in order.

        Behind a response that is over it goes nowhere. Raises what broke the exchange.
        """
        if self.ended.done():
            self.ended.result()
            return
        self._waiting.append(data)
        self._pump()

    async def room(self) -> None:
        """Wait until some of what waits is sent, or nothing will be any more."""
        while self.full and not self.ended.done():
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def finish(self) -> None:
        """The body ends behind what was written."""
        self._finishing = True
        self._pump()

    def _pump(self) -> None:
        """Send what the service's windows and the socket take now."""
        http, waiting = self._http, self._waiting
        while waiting and not self._paused and not self.ended.done():
            size = min(http.local_flow_control_window(STREAM), http.max_outbound_frame_size)
            if size <= 0:
                break
            data = waiting.popleft()
            if len(data) > size:
                waiting.appendleft(data[size:])
            self._send(data[:size])
        if self._finishing and not waiting and not self.ended.done():
            self._finishing = False
            http.end_stream(STREAM)
        self._flush()
        if not self.full:
            self._wake()

    def _send(self, data: bytes) -> None:
        """Send a DATA frame that the windows have room for, and have h2 count it."""
        if not self._past_h2:
            self._http.send_data(STREAM, data)
            self._flush()
        elif self._transport is not None:
            self._http.outbound_flow_control_window -= len(data)
            self._http.streams[STREAM].outbound_flow_control_window -= len(data)
            self._transport.write(data_frame(STREAM, data))

    def _flush(self) -> None:
        if (data := self._http.data_to_send()) and self._transport is not None:
            self._transport.write(data)

    def _wake(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # The response.

    def _on_event(self, event: Event) -> None:
        match event:
            case DataReceived(data=data):
                self.on_data(data or b"")
            case ResponseReceived():
                self._take_head(cast(Headers, event.headers))
            case StreamEnded():
                self._end()
            case StreamReset(error_code=code):
                self._fail(ConnectionResetError(f"the service reset the stream ({_name(code)})"))
            case ConnectionTerminated(error_code=code):
                self._fail(ConnectionResetError(f"the service ended the connection ({_name(code)})"))

    def _take_head(self, headers: Headers) -> None:
        fields = dict(headers)
        self._head = Answer(int(fields[":status"]), [field for field in headers if not field[0].startswith(":")])
        if self._head.status == 200:
            self._answer(self._head)
        else:
            self.on_data = self._keep

    def _keep(self, data: bytes) -> None:
        self._body += data[: LONGEST_ERROR - len(self._body)]

    def _end(self) -> None:
        if self._head is not None:
            self._answer(Answer(self._head.status, self._head.headers, bytes(self._body)))
        if not self.ended.done():
            self.ended.set_result(None)
        self._wake()

    def _answer(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
        if not self.ended.done():
            self.ended.set_exception(error)
        self._wake()

    # The end.

    async def close(self, timeout_s: float) -> None:
        """Close the connection; a peer that has not said goodbye after `timeout_s` is cut off."""
        if self._transport is None:
            return
        self._stop_ticking()
        with suppress(ProtocolError):  # it is over already
            self._http.close_connection()
        self._flush()
        self._transport.close()
        try:
            await asyncio.wait({self.closed}, timeout=timeout_s)
        finally:
            self._transport.abort()


def _keep_alive(connection: socket.socket | None) -> None:
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)  # macOS has the latter
    if idle is not None:
        connection.setsockopt(socket.IPPROTO_TCP, idle, KEEP_ALIVE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEP_ALIVE_PROBES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def _name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error {code}"


def retrieve[T](future: asyncio.Future[T]) -> None:
    """Look at a failure that is reported elsewhere, so that asyncio does not log it as never seen."""
    if not future.cancelled():
        future.exception()
