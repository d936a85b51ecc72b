"""A SIP call as a line of Carlos (agent.line.Line)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from agent.line import AudioSink, CallerAudio, CallerDigit, LineDropped, LineEvent, SinkClosed
from agent.persona.prompt import LineKind
from telephony.carrier import OnEnd
from telephony.sip.media import Media

LEAD_FRAMES = 3  # 60 ms wait in our own queue: a late wake-up of the player is not heard, and a clear drops them
SILENCE_LIMIT_S = 15.0  # without a packet the caller is gone
MAX_WAITING = 1500  # events that the call has not taken: 30 s of audio


class SipSink:
    """Carlos's audio to the caller. A mark comes back when what was before it has gone out on the wire."""

    lead = LEAD_FRAMES
    piece = 1
    acknowledges = True
    tail_s = 0.0

    def __init__(self, media: Media, is_over: Callable[[], bool]) -> None:
        self.rate = media.rate  # of the codec that the call began with
        self._media = media
        self._is_over = is_over

    async def send_audio(self, pcm: bytes) -> None:
        self._open.play(pcm, self.rate)

    async def send_mark(self, name: str) -> None:
        self._open.mark(name)

    async def send_clear(self) -> None:
        self._open.clear()

    @property
    def _open(self) -> Media:
        if self._is_over():
            raise SinkClosed
        return self._media


class SipLine:
    """`events` ends when `hang_up` is told that the caller left."""

    kind: LineKind = "phone"

    def __init__(self, media: Media, on_end: OnEnd) -> None:
        self._media = media
        self._on_end = on_end
        self._events: deque[LineEvent] = deque()
        self._more = asyncio.Event()
        self._over = False
        self._silence_s = 0.0
        self.sink: AudioSink = SipSink(media, lambda: self._over)
        media.observer = self

    def happened(self, event: LineEvent) -> None:
        if len(self._events) >= MAX_WAITING and isinstance(event, CallerAudio):
            return
        self._events.append(event)
        self._more.set()

    def heard_nothing(self, seconds: float) -> None:
        self._silence_s = seconds

    def key(self, digit: str) -> None:
        self.happened(CallerDigit(digit))

    def hang_up(self) -> None:
        """The caller is gone."""
        self._over = True
        self._more.set()

    @property
    def is_dead(self) -> bool:
        """Whether no packet has come for too long."""
        return self._silence_s >= SILENCE_LIMIT_S

    async def events(self) -> AsyncIterator[LineEvent]:
        while not self._over:
            if self.is_dead:
                raise LineDropped(f"no RTP for {SILENCE_LIMIT_S:g} s")
            self._more.clear()
            while self._events:
                yield self._events.popleft()
            await self._more.wait()

    async def end(self, outcome: str) -> None:
        await self._on_end(outcome)
        self._over = True
        if self._media.observer is self:
            self._media.observer = None
            self._media.clear()
