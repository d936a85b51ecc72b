"""A SIP call as a line of Carlos (agent.line.Line)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from agent.line import AudioSink, CallerAudio, CallerAway, CallerBack, CallerDigit, LineDropped, LineEvent, SinkClosed
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
    """`events` ends when `hang_up` is told that the caller left, and raises LineDropped for one who is silent on the
    wire, or on hold for longer than `max_hold_s`."""

    kind: LineKind = "phone"

    def __init__(self, media: Media, on_end: OnEnd, max_hold_s: float) -> None:
        self._media = media
        self._on_end = on_end
        self._max_hold_s = max_hold_s
        self._hold: asyncio.TimerHandle | None = None  # while the caller is on hold
        self._is_held_too_long = False
        self._events: deque[LineEvent] = deque()
        self._more = asyncio.Event()
        self._over = False
        self._silence_s = 0.0
        self.sink: AudioSink = SipSink(media, lambda: self._over)
        media.observer = self
        self.agreed_anew()

    def agreed_anew(self) -> None:
        """The caller's side has other terms for its media: he may be on hold by now, or no more."""
        on_hold = not self._media.agreed.sends
        if on_hold is (self._hold is not None):
            return
        if self._hold is not None:
            self._end_hold()
            self.happened(CallerBack())
        else:
            self._hold = asyncio.get_running_loop().call_later(self._max_hold_s, self._held_too_long)
            self.happened(CallerAway())

    def _end_hold(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def _held_too_long(self) -> None:
        self._is_held_too_long = True
        self._more.set()

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
        self._end_hold()
        self._over = True
        self._more.set()

    @property
    def dropped(self) -> LineDropped | None:
        """Why the line is over though nobody has hung up."""
        if self._silence_s >= SILENCE_LIMIT_S:
            return LineDropped(f"no RTP for {SILENCE_LIMIT_S:g} s")
        if self._is_held_too_long:
            return LineDropped(f"on hold for {self._max_hold_s:g} s", "held_too_long")
        return None

    async def events(self) -> AsyncIterator[LineEvent]:
        while not self._over:
            if (dropped := self.dropped) is not None:
                raise dropped
            self._more.clear()
            while self._events:
                yield self._events.popleft()
            await self._more.wait()

    async def end(self, outcome: str) -> None:
        await self._on_end(outcome)
        self._end_hold()
        self._over = True
        if self._media.observer is self:
            self._media.observer = None
            self._media.clear()
