"""One caller on a SIP line, as light as can be: requests by hand, one timer, 20 ms of mu-law at a time.

What the server sends of exact silence, between answers, is no message of an answer.
"""

from __future__ import annotations

import asyncio
import re
import struct
from base64 import b64decode
from collections.abc import Mapping
from time import monotonic
from typing import Any, cast

from agent.audio.ulaw import ULAW_SILENCE
from bench.line import FRAME, FRAME_S, KEEP_LATE, Line, Script, Turn, _frames

SILENT = ULAW_SILENCE * FRAME
RTP_HEADER = 12  # bytes
ANSWER_S = 10.0
_STATUS = re.compile(r"SIP/2\.0 (\d{3}) ")
_TO = re.compile(r"^To: (.*)$", re.MULTILINE | re.IGNORECASE)
_AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data)


class SipLine(Line):
    """A call over SIP. The wire is UDP; turns, bursts and figures are those of a Media Stream's line."""

    def __init__(self, port: int, sids: tuple[str, str, str], script: Script) -> None:
        super().__init__("", {}, sids, script)
        self._server = ("127.0.0.1", port)
        self._signalling: asyncio.DatagramTransport | None = None
        self._media: asyncio.DatagramTransport | None = None
        self._to = f"<sip:carlos@127.0.0.1:{port}>"
        self._audio_at: tuple[str, int] | None = None
        self._clock = 0

    async def dial(self) -> None:
        """Return once the call is answered, and the caller talks. Raise ConnectionError for one that is refused."""
        loop = self._loop
        self._signalling, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._told), local_addr=("127.0.0.1", 0)
        )
        self._media, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._packet), local_addr=("127.0.0.1", 0)
        )
        port = self._media.get_extra_info("sockname")[1]
        offer = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        self._request("INVITE", 1, offer)
        async with asyncio.timeout(ANSWER_S):
            await self.open
        self.begin()

    def _request(self, method: str, number: int, body: str = "") -> None:
        assert self._signalling is not None
        host, port = self._signalling.get_extra_info("sockname")[:2]
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._signalling.sendto(
            (
                f"{method} sip:carlos@127.0.0.1 SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self._call_sid}{method}{number}\r\n"
                f"From: <sip:+5491155550100@{host}>;tag={self._call_sid}\r\nTo: {self._to}\r\n"
                f"Call-ID: {self._call_sid}\r\nCSeq: {number} {method}\r\nContact: <sip:bench@{host}:{port}>\r\n"
                f"Max-Forwards: 70\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode(),
            self._server,
        )

    def _told(self, data: bytes) -> None:
        text = data.decode()
        if text.startswith("BYE "):
            self._signalling_answer(text)
            self.connection_lost(None)
            return
        status, to = _STATUS.match(text), _TO.search(text)
        if status is None or to is None or self.open.done() or int(status[1]) < 200:
            return
        audio = _AUDIO.search(text)
        self._to = to[1].strip()
        self._request("ACK", 1)
        if audio is None:
            self.open.set_exception(ConnectionError(text.partition("\r")[0]))
            return
        self._audio_at = ("127.0.0.1", int(audio[1]))
        self.open.set_result(None)

    def _signalling_answer(self, request: str) -> None:
        """200 for the server's BYE: its own headers again."""
        assert self._signalling is not None
        kept = [line for line in request.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line, re.IGNORECASE)]
        self._signalling.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "", ""]).encode(), self._server)

    # Speaking.

    def begin(self) -> None:
        self._saying = _frames(self._script.opening)
        self.started_at = monotonic()
        self.turns.append(Turn(self.started_at))
        self._tick_at = self._loop.time()
        self._next_burst_at = self._tick_at + self._script.first_burst_s
        self._tick()

    def _tick(self) -> None:
        now = self._loop.time()
        if len(self.late_ms) < KEEP_LATE:
            self.late_ms.append(1000 * (now - self._tick_at))
        if self._script.period_s and not self._saying and now >= self._next_burst_at:
            self._next_burst_at += self._script.period_s
            self._saying = _frames(self._script.burst)
            self.turns.append(Turn(monotonic()))
        header = struct.pack("!BBHLL", 0x80, 0, self.frames & 0xFFFF, self._clock & 0xFFFFFFFF, 7)
        self.frames += 1
        self._clock += FRAME
        if self._media is not None and self._audio_at is not None:
            self._media.sendto(header + b64decode(self._payload()), self._audio_at)
        self._tick_at += FRAME_S
        self._timer = self._loop.call_at(self._tick_at, self._tick)

    def stop(self) -> None:
        self._stop_timers()
        self.stopped_at = monotonic()
        self._request("BYE", 2)
        if not self.over.done():
            self.over.set_result(None)

    def drop(self) -> None:
        for transport in (self._signalling, self._media):
            if transport is not None:
                transport.close()

    # Hearing.

    def _packet(self, data: bytes) -> None:
        if len(data) > RTP_HEADER and data[1] & 0x7F == 0 and data[RTP_HEADER:] != SILENT and self.turns:
            self._hear(data[RTP_HEADER:], monotonic())


async def dial(target: Mapping[str, Any], sids: tuple[str, str, str], script: Script) -> Line:
    """Call the server's SIP port and begin to talk."""
    line = SipLine(cast(int, target["sip"]), sids, script)
    try:
        await line.dial()
    except BaseException:
        line.drop()
        raise
    return line
