"""What a client that acknowledges its audio has told: marks for what was heard, and figures of the way there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import quantiles

MAX_UNACKNOWLEDGED_FRAMES = 3000  # frames of 20 ms whose receipt is awaited: a minute
MAX_ROUND_TRIPS = 4096  # of the round trip, for the figures


@dataclass(slots=True)
class PlaybackAcks:
    """Positions are seconds of audio sent since the beginning. A mark comes back when its audio was played."""

    received: int = 0
    least_buffered_ms: float | None = None
    jitter_ms: float = 0.0  # as RFC 3550, 6.4.1: the smoothed difference of neighbours' travel times
    _sent_s: float = 0.0
    _came_s: float = 0.0
    _sent: deque[tuple[int, float, float]] = field(
        default_factory=lambda: deque(maxlen=MAX_UNACKNOWLEDGED_FRAMES)
    )  # number, end, when
    _marks: deque[tuple[float, str]] = field(default_factory=deque)
    _trips_ms: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_ROUND_TRIPS))

    def sent(self, sequence: int, seconds: float, now: float) -> None:
        self._sent_s += seconds
        self._sent.append((sequence, self._sent_s, now))

    def mark(self, name: str) -> None:
        """All audio sent until now belongs to this mark or one before it."""
        self._marks.append((self._sent_s, name))

    def clear(self) -> None:
        """The client was told to drop what it has not played: no mark of it comes back."""
        self._marks.clear()

    def acknowledge(self, sequence: int, buffered_ms: float, now: float) -> list[str]:
        """A receipt: everything up to `sequence` came. Returns the marks whose audio has been played."""
        while self._sent and self._sent[0][0] <= sequence:
            _, self._came_s, sent_at = self._sent.popleft()
            self._measure((now - sent_at) * 1000)
        self._note_buffer(buffered_ms)
        played = self._came_s - buffered_ms / 1000
        names = []
        while self._marks and self._marks[0][0] <= played + 0.001:
            names.append(self._marks.popleft()[1])
        return names

    def _measure(self, trip_ms: float) -> None:
        if self._trips_ms:
            self.jitter_ms += (abs(trip_ms - self._trips_ms[-1]) - self.jitter_ms) / 16
        self._trips_ms.append(trip_ms)
        self.received += 1

    def _note_buffer(self, buffered_ms: float) -> None:
        least = self.least_buffered_ms
        self.least_buffered_ms = buffered_ms if least is None else min(least, buffered_ms)

    def figures(self) -> dict[str, float | int | None]:
        """For the call record; times in ms. A receipt's round trip includes how long the client waited with it."""
        trips = list(self._trips_ms)
        centiles = quantiles(trips, n=100) if len(trips) > 1 else [0.0] * 99
        return {
            "receipts": self.received,
            "round_trip_p50_ms": round(centiles[49], 1),
            "round_trip_p95_ms": round(centiles[94], 1),
            "jitter_ms": round(self.jitter_ms, 1),
            "least_buffered_ms": self.least_buffered_ms,
        }
