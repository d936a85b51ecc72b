"""Whether somebody speaks on the caller's side, told from the samples alone: sans-IO, on the samples' own clock.

It is not there to find turns, which is Sonic's work, but to know of speech that Sonic says nothing about: on a stream
that stalled, or that broke before it had reported any. So it may be coarse, but never deaf: energy over a floor that
follows the line's noise, 11 dB above it, and over -50 dBFS.
"""

from __future__ import annotations

import audioop
from dataclasses import dataclass

SAMPLE = 2  # bytes
MIN_LEVEL_RMS = 100.0  # RMS of 16-bit samples, -50 dBFS: nobody speaks to a phone more softly
OVER_NOISE = 3.5  # times the floor
FLOOR_FALL = 0.2  # of the way down, a second frame that is quieter than the floor
FLOOR_RISE_S = 20.0  # for the floor to reach e times itself under a sound that goes on
MAX_FLOOR_RMS = 3000.0
START_S = 0.1  # voiced within a segment that has not begun yet; less is a click
PAUSE_S = 0.6  # ends a segment
CLEAR_S = 0.8  # voiced: so much, louder than known noise, is speech that a model should answer
NOISE_MARGIN = 1.5  # louder than what was taken for noise before
NOISE_KEEPS_S = 60.0  # what was noise once is noise for so long


@dataclass(slots=True)
class Segment:
    """A stretch of voice. Positions are bytes since the call's first sample; `end` is behind the last voiced one."""

    start: int
    end: int
    voiced: int = 0  # bytes
    level: float = 0.0  # the loudest of its frames, RMS
    over: bool = False


class VoiceDetector:
    """Finds segments of voice in 16-bit mono PCM at `rate` Hz, given in pieces of any length."""

    def __init__(self, rate: int) -> None:
        self._second = rate * SAMPLE
        self._floor = MIN_LEVEL_RMS / OVER_NOISE
        self._start, self._pause = self._bytes(START_S), self._bytes(PAUSE_S)
        self._forget_noise_after = self._bytes(NOISE_KEEPS_S)
        self._noise, self._noise_at = 0.0, 0
        self._rising: Segment | None = None  # too short to be anything yet
        self.now = 0  # bytes heard
        self.voiced_until = 0  # the last of them that were loud
        self.current: Segment | None = None  # being spoken

    def _bytes(self, seconds: float) -> int:
        return int(seconds * self._second)

    def feed(self, pcm: bytes) -> Segment | None:
        """Take the next piece; returns the segment that ended with it, if one did."""
        level = audioop.rms(pcm, SAMPLE)
        began, self.now = self.now, self.now + len(pcm)
        segment = self.current or self._rising
        if level >= MIN_LEVEL_RMS and level > self._floor * OVER_NOISE:
            self._voiced(segment, began, level)
        elif level < self._floor:
            self._floor += (level - self._floor) * FLOOR_FALL
        if level > self._floor:
            self._floor = min(MAX_FLOOR_RMS, self._floor * (1 + len(pcm) / (FLOOR_RISE_S * self._second)))
        if segment is not None and self.now - segment.end >= self._pause:
            return self._over(segment)
        return None

    def _voiced(self, segment: Segment | None, began: int, level: float) -> None:
        if segment is None:
            segment = self._rising = Segment(began, began)
        segment.end = self.voiced_until = self.now
        segment.voiced += self.now - began
        segment.level = max(segment.level, level)
        if self.current is None and segment.voiced >= self._start:
            self.current, self._rising = segment, None

    def _over(self, segment: Segment) -> Segment | None:
        spoken = segment is self.current
        self.current = self._rising = None
        segment.over = True
        if not self.is_loud(segment):
            self._noise_at = self.now  # it goes on
        return segment if spoken else None

    @property
    def speaking(self) -> bool:
        """True from a segment's start to the end of the pause behind it."""
        return self.current is not None

    def is_loud(self, segment: Segment) -> bool:
        """Louder than what turned out to be noise in the last minute."""
        if self.now - self._noise_at > self._forget_noise_after:
            self._noise = 0.0
        return segment.level > self._noise * NOISE_MARGIN

    def was_noise(self, segment: Segment) -> None:
        """Two models had no words for it: what is no louder is noise for a while."""
        self._noise, self._noise_at = max(self._noise, segment.level), self.now
