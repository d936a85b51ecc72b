"""A microphone's sound by its place in time, and how a piece of sound is found in it.

Copies of one microphone are the same sound, but hardly the same bytes: the original client resamples each block of its
own, three device samples to one or 2.76 to one, and two pipelines cut their blocks at different places. So they differ
by up to two thirds of a sample, which is nothing below 2 kHz and everything at 6 kHz. They are compared there below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.audio.pcm import PCM16, Samples

KEPT_S = 4.0  # of sound; more than the longest message and all that copies run apart
SMOOTHED = 4  # samples of which the mean is compared: 2 kHz and below, at 16 kHz
QUIET = 40.0  # root mean square of the smoothed samples, -58 dBFS: below it there is a room's noise and no sound
FAINT = 0.01  # of the loudest of late: a voice's pauses, in which noise differs from copy to copy
FADING = 0.998  # of it that is left at each comparison: half of it after a second or two
HUSHED = 300.0  # as QUIET, -41 dBFS: what may be left out where there is more than a microphone makes
MIN_OVERLAP = 48  # samples: 3 ms at 16 kHz; what is shorter may look like anything
MIN_CONTRADICTION = 16  # samples, in which what is the same looks the same all the same
STRANGE, BRIEF = 0.7, 0.03  # how far apart so few are that are others, and that may be the same
HISS = 0.12  # of a sound's power: with less of it below 2 kHz, copies of it differ too much
MAX_COMPARED = 512  # samples
MIN_FOUND = 80  # samples that a piece has in common with where it is found
MAX_PROBE = 512  # samples of a piece that is looked for
MAX_SEARCHED = 4096  # samples in which it is
SAME = 0.05  # how far apart a piece and its place may be, from 0 for the same to 1 for strangers
ELSEWHERE = (
    0.05  # farther apart than there must be every other place; a steady tone is found everywhere, and so nowhere
)
REPEATED = 0.3  # how far a vowel may be from its last periods
NEIGHBOURS = 16  # samples around a place that count as the same

type Floats = NDArray[np.float64]


class Timeline:
    """The newest seconds of a sound. Places are counted in samples from its beginning."""

    def __init__(self, rate: int) -> None:
        self.end = 0
        self._kept = int(KEPT_S * rate)
        self._samples: Samples = np.zeros(2 * self._kept, dtype=PCM16)
        self._loudest = 0.0  # mean square of what was compared of late
        self._begin = 0  # the place of the first sample in the buffer

    def put(self, place: int, piece: Samples) -> None:
        """Write a piece over what is there, and beyond the end. It begins at the end or before it."""
        stop = place + len(piece)
        if stop - self._begin > len(self._samples):
            self._forget(stop)
        piece = piece[max(0, self._begin - place) :]
        self._samples[stop - len(piece) - self._begin : stop - self._begin] = piece
        self.end = max(self.end, stop)

    def _forget(self, stop: int) -> None:
        begin = max(self._begin, stop - self._kept)
        left = self._samples[begin - self._begin : self.end - self._begin].copy()
        self._samples[: len(left)] = left
        self._begin = begin

    def between(self, start: int, stop: int) -> Samples:
        """Return the sound from one place to another, as far as it is known and kept."""
        start = max(start, self._begin)
        return self._samples[start - self._begin : max(start, min(stop, self.end)) - self._begin]

    def rewind(self, place: int) -> None:
        """Forget what comes after."""
        self.end = place

    def apart(self, piece: Samples, place: int, *, brief: bool = False) -> float | None:
        """Return how far a piece is from what is at a place; None where that is too short, too quiet or too hissing to
        tell. A short one may tell only that it is another one, unless a `brief` look is enough."""
        there = self.between(place, place + min(len(piece), MAX_COMPARED))
        if len(there) < MIN_CONTRADICTION or place < self._begin:
            return None
        piece = piece[: len(there)]
        one, other = smooth(piece), smooth(there)
        one, other = one - one.mean(), other - other.mean()
        power = float(one @ one + other @ other)
        self._loudest = max(FADING * self._loudest, power / (2 * len(one)))
        if power < 2 * len(one) * max(QUIET**2, FAINT * self._loudest) or power < HISS * _power(piece, there):
            return None
        rest = one - other
        apart = float(rest @ rest) / power
        return apart if len(there) >= MIN_OVERLAP or apart >= STRANGE or (brief and apart <= BRIEF) else None

    def find(self, piece: Samples) -> int | None:
        """Return the one recent place that sounds like the piece, or like its beginning; None without one."""
        known = self.between(self.end - min(6 * len(piece), MAX_SEARCHED), self.end)
        if len(known) < MIN_FOUND or len(piece) < MIN_FOUND:
            return None
        apart = _distances(smooth(piece[:MAX_PROBE]), smooth(known))
        best = int(np.argmin(apart))
        nearest = float(apart[best])
        apart[max(0, best - NEIGHBOURS) : best + NEIGHBOURS + 1] = 1.0
        if nearest > SAME or apart.min() < nearest + max(ELSEWHERE, 2 * nearest):
            return None
        place = self.end - len(known) + best
        return None if self._repeats(self.end - place, len(piece)) else place

    def _repeats(self, distance: int, long: int) -> bool:
        """Whether the end sounds as it did at this distance before: then what comes next will, too, and is no copy."""
        apart = self.apart(self.between(self.end - long, self.end), self.end - long - distance)
        return apart is not None and apart <= REPEATED


def smooth(piece: Samples) -> Floats:
    """Return the means of each SMOOTHED samples."""
    sums = np.cumsum(np.concatenate(([0.0], piece)))
    means: Floats = (sums[SMOOTHED:] - sums[:-SMOOTHED]) / SMOOTHED
    return means


def _power(*pieces: Samples) -> float:
    return sum(float(wide @ wide) for wide in (piece.astype(np.float64) for piece in pieces))


def loud(piece: Samples, level: float = QUIET) -> bool:
    """Whether there is more in it than a room's noise."""
    means = smooth(piece[:MAX_COMPARED])
    return len(means) > 0 and float(means @ means) >= len(means) * level**2


def _distances(piece: Floats, known: Floats) -> Floats:
    """Return how far a piece is from what is known, for each place that it may begin at and have enough in common."""
    room, long = len(known), len(piece)
    products = np.correlate(np.concatenate((known, np.zeros(long))), piece, "valid")[: room - MIN_FOUND + SMOOTHED]
    starts = np.arange(len(products))
    stops = np.minimum(starts + long, room)
    in_piece = np.concatenate(([0.0], np.cumsum(piece * piece)))
    in_known = np.concatenate(([0.0], np.cumsum(known * known)))
    power = in_piece[stops - starts] + in_known[stops] - in_known[starts]
    loud_enough = power >= 2 * (stops - starts) * QUIET**2
    distances: Floats = np.where(loud_enough, 1.0 - 2.0 * products / np.maximum(power, 1.0), 1.0)
    return distances
