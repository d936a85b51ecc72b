"""How a call ends of itself, after a goodbye or an apology. Sans-IO: times go in, `due` comes out.

The model asks to hang up and then says goodbye, in the answer that follows. The line ends when that has been heard;
a caller who has more to say is not hung up on. A call without a model apologises, and nothing stops that.
"""

from __future__ import annotations

from enum import Enum, auto

from agent.playout import Played

APOLOGY_ANSWER = 0  # the number of the apology, among answers that count from 1
GOODBYE_START_S = 6.0  # a goodbye that has not begun by then is not awaited
GOODBYE_S = 15.0


class State(Enum):
    TALKING = auto()  # nobody thinks of an end
    AWAITING_GOODBYE = auto()
    SAYING_GOODBYE = auto()
    APOLOGISING = auto()
    COMPLETED = auto()
    FAILED = auto()


class Event(Enum):
    HANG_UP = auto()  # the model asked for it
    AUDIO = auto()  # an answer began to sound
    CALLER = auto()  # the caller said something
    LOST = auto()  # there is no model any more
    PLAYED = auto()  # the goodbye, to its end
    APOLOGY_PLAYED = auto()
    LATE = auto()  # what was due did not come,
    BUSY = auto()  # or has not yet: the answer before the goodbye is still being heard


type Move = tuple[State, float | None]  # the next state, and the seconds until what is awaited in it is late

_AWAIT: Move = (State.AWAITING_GOODBYE, GOODBYE_START_S)
_SAY: Move = (State.SAYING_GOODBYE, GOODBYE_S)
_APOLOGISE: Move = (State.APOLOGISING, GOODBYE_S)  # and the length of the apology
_TALK: Move = (State.TALKING, None)
_COMPLETED: Move = (State.COMPLETED, None)
_FAILED: Move = (State.FAILED, None)
_GOODBYE: dict[Event, Move] = {
    Event.HANG_UP: _AWAIT,
    Event.AUDIO: _SAY,
    Event.CALLER: _TALK,
    Event.LOST: _APOLOGISE,
    Event.PLAYED: _COMPLETED,
    Event.LATE: _COMPLETED,
    Event.BUSY: _AWAIT,
}

# state: {event: move}. An event that a state has no move for changes nothing.
TRANSITIONS: dict[State, dict[Event, Move]] = {
    State.TALKING: {Event.HANG_UP: _AWAIT, Event.LOST: _APOLOGISE},
    State.AWAITING_GOODBYE: _GOODBYE,
    State.SAYING_GOODBYE: _GOODBYE,
    State.APOLOGISING: {Event.APOLOGY_PLAYED: _FAILED, Event.LATE: _FAILED},
    State.COMPLETED: {},
    State.FAILED: {},
}

OUTCOMES = {  # of a call whose line ends in this state
    State.TALKING: "caller_left",
    State.AWAITING_GOODBYE: "completed",
    State.SAYING_GOODBYE: "completed",
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

    @property
    def outcome(self) -> str:
        """What the call has come to if its line ends now."""
        return OUTCOMES[self.state]

    @property
    def over(self) -> bool:
        """True when the line is to be ended."""
        return not TRANSITIONS[self.state]

    def hang_up(self, now: float, latest: int) -> None:
        """The model asked to hang up; its next answer says goodbye."""
        self._move(Event.HANG_UP, now)
        self._goodbye = latest + 1

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
        before = self.state is not State.APOLOGISING and playing and latest < self._goodbye
        self._move(Event.BUSY if before else Event.LATE, now)

    def _move(self, event: Event, now: float, longer_s: float = 0.0) -> None:
        if (move := TRANSITIONS[self.state].get(event)) is not None:
            self.state, seconds = move
            self.due = None if seconds is None else now + seconds + longer_s
