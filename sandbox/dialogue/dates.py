"""Days and hours as callers say them, against a clock in Buenos Aires.

What contradicts itself ("el jueves o el viernes", a weekday that is not that day's) is not read at all: the
caller is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from common.times import BUENOS_AIRES
from sandbox.dialogue.days import day_at
from sandbox.dialogue.hours import hour_at
from sandbox.dialogue.words import Word


@dataclass(frozen=True, slots=True)
class When:
    """What was said of a day and an hour, and the indexes of the words that said it."""

    day: date | None
    hour: time | None
    words: frozenset[int]


def read_when(words: Sequence[Word], today: date, *, asked_day: bool = False, asked_hour: bool = False) -> When:
    """Read the day and the hour out of a sentence; the last one said counts ("el jueves, no, el viernes")."""
    used: set[int] = set()
    # To a question for both, a bare "once" is an hour and "el once" a day.
    day = _scan(words, used, lambda at: day_at(words, at, today, asked=asked_day and (at > 0 or not asked_hour)))
    hour = _scan(words, used, lambda at: hour_at(words, at, asked=asked_hour))
    return When(day, hour, frozenset(used))


def to_iso(day: date, hour: time) -> str:
    """The minute in Buenos Aires with its offset: "2026-11-23T10:00:00-03:00"."""
    return datetime.combine(day, hour, BUENOS_AIRES).isoformat(timespec="seconds")


def _scan[T](words: Sequence[Word], used: set[int], read: Callable[[int], tuple[T | None, int] | None]) -> T | None:
    """The last hit; None when two of them are joined by "o"."""
    last, last_end, at, torn = None, len(words), 0, False
    while at < len(words):
        hit = None if at in used else read(at)
        if hit is None:
            at += 1
            continue
        torn = torn or any(word.key == "o" for word in words[last_end:at])
        used.update(range(at, hit[1]))
        last, at = hit
        last_end = at
    return None if torn else last
