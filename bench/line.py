"""One caller on a Media Stream, as light as can be: a WebSocket by hand, one timer, 20 ms of mu-law at a time.

Frames are masked with zeros, which RFC 6455 allows and which leaves the payload as it is. Marks come back when the
audio before them has been played, and at a `clear`, as Twilio returns them.
"""

from __future__ import annotations

import asyncio
import json
import struct
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import cast

from agent.audio.ulaw import ULAW_SILENCE, ulaw_decode
from bench.speech import loud, speech_ulaw

FRAME_S = 0.02
FRAME = 160  # bytes
SILENCE = b64encode(ULAW_SILENCE * FRAME).decode()
BURST_S = 0.2
KEEP_LATE = 2000
STALE_S = 0.8  # after a clear; the answer to what interrupted comes later


@dataclass(slots=True)
class Turn:
    """What came back after a burst, or after `start`. Times are the machine's monotonic clock."""

    asked_at: float
    heard_at: float | None = None  # the first message that is not silent
    cleared_at: float | None = None
    stale: int = 0  # audio messages within STALE_S of the clear
    messages: list[tuple[float, float]] = field(default_factory=list)  # from the first loud one: time, seconds
    audio: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Script:
    """What the caller says: a first speech from the first frame on, then a burst every `period_s`."""

    opening: bytes = b""
    period_s: float = 0.0  # 0 for no bursts
    first_burst_s: float = 0.0  # after `start`
    burst: bytes = speech_ulaw(BURST_S)


class Line(asyncio.Protocol):
    """A connection and the call on it. `over` is done once the server has closed it."""

    def __init__(self, path: str, headers: Mapping[str, str], sids: tuple[str, str, str], script: Script) -> None:
        self._loop = asyncio.get_running_loop()
        self._path, self._headers = path, headers
        self._stream_sid, self._call_sid, self._account_sid = sids
        self._script = script
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._upgraded = False
        self._saying: list[str] = []
        self._next_burst_at = 0.0
        self._tick_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._played_to = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}
        self.open: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[None] = self._loop.create_future()
        self.parameters: Mapping[str, str] = {}
        self.started_at = self.stopped_at = 0.0
        self.frames = 0
        self.late_ms: list[float] = []
        self.turns: list[Turn] = []

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        lines = [f"GET {self._path} HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers.items())]
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]
        self._transport.write("\r\n".join(lines).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        for future in (self.open, self.over):
            if not future.done():
                future.set_result(None)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._upgraded:
            head, found, rest = bytes(buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.open.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self._upgraded = True
            buffer[:] = rest
            self._start()
        now = monotonic()
        while len(buffer) >= 2:
            length, at = buffer[1] & 0x7F, 2
            if length == 126:
                length, at = int.from_bytes(buffer[2:4]), 4
            elif length == 127:
                length, at = int.from_bytes(buffer[2:10]), 10
            if len(buffer) < at + length:
                return
            opcode, payload = buffer[0] & 0x0F, bytes(buffer[at : at + length])
            del buffer[: at + length]
            self._message(opcode, payload, now)

    def _send(self, text: str) -> None:
        self._send_frame(text.encode(), 0x1)

    def _send_frame(self, payload: bytes, opcode: int) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
        self._transport.write(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    # Speaking.

    def _start(self) -> None:
        self.open.set_result(None)
        self._send('{"event":"connected","protocol":"Call","version":"1.0.0"}')

    def begin(self) -> None:
        """Send `start`, and the caller's first frame right behind it."""
        start = {
            "streamSid": self._stream_sid,
            "accountSid": self._account_sid,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(self.parameters),
        }
        message = {"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self._stream_sid}
        self._set_clock()
        self._send(json.dumps(message))
        self._tick()

    def _set_clock(self) -> None:
        """The call begins now."""
        self._saying = _frames(self._script.opening)
        self.started_at = monotonic()
        self.turns.append(Turn(self.started_at))
        self._next_burst_at = self._loop.time() + self._script.first_burst_s
        self._tick_at = self._loop.time()

    def _tick(self) -> None:
        now = self._loop.time()
        if len(self.late_ms) < KEEP_LATE:
            self.late_ms.append(1000 * (now - self._tick_at))
        if self._script.period_s and not self._saying and now >= self._next_burst_at:
            self._next_burst_at += self._script.period_s
            self._saying = _frames(self._script.burst)
            self.turns.append(Turn(monotonic()))
        payload = self._payload()
        self.frames += 1
        self._send_sound(payload)
        self._tick_at += FRAME_S
        self._timer = self._loop.call_at(self._tick_at, self._tick)

    def _send_sound(self, payload: str) -> None:
        self._send(
            f'{{"event":"media","sequenceNumber":"{self.frames + 1}","media":{{"track":"inbound",'
            f'"chunk":"{self.frames}","timestamp":"{20 * self.frames}","payload":"{payload}"}},'
            f'"streamSid":"{self._stream_sid}"}}'
        )

    def _payload(self) -> str:
        """The caller's next 20 ms, base64."""
        return self._saying.pop(0) if self._saying else SILENCE

    def stop(self) -> None:
        """Hang up: `stop`, and the close that follows it."""
        self._stop_timers()
        self.stopped_at = monotonic()
        self._send(json.dumps({"event": "stop", "streamSid": self._stream_sid, "stop": {"callSid": self._call_sid}}))
        self._close()

    def _close(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"\x88\x82\0\0\0\0\x03\xe8")

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _stop_timers(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for timer in self._marks.values():
            timer.cancel()

    # Hearing.

    def _message(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == 0x9:
            self._send_frame(payload, 0xA)
        elif opcode == 0x8:
            self._close()
            if self._transport is not None:
                self._transport.close()
        elif opcode == 0x1:
            message = json.loads(payload)
            match message["event"]:
                case "media":
                    self._hear(a2b_base64(message["media"]["payload"]), now)
                case "mark":
                    self._mark(message["mark"]["name"], now)
                case "clear":
                    self._clear(now)

    def _hear(self, ulaw: bytes, now: float) -> None:
        seconds = len(ulaw) / 8000
        self._played_to = max(self._played_to, now) + seconds
        turn = self.turns[-1]
        if turn.cleared_at is not None and now - turn.cleared_at < STALE_S:
            turn.stale += 1
        if turn.heard_at is None and loud(ulaw_decode(ulaw)):
            turn.heard_at = now
        turn.audio += ulaw
        if turn.heard_at is not None:
            turn.messages.append((now, seconds))

    def _mark(self, name: str, now: float) -> None:
        self._marks[name] = self._loop.call_later(max(0.0, self._played_to - now), self._return, name)

    def _return(self, name: str) -> None:
        self._marks.pop(name, None)
        self._send(json.dumps({"event": "mark", "streamSid": self._stream_sid, "mark": {"name": name}}))

    def _clear(self, now: float) -> None:
        self._played_to = now
        self.turns[-1].cleared_at = now
        for name, timer in list(self._marks.items()):
            timer.cancel()
            self._return(name)


def _frames(ulaw: bytes) -> list[str]:
    return [b64encode(ulaw[at : at + FRAME].ljust(FRAME, ULAW_SILENCE)).decode() for at in range(0, len(ulaw), FRAME)]
