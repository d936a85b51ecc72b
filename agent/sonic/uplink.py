"""The caller's audio on its way to Sonic, sans-IO: one tape that several streams are read from, each at its own place.

Positions are bytes since the call's first sample. Beside the live stream there may be another, dialled because the
first is suspected or is to be replaced; each sends what it has not sent yet. What no model has understood is kept, up
to `KEEP_S`, for the stream that comes next: from where our own detector noticed speech, or where the service did.
"""

from __future__ import annotations

from collections import deque

from agent.sonic.voice import CLEAR_S, SAMPLE, Segment, VoiceDetector

KEEP_S = 20.0  # of speech that another stream may need
PREROLL_S = 0.2  # before the place where speech was noticed: consonants are quiet
LOOKBACK_S = 0.6  # what may be the beginning of speech that nobody has noticed yet
SLICE_S = 0.1  # a backlog goes out in pieces
WORDLESS_S = 2.5  # a short sound that the service called over so long ago, without words for it, was a noise
SAME_END_S = 0.3  # how far the service and our detector may differ about where speech ended
MAX_SEGMENTS = 32
STEP_S = 1.0  # the tape is cut in steps, not at each frame


class Reader:
    """One stream's place on the tape. `base` is where its own clock began, `next` what it sends next."""

    __slots__ = ("base", "next")

    def __init__(self, base: int, start: int) -> None:
        self.base = base
        self.next = start


class Uplink:
    """PCM 16-bit mono at `rate` Hz."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._slice, self._keep = self.size(SLICE_S), self.size(KEEP_S)
        self._longest = self._keep + self.size(STEP_S)
        self._tape = bytearray()
        self._tape_from = 0
        self._segments: deque[Segment] = deque(maxlen=MAX_SEGMENTS)
        self._readers: list[Reader] = []
        self._given = 0  # how far any stream was sent it
        self._understood = 0  # the end of what a model had words for, or was right to have none
        self._reported: int | None = None  # where the service says that speech began that it has no words for
        self._reported_end: int | None = None
        self.voice = VoiceDetector(rate)
        self.end = 0  # of what came from the caller
        self.lost = 0  # bytes that are gone, and that no stream has understood or was ever given
        self._lost_until = 0

    def size(self, seconds: float) -> int:
        """Bytes of so much audio."""
        return int(seconds * self._rate) * SAMPLE

    def seconds(self, size: int) -> float:
        """How long so many bytes last."""
        return size / SAMPLE / self._rate

    # In and out.

    def push(self, pcm: bytes) -> Segment | None:
        """Add what the caller said; returns the segment of voice that ended with it, if one did."""
        self._tape += pcm
        self.end += len(pcm)
        if len(self._tape) > self._longest:
            self._forget_oldest()
        ended = self.voice.feed(pcm)
        if ended is not None:
            self._segments.append(ended)
        return ended

    def open(self, primed: int) -> Reader:
        """A stream begins that was given `primed` bytes of its own: what no model has understood comes first."""
        wanted = min(self._unheard_from(), self._given_until())
        start = max(self._tape_from, wanted)
        self._count_lost(wanted, start)
        reader = Reader(start - primed, start)
        self._readers.append(reader)
        return reader

    def close(self, reader: Reader) -> None:
        """That stream reads no more."""
        if reader in self._readers:
            self._given = self._given_until()
            self._readers.remove(reader)

    def take(self, reader: Reader) -> bytes:
        """The next piece to send there, empty when there is none."""
        start = reader.next - self._tape_from
        pcm = bytes(memoryview(self._tape)[start : start + self._slice])
        reader.next += len(pcm)
        return pcm

    def clear(self) -> None:
        """The call is over: nobody will ask for what was kept."""
        self._tape.clear()
        self._tape_from = self.end
        self._readers.clear()
        self._segments.clear()

    def _forget_oldest(self) -> None:
        keep_from = self.end - self._keep
        self._count_lost(self._given_until(), keep_from)
        del self._tape[: keep_from - self._tape_from]
        self._tape_from = keep_from
        for reader in self._readers:
            reader.next = max(reader.next, keep_from)

    def _count_lost(self, start: int, end: int) -> None:
        if (start := max(start, self._lost_until)) < end:
            self.lost += end - start
            self._lost_until = end

    def _given_until(self) -> int:
        return max(self._given, *(reader.next for reader in self._readers), 0)

    # What has been understood.

    @property
    def speaking(self) -> bool:
        """Speech has begun that no model has transcribed."""
        return self.voice.speaking or (self._reported is not None and not self._aged(self._reported_end))

    @property
    def clear_speech(self) -> bool:
        """More has been said without an answer than anybody could take for a noise, be it in pieces."""
        loud = (segment.voiced for segment in self._unheard() if self.voice.is_loud(segment))
        return sum(loud) >= self.size(CLEAR_S)

    def speech_started(self, reader: Reader, offset_ms: int) -> None:
        """The service noticed speech at that place of the stream's own clock."""
        self._reported = max(0, reader.base + self.size(offset_ms / 1000))
        self._reported_end = None

    def speech_ended(self, reader: Reader, offset_ms: int) -> None:
        self._reported_end = reader.base + self.size(offset_ms / 1000)

    def understood(self, reader: Reader) -> None:
        """What was said has become words on this stream. Speech that has begun since then has not."""
        until = reader.next
        if self._reported_end is not None:
            until = self._reported_end
        elif (current := self.voice.current) is not None and self._goes_on(current):
            until = current.start
        self._settle(until)

    def _goes_on(self, segment: Segment) -> bool:
        """It began after the last words, and is no pause before its own end."""
        return segment.start > self._understood and self.end - segment.end < self.size(SAME_END_S)

    def dismiss(self) -> None:
        """What was said up to here was noise: two models had no words for it."""
        for segment in self._unheard():
            self.voice.was_noise(segment)
        self._settle(self.end)

    def _settle(self, until: int) -> None:
        self._understood = max(self._understood, until)
        self._reported = self._reported_end = None

    def _unheard(self) -> list[Segment]:
        """The stretches of voice that have not become words."""
        current = () if self.voice.current is None else (self.voice.current,)
        known = self._understood + (self.size(SAME_END_S) if self._understood else 0)
        return [segment for segment in (*self._segments, *current) if segment.end > known]

    def _unheard_from(self) -> int:
        """Where another stream would have to begin: at speech that is not understood, or a moment ago."""
        begun = [segment.start for segment in self._unheard() if not self._wordless(segment)]
        if self._reported is not None and not self._aged(self._reported_end):
            begun.append(self._reported)
        earliest = min((start - self.size(PREROLL_S) for start in begun), default=self.end)
        return max(self._understood, min(earliest, self.end - self.size(LOOKBACK_S)), 0)

    def _wordless(self, segment: Segment) -> bool:
        """The service has heard it and had no words: said again, a cough would cut off the answer."""
        heard = self._reported_end is not None and self._reported_end >= segment.end - self.size(SAME_END_S)
        return segment.over and segment.voiced < self.size(CLEAR_S) and heard and self._aged(segment.end)

    def _aged(self, end: int | None) -> bool:
        return end is not None and self.end - end >= self.size(WORDLESS_S)
