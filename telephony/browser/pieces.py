"""A message's sound, and whether one message goes on where another stopped.

The original client resamples each block of its own, so a message's first sample comes 0.67 (at 48 kHz) or 0.76 (at
44.1) of a sample after the last of the message before. What both sides lead to expect there fits within a pipeline, and
seldom between two of them. How seldom was counted in recordings of such pipelines in Chromium, with two and three
copies: EXPECTED is the natural logarithm of how many times likelier such an error is at a true joint than at another.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from agent.audio.pcm import Samples

EXPECTED = (
    (-2.0, 3.6), (-1.0, 3.3), (-0.5, 2.9), (0.0, 2.0), (0.36, 1.3), (0.8, 0.1), (1.3, -2.3), (1.73, -4.9), (2.1, -6.3),
)  # fmt: skip
APART = 0.75  # of a sample, from one message's last to the next one's first
EDGE = 24  # samples that say how rough the sound is there
LEAST = 2.0  # of error: the samples are rounded
ROOM = 8.0  # of roughness that a microphone's own noise has
SMOOTHED = 4  # samples of which the mean is compared: 2 kHz and below, at 16 kHz; above it resampled copies differ
QUIET = 40.0  # root mean square of the smoothed samples, -58 dBFS: below it there is a room's noise and no sound
HISS = 0.12  # of a sound's power: with less of it below 2 kHz, copies of it differ too much
MIN_OVERLAP = 32  # samples: 2 ms at 16 kHz; less of a sound may look like anything

_ERRORS = tuple(error for error, _ in EXPECTED)

type Floats = NDArray[np.float64]


class Edge:
    """A message's samples at one end, the outermost first."""

    def __init__(self, wide: Floats) -> None:
        first, second, third = wide[:3].tolist()
        self.first: float = first
        # What the parabola through the three has APART of a sample farther out.
        self.led_on: float = first + APART * (first - second) + APART * (1 + APART) / 2 * (first - 2 * second + third)
        self.slope = float(np.abs(np.diff(wide)).mean())
        self.roughness = float(np.abs(np.diff(wide, 2)).mean())


class Piece:
    """The `number`th message: its samples, and what comparing it takes, reckoned once and where it is asked for."""

    def __init__(self, number: int, samples: Samples) -> None:
        self.number = number
        self.samples = samples

    @cached_property
    def wide(self) -> Floats:
        return self.samples.astype(np.float64)

    @cached_property
    def smoothed(self) -> Floats:
        return smooth(self.wide)

    @cached_property
    def power(self) -> float:
        """The mean square."""
        return float(self.wide @ self.wide) / len(self.wide)

    @cached_property
    def quiet(self) -> bool:
        """Whether there is no more in it than a room's noise."""
        return float(self.smoothed @ self.smoothed) < len(self.smoothed) * QUIET**2

    @cached_property
    def _begin(self) -> Edge:
        return Edge(self.wide[:EDGE])

    @cached_property
    def _end(self) -> Edge:
        return Edge(self.wide[: -EDGE - 1 : -1])

    def __len__(self) -> int:
        return len(self.samples)

    def goes_on(self, before: Piece) -> float:
        """Return the logarithm of how much likelier it is that the piece follows this one than that it does not; 0
        where nothing tells."""
        if (self.quiet and before.quiet) or len(self) < EDGE or len(before) < EDGE:
            return 0.0
        end, begin = before._end, self._begin
        error = abs(end.led_on - begin.first) + abs(begin.led_on - end.first)
        roughness, slope = end.roughness + begin.roughness, end.slope + begin.slope
        hiss = roughness / (slope + LEAST)
        return min(1.2, max(0.4, 1.4 - 0.8 * hiss)) * _expected(log((error + LEAST) / (roughness + ROOM)))

    def apart(self, place: int, other: Piece, other_place: int) -> float | None:
        """Return how far the two are from one sound where they overlap, if they begin at these places: from 0 for the
        same to 1 for strangers. None where that is too short or too quiet to tell."""
        start, stop = max(place, other_place), min(place + len(self), other_place + len(other)) - SMOOTHED + 1
        if stop - start < MIN_OVERLAP:
            return None
        mine, theirs = (
            self.smoothed[start - place : stop - place],
            other.smoothed[start - other_place : stop - other_place],
        )
        mine, theirs = mine - mine.mean(), theirs - theirs.mean()
        power = float(mine @ mine + theirs @ theirs)
        if power < len(mine) * (2 * QUIET**2 + HISS * (self.power + other.power)):
            return None
        rest = mine - theirs
        return float(rest @ rest) / power


def smooth(wide: Floats) -> Floats:
    """Return the means of each SMOOTHED samples."""
    sums = np.cumsum(np.concatenate(([0.0], wide)))
    means: Floats = (sums[SMOOTHED:] - sums[:-SMOOTHED]) / SMOOTHED
    return means


def chained(pieces: list[Piece]) -> float:
    """Return how much likelier it is that the pieces follow each other than that none does, as a logarithm."""
    return sum(after.goes_on(before) for before, after in pairwise(pieces))


def _expected(error: float) -> float:
    index = bisect_right(_ERRORS, error)
    if index in {0, len(EXPECTED)}:
        return EXPECTED[min(index, len(EXPECTED) - 1)][1]
    (left, low), (right, high) = EXPECTED[index - 1 : index + 1]
    return low + (high - low) * (error - left) / (right - left)
