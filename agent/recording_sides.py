"""The two sides of a recording on one timeline, from when their sounds arrived. Arithmetic only; positions are samples.

Carlos's audio is sent on an absolute clock: it is placed where it arrives, or behind what is being played.

The caller's comes by way of a network, on a clock of its own, late and in bursts. What is late is late by the time its
sound took, so the smallest lateness within three seconds says where a sound belongs: a burst after a stall is put where
it was said, one after a real gap where it arrives. Small differences are left alone, for sound is not cut up; of a
clock that runs fast, or a client that sends ahead, silence is dropped first, and sound when it is 0.25 s ahead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000  # Hz
SAMPLE_BYTES = 2  # bytes
CALLER, CARLOS = 0, 1  # left, right
LOOK_AHEAD = 3 * RATE  # what arrives within it says whether a sound was late
WAIT = 5 * RATE  # for the caller's sound, before there is none
TOLERANCE = RATE * 60 // 1000  # 60 ms: three of a phone's frames
MOST_AHEAD = RATE // 4
QUIET = 200  # the loudest sample of silence, as of a phone line

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class _Arrival:
    at: int
    offset: int  # from its place in the caller's own count to when it arrived
    pcm: bytes


class Sides:
    """What is not written yet of both, and how much is."""

    def __init__(self) -> None:
        self.written = 0
        self._pcm = (bytearray(), bytearray())
        self._arrivals: deque[_Arrival] = deque()
        self._lowest: deque[_Arrival] = deque()  # of these, each the least late of those behind it
        self._counted = 0  # samples of the caller's own

    def caller(self, at: int, pcm: bytes) -> None:
        """The caller's sound, which ends at `at` if it came at once."""
        pcm = pcm[: len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES]
        self._counted += len(pcm) // SAMPLE_BYTES
        arrival = _Arrival(at, at - self._counted, pcm)
        while self._lowest and self._lowest[-1].offset >= arrival.offset:
            self._lowest.pop()
        self._lowest.append(arrival)
        self._arrivals.append(arrival)
        self._pass(at)

    def carlos(self, at: int, pcm: bytes) -> None:
        """Carlos's, which begins at `at` or behind what is being played."""
        self._fill(CARLOS, at)
        self._pcm[CARLOS].extend(pcm)
        self._pass(at)

    @property
    def carlos_until(self) -> int:
        """Where Carlos's sound ends so far."""
        return self._length(CARLOS)

    @property
    def ready(self) -> int:
        """Samples that both sides have."""
        return min(map(len, self._pcm)) // SAMPLE_BYTES

    def take(self, length: int) -> tuple[Samples, Samples]:
        """Return so many samples of each side: they are written now."""
        taken = []
        for pcm in self._pcm:
            taken.append(np.frombuffer(bytes(pcm[: length * SAMPLE_BYTES]), dtype="<i2"))
            del pcm[: length * SAMPLE_BYTES]
        self.written += length
        return taken[CALLER], taken[CARLOS]

    def finish(self) -> int:
        """Place all that there is, and make both sides as long. Return how many samples are left to be taken."""
        while self._arrivals:
            self._place()
        longest = max(self._length(CALLER), self._length(CARLOS))
        self._fill(CALLER, longest)
        self._fill(CARLOS, longest)
        return self.ready

    def _pass(self, now: int) -> None:
        """Time goes on: for as long as nothing of a side can come any more, it was silent."""
        while self._arrivals and self._arrivals[0].at <= now - LOOK_AHEAD:
            self._place()
        self._fill(CARLOS, now - LOOK_AHEAD)
        self._fill(CALLER, (self._arrivals[0].at if self._arrivals else now) - WAIT)

    def _place(self) -> None:
        """The oldest arrival, where it belongs."""
        arrival = self._arrivals.popleft()
        least_late = self._lowest[0]
        if least_late is arrival:
            self._lowest.popleft()
        samples = len(arrival.pcm) // SAMPLE_BYTES
        place = arrival.at - arrival.offset - samples + least_late.offset  # where it began
        ahead = self._length(CALLER) - place
        pcm = arrival.pcm
        if ahead < -TOLERANCE:
            self._fill(CALLER, place)
        elif ahead > MOST_AHEAD or (ahead > TOLERANCE and _is_quiet(pcm)):
            pcm = pcm[min(samples, ahead) * SAMPLE_BYTES :]
        self._pcm[CALLER].extend(pcm)

    def _length(self, side: int) -> int:
        return self.written + len(self._pcm[side]) // SAMPLE_BYTES

    def _fill(self, side: int, length: int) -> None:
        """With silence, up to this length."""
        missing = length - self._length(side)
        if missing > 0:
            self._pcm[side].extend(bytes(missing * SAMPLE_BYTES))


def _is_quiet(pcm: bytes) -> bool:
    samples = np.frombuffer(pcm, dtype="<i2")
    return not len(samples) or int(np.abs(samples.astype(np.int32)).max()) < QUIET
