"""How a transfer may end, and when a process may die in it. Which death strikes which run is drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sandbox.twilio.errors import Code
from sandbox.twilio.events import Bridged, CallEvent, Progressed, Ran, Warned
from sandbox.twilio.person import Person
from sandbox.twilio.verbs import Say

RING_S = 5  # TRANSFER_RING_S: who does not answer is given up after so long


class Death(StrEnum):
    """What is happening when the process that holds the call is killed."""

    STREAM_ENDS = "as the stream ends"
    RINGING = "while it rings"
    BRIEFING = "in the briefing"
    BRIDGED = "while they talk"


class Result(StrEnum):
    """What a caller is owed."""

    PERSON = "talks to the person"
    CARLOS = "is back with Carlos"
    LEFT = "hangs up"  # the caller, and the person's phone is let go


@dataclass(frozen=True, slots=True)
class Ending:
    name: str  # of the person
    person: Person
    result: Result
    deaths: tuple[Death, ...]
    times: int = 1  # that the caller asks for a person


_RINGS = (Death.STREAM_ENDS, Death.RINGING)
_LISTENS = (*_RINGS, Death.BRIEFING)
ENDINGS = (
    Ending("takes it", Person(3.0, presses=("1",), talks_s=5.0), Result.PERSON, (*_LISTENS, Death.BRIDGED)),
    Ending("declines", Person(3.0, presses=("2",)), Result.CARLOS, _LISTENS),
    Ending("declines twice", Person(2.0, presses=("2",)), Result.CARLOS, _LISTENS, times=2),
    Ending("is busy", Person(2.0, "busy"), Result.CARLOS, _RINGS),
    Ending("does not answer", Person(answer="no-answer"), Result.CARLOS, _RINGS),
    Ending("is a machine", Person(3.0, "machine"), Result.CARLOS, _RINGS),
    Ending("hangs up", Person(3.0, hangs_up_after_s=7.0), Result.CARLOS, _LISTENS),
    Ending("presses nothing", Person(3.0), Result.CARLOS, _LISTENS),
    Ending("takes it and hangs up", Person(3.0, presses=("1",), talks_s=0.5), Result.CARLOS, _LISTENS),
    Ending("hears the caller leave", Person(3.0, presses=("1",)), Result.LEFT, _LISTENS),
)
DELAY_S = {  # until the process dies; the longest
    Death.STREAM_ENDS: 0.3,
    Death.RINGING: 1.5,
    Death.BRIEFING: 3.0,
    Death.BRIDGED: 3.0,
}
CALLER_LEAVES_S = 5.0  # after the briefing has begun


@dataclass(frozen=True, slots=True)
class Run:
    """`proven`: the caller has said who they are before asking for a person."""

    ending: Ending
    proven: bool
    death: Death | None = None
    delay_s: float = 0.0


def runs(seed: int) -> Iterator[Run]:
    """Every ending before and after proof, with nobody dying and with a death."""
    chance = random.Random(seed)
    for ending in ENDINGS:
        for proven in (False, True):
            death = chance.choice(ending.deaths)
            yield Run(ending, proven)
            yield Run(ending, proven, death, chance.uniform(0.0, DELAY_S[death]))


def moment(event: CallEvent, *, of_the_person: bool) -> Death | None:
    """Return what begins with an event at one of the two phones."""
    match event:
        case Warned(code=Code.SERVER_CLOSED) if not of_the_person:
            return Death.STREAM_ENDS
        case Progressed("initiated") if of_the_person:
            return Death.RINGING
        case Ran(Say()) if of_the_person:
            return Death.BRIEFING
        case Bridged() if of_the_person:
            return Death.BRIDGED
    return None
