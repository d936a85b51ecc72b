"""How a call ends of itself, after a goodbye or an apology. Sans-IO: times go in, `due` comes out.

The model asks to hang up and then says goodbye, in the answer that follows; or it says goodbye and then asks, and may
add a word or not. The line ends when the goodbye has been heard; a caller who has more to say is not hung up on. A call
without a model apologises, and nothing stops that.

Source of the second order: AWS's prompting guide for Nova 2.5 Sonic, rule 18a.
"""

from __future__ import annotations

from enum import Enum, auto

from agent.playout import Played

APOLOGY_ANSWER = 0  # the number of the apology, among answers that count from 1
GOODBYE_START_S = 6.0  # a goodbye that has not begun by then is not awaited
GOODBYE_S = 15.0
HEARD_CHECK_S = 0.5  # a goodbye that was said before: how often it is asked whether it is still being heard
HEARD_BY_S = 60.0  # and for how long at most: marks may have been lost
LAST_WORD_S = 2.0  # after it, for a model that goes on after its tool's result


class State(Enum):
    TALKING = auto()  # nobody thinks of an end
    AWAITING_GOODBYE = auto()
    SAYING_GOODBYE = auto()
    GOODBYE_SAID = auto()  # before it was asked for; it may still be heard
    LAST_WORD = auto()  # and has been heard
    APOLOGISING = auto()
    COMPLETED = auto()
    FAILED = auto()


class Event(Enum):
    HANG_UP = auto()  # the model asked for it
    HANG_UP_LAST = auto()  # the same, after its goodbye
    AUDIO = auto()  # an answer began to sound
    CALLER = auto()  # the caller said something
    LOST = auto()  # there is no model any more
    PLAYED = auto()  # the goodbye, to its end
    APOLOGY_PLAYED = auto()
    LATE = auto()  # what was due did not come,
    BUSY = auto()  # or has not yet: there is still something to be heard before it


type Move = tuple[State, float | None]  # the next state, and the seconds until what is awaited in it is late

_AWAIT: Move = (State.AWAITING_GOODBYE, GOODBYE_START_S)
_SAY: Move = (State.SAYING_GOODBYE, GOODBYE_S)
_SAID: Move = (State.GOODBYE_SAID, HEARD_CHECK_S)
_LISTEN: Move = (State.LAST_WORD, LAST_WORD_S)
_APOLOGISE: Move = (State.APOLOGISING, GOODBYE_S)  # and the length of the apology
_TALK: Move = (State.TALKING, None)
_COMPLETED: Move = (State.COMPLETED, None)
_FAILED: Move = (State.FAILED, None)
_GOODBYE: dict[Event, Move] = {
    Event.HANG_UP: _AWAIT,
    Event.HANG_UP_LAST: _SAID,
    Event.AUDIO: _SAY,
    Event.CALLER: _TALK,
    Event.LOST: _APOLOGISE,
    Event.PLAYED: _COMPLETED,
    Event.LATE: _COMPLETED,
    Event.BUSY: _AWAIT,
}

# state: {event: move}. An event that a state has no move for changes nothing.
TRANSITIONS: dict[State, dict[Event, Move]] = {
    State.TALKING: {Event.HANG_UP: _AWAIT, Event.HANG_UP_LAST: _SAID, Event.LOST: _APOLOGISE},
    State.AWAITING_GOODBYE: _GOODBYE,
    State.SAYING_GOODBYE: _GOODBYE,
    State.GOODBYE_SAID: {**_GOODBYE, Event.PLAYED: _LISTEN, Event.LATE: _LISTEN, Event.BUSY: _SAID},
    State.LAST_WORD: {**_GOODBYE, Event.PLAYED: _LISTEN, Event.BUSY: _SAID},
    State.APOLOGISING: {Event.APOLOGY_PLAYED: _FAILED, Event.LATE: _FAILED},
    State.COMPLETED: {},
    State.FAILED: {},
}

_SAID_BEFORE = frozenset({State.GOODBYE_SAID, State.LAST_WORD})

OUTCOMES = {  # of a call whose line ends in this state
    State.TALKING: "caller_left",
    State.AWAITING_GOODBYE: "completed",
    State.SAYING_GOODBYE: "completed",
    State.GOODBYE_SAID: "completed",
    State.LAST_WORD: "completed",
    State.APOLOGISING: "failed",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}


class Ending:
    """One call's. `due` is when `late` is to be called, in the caller's own clock; None while nothing is awaited.
    Answers are counted as `SonicService` does; `latest` is the one being made, or the last one."""

    def __init__(self) -> None:
        self.state = State.TALKING
        self.due: float | None = None
        self._goodbye = 0  # the first answer that may be it
        self._heard_by = 0.0

    @property
    def outcome(self) -> str:
        """What the call has come to if its line ends now."""
        return OUTCOMES[self.state]

    @property
    def over(self) -> bool:
        """True when the line is to be ended."""
        return not TRANSITIONS[self.state]

    def hang_up(self, now: float, latest: int, *, goodbye_said: bool) -> None:
        """The model asked to hang up. Its latest answer said goodbye, or its next one does."""
        self._move(Event.HANG_UP_LAST if goodbye_said else Event.HANG_UP, now)
        self._goodbye = latest if goodbye_said else latest + 1
        self._heard_by = now + HEARD_BY_S

    def audio(self, now: float) -> None:
        """The first audio of an answer came."""
        self._move(Event.AUDIO, now)

    def caller_spoke(self, now: float) -> None:
        self._move(Event.CALLER, now)

    def lost(self, now: float, apology_s: float) -> None:
        """There is no model any more: an apology of so many seconds is played."""
        self._move(Event.LOST, now, apology_s)

    def played(self, part: Played, now: float, latest: int) -> None:
        """The caller heard this."""
        if part.last and part.answer == APOLOGY_ANSWER:
            self._move(Event.APOLOGY_PLAYED, now)
        elif part.last and part.answer == latest >= self._goodbye:
            self._move(Event.PLAYED, now)

    def late(self, now: float, latest: int, *, playing: bool) -> None:
        """The time of `due` has come; `playing` says whether the caller still has something to hear."""
        if self.state in _SAID_BEFORE:
            busy = now < self._heard_by
        else:
            busy = self.state is not State.APOLOGISING and latest < self._goodbye
        self._move(Event.BUSY if busy and playing else Event.LATE, now)

    def _move(self, event: Event, now: float, longer_s: float = 0.0) -> None:
        if (move := TRANSITIONS[self.state].get(event)) is not None:
            self.state, seconds = move
            self.due = None if seconds is None else now + seconds + longer_s
