"""Two calls whose sound goes from each to the other, through us.

Each side has a clock of its own, and a burst after a stall is all handed on, so what waits for a side is bounded: what
is beyond is left out.
"""

from __future__ import annotations

import asyncio

from agent.audio.resample import Resampler
from agent.line import INPUT_RATE, CallerAudio, LineEvent, MarkBack
from telephony.sip.line import SILENCE_LIMIT_S
from telephony.sip.media import Media
from telephony.sip.sdp import CLOCK_HZ

FRAME_BYTES = 320  # 20 ms at 8 kHz
MOST_AHEAD = 10  # frames that wait for a side: 200 ms
MARK = "bridged"


class Bridge:
    """`over` is set when a side has sent nothing for too long."""

    def __init__(self, one: Media, other: Media) -> None:
        self.over = asyncio.Event()
        self._media = (one, other)
        there, back = _Way(other, self.over), _Way(one, self.over)
        there.back, back.back = back, there
        one.observer, other.observer = there, back

    def end(self) -> None:
        for media in self._media:
            media.observer = None
            media.clear()


class _Way:
    """`telephony.sip.media.MediaObserver` of one side; what it says goes `to` the other one."""

    back: _Way

    def __init__(self, to: Media, over: asyncio.Event) -> None:
        self._to = to
        self._over = over
        self._downsample = Resampler(INPUT_RATE, CLOCK_HZ)
        self._ready = bytearray()
        self.ahead = 0  # frames that the other side has not been sent yet

    def happened(self, event: LineEvent) -> None:
        if isinstance(event, CallerAudio):
            self._pass_on(event.pcm)
        elif isinstance(event, MarkBack) and event.mark == MARK:
            self.back.ahead -= 1

    def heard_nothing(self, seconds: float) -> None:
        if seconds >= SILENCE_LIMIT_S:
            self._over.set()

    def _pass_on(self, pcm: bytes) -> None:
        self._ready += self._downsample.push(pcm)
        while len(self._ready) >= FRAME_BYTES:
            frame = bytes(self._ready[:FRAME_BYTES])
            del self._ready[:FRAME_BYTES]
            if self.ahead < MOST_AHEAD:
                self.ahead += 1
                self._to.play(frame)
                self._to.mark(MARK)
