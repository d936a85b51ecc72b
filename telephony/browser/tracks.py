"""Which of a page's pipelines sent which message, when all of them send the same microphone.

A message bears no number and no name. But each pipeline goes on where it stopped, they take turns, and all of them say
the same, each a little sooner or later. So every way to deal the last messages out to the pipelines is given the
likelihood of its joints, of its turns and of what the pipelines say of the same moment; the WIDTH likeliest are kept,
and a message is decided when LAG more have come for each pipeline (a beam search). In a browser the pipelines lose or
repeat some milliseconds now and then, each at moments of its own: there a joint is broken, the others and the turns
hold, and how far they are apart is measured anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from telephony.browser.pieces import QUIET, Floats, Piece, smooth

WIDTH = 6  # ways to deal the messages out
LAG = 4  # messages of each pipeline that are known before one is decided: 46 ms of the original's
MEASURED = 6  # messages of each pipeline by which it is measured how far they are apart
MEASURED_EVERY = 4  # messages of each pipeline
ALIKE = 0.9  # of correlation, at which the place is believed
OUT_OF_TURN = 1.5  # for each pipeline that waits longer
AHEAD = 0.7  # for each message more than one that a pipeline is ahead of another
SAME, STRANGE, PER_APART = 2.0, -2.5, 8.0  # what it weighs that two say the same of a moment, and that they do not


@dataclass(frozen=True, slots=True)
class Dealt:
    """A way to deal the messages out, by pipeline."""

    weight: float  # the logarithm of its likelihood
    last: tuple[Piece | None, ...]
    ends: tuple[int, ...]  # places in the microphone's sound, in samples, once they were measured
    ahead: tuple[int, ...]  # samples more than the pipeline with the fewest
    undecided: tuple[int, ...]  # whose the messages are that are not decided yet

    @property
    def key(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Two of the same key differ in the past alone."""
        return tuple(-1 if piece is None else piece.number for piece in self.last), self.ahead


