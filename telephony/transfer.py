"""How far a caller is on the way to a person, as a table. Sans-IO: times go in, what is due comes out.

    ringing ──a person answers──▶ briefing ──1──▶ bridged ──▶ over
       │ busy, no answer, a machine   │ 2, silence     │ the person never came, or left at once
       └──────────────┬───────────────┴───────────────┘
                      ▼
                   returned: the caller is with Carlos again

A transfer lies in the store beside its call's record, so that any process goes on with it: whoever answers the next
request of the carrier reads the state, moves it, and writes it on the condition that nobody else has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Any

from common.times import from_iso, to_iso


class State(StrEnum):
    RINGING = auto()  # the caller hears music; a person's phone rings, or is about to
    BRIEFING = auto()  # a person hears who is calling, and has not taken it
    BRIDGED = auto()
    RETURNED = auto()  # nobody took it
    OVER = auto()


class Event(Enum):
    ANSWERED = auto()  # by somebody who may be a person
    MACHINE = auto()
    ACCEPTED = auto()
    DECLINED = auto()  # or pressed nothing
    FAILED = auto()  # busy, no answer, refused by the carrier
    PERSON_LEFT = auto()
    CALLER_LEFT = auto()
    CALLER_FREE = auto()  # the room, or a cold transfer, ended under a caller who is still there
    LEFT_AT_ONCE = auto()  # and before a word was said to them
    LATE = auto()


# state: {event: next state}. An event that a state has no move for changes nothing.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.RINGING: {
        Event.ANSWERED: State.BRIEFING,
        Event.MACHINE: State.RETURNED,
        Event.FAILED: State.RETURNED,
        Event.PERSON_LEFT: State.RETURNED,
        Event.CALLER_FREE: State.RETURNED,
        Event.LATE: State.RETURNED,
        Event.ACCEPTED: State.BRIDGED,  # of a cold transfer, which has no briefing
        Event.CALLER_LEFT: State.OVER,
    },
    State.BRIEFING: {
        Event.ACCEPTED: State.BRIDGED,
        Event.DECLINED: State.RETURNED,
        Event.FAILED: State.RETURNED,
        Event.PERSON_LEFT: State.RETURNED,
        Event.CALLER_FREE: State.RETURNED,
        Event.LATE: State.RETURNED,
        Event.CALLER_LEFT: State.OVER,
    },
    # A person who leaves ends the room, and that the caller's own leg tells.
    State.BRIDGED: {
        Event.CALLER_FREE: State.OVER,
        Event.LEFT_AT_ONCE: State.RETURNED,
        Event.CALLER_LEFT: State.OVER,
        Event.LATE: State.RETURNED,
    },
    State.RETURNED: {Event.CALLER_LEFT: State.OVER},
    State.OVER: {},
}

DIAL_S = 8.0  # in which a process that means to ring a person has done so, or is gone: more than a request takes
ANSWER_S = 45.0  # beyond the ringing: telling a machine takes up to 30 s
BRIEFING_S = 75.0  # to hear the briefing twice and press a key
TALK_S = 5.0  # from the person's 1: who is gone within them has pressed it by mistake, or helped nobody
JOIN_S = 8.0  # for a person who has pressed 1 to be in the room; until then the caller hears music
REDIRECT_S = 3.0  # for a caller who is to be with Carlos again to have left the music
MOST_DIALS = 3  # of one transfer, each after a process that died over the one before


class Due(Enum):
    """What a caller's music, asked for again, has to do first."""

    NOTHING = auto()
    DIAL = auto()  # nobody rings the person
    GIVE_UP = auto()  # it has taken too long
    BRING_BACK = auto()  # nobody took the caller back to Carlos


@dataclass(frozen=True, slots=True)
class Transfer:
    """One try to pass a caller on; `number` counts those of a call from 1. What a person's leg says counts only with
    the current `leg`."""

    call_id: str
    number: int
    address: str  # of the person, from TRANSFER_TARGETS
    reason: str
    cause: str  # asked, keypad, locked, misunderstood, model_down
    resumes: int  # how often the call's line had been opened anew
    ring_s: float
    begun_at: datetime
    moved_at: datetime  # into its state
    state: State = State.RINGING
    leg: int = 0  # how often a person was rung, in all transfers of the call; 0: not yet
    dials: int = 0  # in this transfer
    dialled_at: datetime | None = None
    person_id: str = ""  # the carrier's id of the person's leg, once it is known
    came_to: str = ""  # why nobody took it

    def after(self, event: Event, now: datetime, why: str = "") -> Transfer | None:
        """Return the transfer after an event, None where it changes nothing."""
        state = TRANSITIONS[self.state].get(event)
        if state is None:
            return None
        return replace(self, state=state, moved_at=now, came_to=why if state is State.RETURNED else self.came_to)

    def dialling(self, now: datetime) -> Transfer:
        """Return the transfer of somebody who is about to ring the person."""
        return replace(self, leg=self.leg + 1, dials=self.dials + 1, dialled_at=now, person_id="")

    def due(self, now: datetime) -> Due:
        in_state = now - self.moved_at
        match self.state:
            case State.RINGING if not self.person_id and (
                self.dialled_at is None or now - self.dialled_at > timedelta(seconds=DIAL_S)
            ):
                return Due.DIAL if self.dials < MOST_DIALS else Due.GIVE_UP
            case State.RINGING if in_state > timedelta(seconds=self.ring_s + ANSWER_S):
                return Due.GIVE_UP
            case State.BRIEFING if in_state > timedelta(seconds=BRIEFING_S):
                return Due.GIVE_UP
            case State.BRIDGED if in_state > timedelta(seconds=JOIN_S):
                return Due.GIVE_UP
            case State.RETURNED if in_state > timedelta(seconds=REDIRECT_S):
                return Due.BRING_BACK
        return Due.NOTHING

    def end_of_the_room(self, now: datetime) -> Event:
        """Return what it means for a caller who is still there."""
        at_once = self.state is State.BRIDGED and now - self.moved_at < timedelta(seconds=TALK_S)
        return Event.LEFT_AT_ONCE if at_once else Event.CALLER_FREE

    @property
    def is_waited_for(self) -> bool:
        """True while a person's leg is there, or may be, that nobody needs once the caller is gone."""
        return self.state in (State.RINGING, State.BRIEFING)

    @property
    def note(self) -> dict[str, Any]:
        """What the call's record keeps of it."""
        kept = {"reason": self.reason, "cause": self.cause, "number": self.number, "state": self.state.value}
        return kept | ({"came_to": self.came_to} if self.came_to else {})

    def memory(self) -> dict[str, Any]:
        """Return a JSON object for the store."""
        times = {name: to_iso(at) if (at := getattr(self, name)) else None for name in _TIMES}
        return {**asdict(self), **times, "state": self.state.value}

    @classmethod
    def of(cls, memory: Mapping[str, Any]) -> Transfer:
        times = {name: from_iso(memory[name]) if memory[name] else None for name in _TIMES}
        return cls(**{**memory, **times, "state": State(memory["state"])})


_TIMES = ("begun_at", "moved_at", "dialled_at")
