"""As much of HTTP/2 as one bidirectional stream needs, and no more work for each frame than it takes.

A general library spends 130 us on a pair of events; a load generator that shares a core with the callers cannot.
Requests are not read: whatever is asked, the answer is 200 and a body. RFC 9113; the response's header block is
literal (RFC 7541, 6.2.2), so there is no table to keep.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Protocol, cast

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x8
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
INITIAL_WINDOW_SIZE = 0x4
WINDOW, LARGEST_WINDOW, FRAME = 65_535, 2**31 - 1, 16_384

_CONTENT_TYPE = b"application/vnd.amazon.eventstream"
OK = b"\x88\x0f\x10" + bytes([len(_CONTENT_TYPE)]) + _CONTENT_TYPE  # :status 200, content-type


class Body(Protocol):
    """What a request's body goes to."""

    def data(self, data: bytes) -> None: ...
    def end(self) -> None: ...


class Exchange:
    """One stream's answer, kept back where the client's windows are shut."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.window = connection.initial_window
        self.waiting = bytearray()
        self.ending = False
        self.body: Body | None = None

    def respond(self) -> None:
        self.connection.frame(HEADERS, END_HEADERS, self.number, OK)

    def write(self, data: bytes) -> None:
        self.waiting += data
        self.pump()

    def finish(self) -> None:
        self.ending = True
        self.pump()

    def pump(self) -> None:
        while self.waiting:
            room = min(self.window, self.connection.window, FRAME, len(self.waiting))
            if room <= 0:
                return
            self.connection.frame(DATA, 0, self.number, bytes(self.waiting[:room]))
            del self.waiting[:room]
            self.window -= room
            self.connection.window -= room
        if self.ending:
            self.ending = False
            self.connection.frame(DATA, END_STREAM, self.number, b"")


class Connection(asyncio.Protocol):
    """One socket. `accept` gives each request its body's reader."""

    def __init__(self, accept: Callable[[Exchange], Body]) -> None:
        self._accept = accept
        self._buffer = bytearray()
        self._greeted = False
        self._streams: dict[int, Exchange] = {}
        self._transport: asyncio.Transport | None = None
        self.initial_window = self.window = WINDOW

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Windows so wide that nothing a call can send ever needs an acknowledgement.
        self.frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, LARGEST_WINDOW))
        self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGEST_WINDOW - WINDOW))

    def connection_lost(self, exc: Exception | None) -> None:
        for stream in list(self._streams.values()):
            self._end(stream)

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            length = len(payload)
            self._transport.write(struct.pack(">BHBBI", length >> 16, length & 0xFFFF, kind, flags, stream) + payload)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._greeted:
            if len(self._buffer) < len(PREFACE):
                return
            del self._buffer[: len(PREFACE)]
            self._greeted = True
        self._read_frames()

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 9:
            high, low, kind, flags, stream = struct.unpack_from(">BHBBI", buffer, at)
            end = at + 9 + (high << 16 | low)
            if len(buffer) < end:
                break
            self._take(kind, flags, stream & LARGEST_WINDOW, bytes(buffer[at + 9 : end]))
            at = end
        del buffer[:at]

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        if kind == DATA and stream is not None and stream.body is not None:
            if flags & PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            stream.body.data(payload)
            if flags & END_STREAM:
                self._end(stream)
        elif kind == HEADERS:
            self._open(number)
        elif kind == WINDOW_UPDATE:
            self._widen(stream, number, struct.unpack(">I", payload)[0])
        elif kind == SETTINGS and not flags & ACK:
            self._adjust(payload)
        elif kind == PING and not flags & ACK:
            self.frame(PING, ACK, 0, payload)
        elif kind == RST_STREAM and stream is not None:
            self._end(stream)

    def _open(self, number: int) -> None:
        if number not in self._streams:
            stream = self._streams[number] = Exchange(self, number)
            stream.body = self._accept(stream)

    def _end(self, stream: Exchange) -> None:
        if self._streams.pop(stream.number, None) is not None and stream.body is not None:
            stream.body.end()

    def _widen(self, stream: Exchange | None, number: int, by: int) -> None:
        if number == 0:
            self.window += by
        elif stream is not None:
            stream.window += by
        for waiting in self._streams.values():
            waiting.pump()

    def _adjust(self, payload: bytes) -> None:
        for at in range(0, len(payload), 6):
            key, value = struct.unpack_from(">HI", payload, at)
            if key == INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.window += value - self.initial_window
                self.initial_window = value
        self.frame(SETTINGS, ACK, 0, b"")