class Tracks:
    """`copies` pipelines' messages, told apart."""

    def __init__(self, copies: int) -> None:
        self.copies = copies
        self._beam = [Dealt(0.0, (None,) * copies, (0,) * copies, (0,) * copies, ())]
        self._undecided: deque[Piece] = deque()
        self._decided: list[deque[Piece]] = [deque(maxlen=MEASURED) for _ in range(copies)]
        self._measured = [True] + [False] * (copies - 1)
        self._came = 0

    @property
    def weight(self) -> float:
        """The logarithm of how much likelier its joints are than others'."""
        return self._beam[0].weight

    def push(self, piece: Piece) -> list[tuple[int, Piece]]:
        """Take the next message; return those that are decided by it, each with its pipeline's index."""
        self._undecided.append(piece)
        self._beam = self._dealt(piece)
        self._came += 1
        if self._came % (MEASURED_EVERY * self.copies) == 0:
            self._measure()
        return [self._decide()] if len(self._undecided) > LAG * self.copies else []

    def rest(self) -> list[tuple[int, Piece]]:
        """Return what is not decided yet, dealt out as it seems likeliest."""
        return list(zip(self._beam[0].undecided, self._undecided, strict=True))

    # The ways to deal them out.

    def _dealt(self, piece: Piece) -> list[Dealt]:
        best: dict[object, Dealt] = {}
        weighed: dict[object, float | None] = {}
        for way in self._beam:
            fresh = way.last.index(None) if None in way.last else self.copies  # the unused are all alike
            for track in range(min(fresh + 1, self.copies)):
                new = self._with(way, track, piece, weighed)
                known = best.get(key := new.key)
                if known is None or known.weight < new.weight:
                    best[key] = new
        return sorted(best.values(), key=lambda way: -way.weight)[:WIDTH]

    def _with(self, way: Dealt, track: int, piece: Piece, weighed: dict[object, float | None]) -> Dealt:
        ahead = _replaced(way.ahead, track, way.ahead[track] + len(piece))
        least = min(ahead)
        ahead = tuple(samples - least for samples in ahead)
        weight = way.weight + self._turn(way, track) + self._joint(way, track, piece, weighed)
        weight += self._agreement(way, track, piece, weighed)
        weight -= AHEAD * max(0.0, max(ahead) / len(piece) - 1)
        return Dealt(
            weight,
            _replaced(way.last, track, piece),
            _replaced(way.ends, track, way.ends[track] + len(piece)),
            ahead,
            (*way.undecided, track),
        )

    @staticmethod
    def _turn(way: Dealt, track: int) -> float:
        mine = way.last[track]
        when = -1 if mine is None else mine.number
        return -OUT_OF_TURN * sum((-1 if last is None else last.number) < when for last in way.last)

    @staticmethod
    def _joint(way: Dealt, track: int, piece: Piece, weighed: dict[object, float | None]) -> float:
        before = way.last[track]
        if before is None:
            return 0.0
        if before.number not in weighed:
            weighed[before.number] = piece.goes_on(before)
        return weighed[before.number] or 0.0

    def _agreement(self, way: Dealt, track: int, piece: Piece, weighed: dict[object, float | None]) -> float:
        """Return what it weighs that the others said of this moment what the piece says, if they have."""
        if not self._measured[track]:
            return 0.0
        found = None
        for other, last in enumerate(way.last):
            if other != track and last is not None and self._measured[other]:
                key = (track, other, way.ends[track], way.ends[other], last.number)
                if key not in weighed:
                    weighed[key] = _weight(piece.apart(way.ends[track], last, way.ends[other] - len(last)))
                if (weight := weighed[key]) is not None and (found is None or weight > found):
                    found = weight
        return found or 0.0

    def _decide(self) -> tuple[int, Piece]:
        piece, track = self._undecided.popleft(), self._beam[0].undecided[0]
        self._decided[track].append(piece)
        self._beam = [
            Dealt(way.weight, way.last, way.ends, way.ahead, way.undecided[1:])
            for way in self._beam
            if way.undecided[0] == track
        ]
        return track, piece

    # How far they are apart.

    def _measure(self) -> None:
        """Find each pipeline's end in the first one's sound, and start counting from there."""
        best = self._beam[0]
        pieces = [list(decided) for decided in self._decided]
        for track, piece in self.rest():
            pieces[track].append(piece)
        if any(len(each) < MEASURED for each in pieces):
            return
        first, *others = (np.concatenate([piece.wide for piece in each[-MEASURED:]]) for each in pieces)
        moved = [0] * self.copies
        for track, sound in enumerate(others, 1):
            distance = _distance(smooth(first), smooth(sound))
            if distance is not None:
                moved[track] = best.ends[0] + distance - best.ends[track]
                self._measured[track] = True
        least = best.ahead
        self._beam = [
            Dealt(
                way.weight,
                way.last,
                tuple(end + move for end, move in zip(way.ends, moved, strict=True)),
                tuple(samples - level for samples, level in zip(way.ahead, least, strict=True)),
                way.undecided,
            )
            for way in self._beam
        ]


def _weight(apart: float | None) -> float | None:
    return None if apart is None else max(STRANGE, SAME - PER_APART * apart)


def _replaced[T](values: tuple[T, ...], index: int, value: T) -> tuple[T, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _distance(first: Floats, other: Floats) -> int | None:
    """Return by how many samples the end of the other comes after the first one's, in the sound that both are; None
    where that is too quiet to tell, or the two are no one sound."""
    if len(other) > len(first):
        back = _distance(other, first)
        return None if back is None else -back
    long, skipped = len(other) // 2, len(other) // 4
    probe = other[skipped : skipped + long]
    power = float(probe @ probe)
    if power < long * QUIET**2:
        return None
    sums = np.cumsum(np.concatenate(([0.0], first * first)))
    alike = np.correlate(first, probe, "valid") / np.sqrt((sums[long:] - sums[:-long]) * power + 1.0)
    place = int(np.argmax(alike))
    return place - skipped + len(other) - len(first) if alike[place] >= ALIKE else None
