"""Clocks that move when a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.times import BUENOS_AIRES

NOON = datetime(2026, 11, 23, 12, tzinfo=BUENOS_AIRES)  # a Monday


@dataclass
class Clock:
    """The time of day in Buenos Aires."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Seconds:
    """A count of seconds, such as a monotonic clock's or Unix time."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
