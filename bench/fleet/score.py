"""What became of the calls, and why those were lost that were answered and did not come to their end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Loss(StrEnum):
    """Why a call was lost; the words are the table's."""

    DIED_AGAIN = "tasks died"  # under it, once more than a call is resumed
    NO_SEAT = "no seat"  # its task died or went, or was full when its media came, and no other had a place in time
    NO_LEASE = "all leased"  # the same, or its stream was lost, and every Region that was up had all its streams leased
    THROTTLED = "throttled"  # it had a lease, and the service answered 429 for as long as a session tries
    OUT = "Region out"  # the service was away for as long as a session tries


@dataclass(slots=True)
class Score:
    offered: int = 0
    answered: int = 0  # and held to their end, or to the simulation's
    refused: int = 0  # heard busy
    refused_with_capacity: int = 0
    sent_on: int = 0  # redirects: a task without a seat had the carrier ask again
    opened_again: int = 0  # streams whose media came to a full task, and were opened once more
    resumed: int = 0  # streams opened anew for calls whose task died or went
    moved: int = 0  # streams whose media came to another task than the one that answered
    most: int = 0  # calls at once
    losses: Counter[Loss] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        return self.losses.total()


@dataclass(frozen=True, slots=True)
class Moment:
    """What there was at a time, in seconds since the beginning."""

    at_s: float
    calls: int  # that are on the line
    leased: int  # streams of tasks that live, in all Regions
    open: int  # streams of the service
