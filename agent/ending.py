"""How a call ends of itself, after a goodbye or an apology. Sans-IO: times go in, `due` comes out.

The model asks to hang up and then says goodbye, in the answer that follows; or it says goodbye and then asks, and may
add a word or not. To a caller who says nothing any more, and when the time is up, a recorded goodbye is said. When the
goodbye has been heard the line stays open for a moment: a caller who has more to say, in words or with a key, is not
hung up on, and while somebody speaks no time runs out. A noise ends no goodbye, and makes none last longer than it
takes. A call without a model apologises; nothing stops that, nor the goodbye when the time is up.

Source of the second order: AWS's prompting guide for Nova 2.5 Sonic, rule 18a.
"""

from __future__ import annotations

from enum import Enum, auto

from agent.playout import Played

FIRST_ANSWER = 1  # of the model's; what is said without it has lower numbers
GOODBYE_START_S = 6.0  # a goodbye that has not begun by then is not awaited
GOODBYE_S = 15.0
GRACE_S = 1.5  # unless the call says otherwise: the line stays open for so long after the goodbye
CUT_S = 2.0  # after a noise that ended it: words may still come
CHECK_S = 0.5  # how often it is asked whether the caller still hears, or says, something
HEARD_BY_S = 60.0  # and for how long at most: marks may have been lost
SPEAKS_BY_S = 30.0  # the same: a voice of which nothing is understood may be a television


class State(Enum):
    TALKING = auto()  # nobody thinks of an end
    AWAITING_GOODBYE = auto()
    SAYING_GOODBYE = auto()
    GOODBYE_SAID = auto()  # before it was asked for; it may still be heard
    LAST_WORD = auto()  # it has been heard: the caller's, or the model's
    NO_ANSWER = auto()  # a recorded goodbye, since the caller says nothing
    NO_ANSWER_SAID = auto()  # and has been heard
    TIME_UP = auto()  # a recorded goodbye at the limit
    APOLOGISING = auto()
    COMPLETED = auto()
    INACTIVE = auto()
    TOO_LONG = auto()
    FAILED = auto()


class Event(Enum):
    HANG_UP = auto()  # the model asked for it
    HANG_UP_LAST = auto()  # the same, after its goodbye
    AUDIO = auto()  # an answer began to sound
    CUT = auto()  # a noise ended it at the model; what has come of it is still played
    CALLER = auto()  # the caller said something, or pressed a key
    SILENT = auto()  # the caller says nothing any more
    LIMIT = auto()  # the time is up
    LOST = auto()  # there is no model any more
    PLAYED = auto()  # the goodbye, to its end
    OWN_PLAYED = auto()  # the recorded goodbye, or the apology
    LATE = auto()  # what was due did not come,
    BUSY = auto()  # or has not yet: there is still something to be heard before it


type Move = tuple[State, float | None]  # the next state, and the seconds until what is awaited in it is late

_AWAIT: Move = (State.AWAITING_GOODBYE, GOODBYE_START_S)
_SAY: Move = (State.SAYING_GOODBYE, GOODBYE_S)
_SAID: Move = (State.GOODBYE_SAID, CHECK_S)
_CUT: Move = (State.GOODBYE_SAID, CUT_S)
_LISTEN: Move = (State.LAST_WORD, GRACE_S)
_SILENT: Move = (State.NO_ANSWER, GOODBYE_S)  # these three: and the length of what is said
_LIMIT: Move = (State.TIME_UP, GOODBYE_S)
_APOLOGISE: Move = (State.APOLOGISING, GOODBYE_S)
_LISTEN_AGAIN: Move = (State.NO_ANSWER_SAID, GRACE_S)
_TALK: Move = (State.TALKING, None)
_COMPLETED: Move = (State.COMPLETED, None)
_INACTIVE: Move = (State.INACTIVE, None)
_TOO_LONG: Move = (State.TOO_LONG, None)
_FAILED: Move = (State.FAILED, None)
_ALWAYS: dict[Event, Move] = {Event.LIMIT: _LIMIT, Event.LOST: _APOLOGISE}
_GOODBYE: dict[Event, Move] = {
    **_ALWAYS,
    Event.HANG_UP: _AWAIT,
    Event.HANG_UP_LAST: _SAID,
    Event.AUDIO: _SAY,
    Event.CUT: _CUT,
    Event.CALLER: _TALK,
    Event.PLAYED: _LISTEN,
    Event.LATE: _COMPLETED,
    Event.BUSY: _AWAIT,
}

# state: {event: move}. An event that a state has no move for changes nothing.
TRANSITIONS: dict[State, dict[Event, Move]] = {
    State.TALKING: {**_ALWAYS, Event.HANG_UP: _AWAIT, Event.HANG_UP_LAST: _SAID, Event.SILENT: _SILENT},
    State.AWAITING_GOODBYE: _GOODBYE,
    State.SAYING_GOODBYE: _GOODBYE,
    State.GOODBYE_SAID: {**_GOODBYE, Event.LATE: _LISTEN, Event.BUSY: _SAID},
    State.LAST_WORD: {**_GOODBYE, Event.BUSY: _SAID},
    State.NO_ANSWER: {**_ALWAYS, Event.CALLER: _TALK, Event.OWN_PLAYED: _LISTEN_AGAIN, Event.LATE: _INACTIVE},
    State.NO_ANSWER_SAID: {**_ALWAYS, Event.CALLER: _TALK, Event.LATE: _INACTIVE},
    State.TIME_UP: {Event.OWN_PLAYED: _TOO_LONG, Event.LATE: _TOO_LONG},
    State.APOLOGISING: {Event.OWN_PLAYED: _FAILED, Event.LATE: _FAILED},
    State.COMPLETED: {},
    State.INACTIVE: {},
    State.TOO_LONG: {},
    State.FAILED: {},
}

_SAID_BEFORE = frozenset({State.GOODBYE_SAID, State.LAST_WORD})
_HEARD = frozenset({State.LAST_WORD, State.NO_ANSWER_SAID})  # they last as long as the call's own grace

OUTCOMES = {  # of a call whose line ends in this state
    State.TALKING: "caller_left",
    State.AWAITING_GOODBYE: "completed",
    State.SAYING_GOODBYE: "completed",
    State.GOODBYE_SAID: "completed",
    State.LAST_WORD: "completed",
    State.NO_ANSWER: "inactivity",
    State.NO_ANSWER_SAID: "inactivity",
    State.TIME_UP: "too_long",
    State.APOLOGISING: "failed",
    State.COMPLETED: "completed",
    State.INACTIVE: "inactivity",
    State.TOO_LONG: "too_long",
    State.FAILED: "failed",
}


class Ending:
    """One call's. `due` is when `late` is to be called, in the caller's own clock; None while nothing is awaited.
    Answers are counted as `SonicService` does; `latest` is the one being made, or the last one."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self.state = State.TALKING
        self.due: float | None = None
        self._grace_s = grace_s
        self._stays_s = grace_s  # after the goodbye at hand
        self._lasts_s = 0.0  # what is awaited now, before it is late
        self._goodbye = 0  # the first answer that may be it
        self._began = 0.0

    @property
    def outcome(self) -> str:
        """What the call has come to if its line ends now."""
        return OUTCOMES[self.state]

    @property
    def over(self) -> bool:
        """True when the line is to be ended."""
        return not TRANSITIONS[self.state]

    @property
    def stoppable(self) -> bool:
        """True for a goodbye that ends if the caller has more to say."""
        return Event.CALLER in TRANSITIONS[self.state]

    def hang_up(self, now: float, latest: int, *, goodbye_said: bool, stays: bool = True) -> None:
        """The model asked to hang up. Its latest answer said goodbye, or its next one does. Unless the line `stays`, as
        for a caller who goes on to a person, it is over as soon as that was heard."""
        self._stays_s = self._grace_s if stays else 0.0
        self._move(Event.HANG_UP_LAST if goodbye_said else Event.HANG_UP, now)
        self._goodbye = latest if goodbye_said else latest + 1
        self._began = now

    def audio(self, now: float) -> None:
        """The first audio of an answer came."""
        self._move(Event.AUDIO, now)

    def cut(self, now: float) -> None:
        """The model broke its goodbye off, and nobody knows yet whether for words or for a noise."""
        self._move(Event.CUT, now)

    def caller_spoke(self, now: float) -> None:
        """In words or with a key."""
        self._move(Event.CALLER, now)

    def wait_anew(self, now: float) -> None:
        """The caller was away and hears again: what is awaited has all of its time from now on."""
        self._began = now
        self.due = None if self.due is None else now + self._lasts_s

    def silent(self, now: float, goodbye_s: float) -> None:
        """The caller says nothing any more: a recorded goodbye of so many seconds is played."""
        self._began = now
        self._stays_s = self._grace_s
        self._move(Event.SILENT, now, goodbye_s)

    def time_up(self, now: float, goodbye_s: float) -> None:
        """The same at the limit; nothing stops it."""
        self._move(Event.LIMIT, now, goodbye_s)

    def lost(self, now: float, apology_s: float) -> None:
        """There is no model any more: an apology of so many seconds is played."""
        self._move(Event.LOST, now, apology_s)

    def played(self, part: Played, now: float, latest: int) -> None:
        """The caller heard this."""
        if part.last and part.answer < FIRST_ANSWER:
            self._move(Event.OWN_PLAYED, now)
        elif part.last and part.answer == latest >= self._goodbye:
            self._move(Event.PLAYED, now)

    def late(self, now: float, latest: int, *, playing: bool, speaking: bool) -> None:
        """The time of `due` has come. `playing`: the caller still has something to hear; `speaking`: he speaks, or
        spoke so shortly ago that his words may still come."""
        if speaking and self.stoppable and now < self._began + SPEAKS_BY_S:
            self.due = now + CHECK_S
            return
        if self.state in _SAID_BEFORE:
            busy = now < self._began + HEARD_BY_S
        else:
            busy = self.state is State.AWAITING_GOODBYE and latest < self._goodbye
        self._move(Event.BUSY if busy and playing else Event.LATE, now)

    def _move(self, event: Event, now: float, longer_s: float = 0.0) -> None:
        if (move := TRANSITIONS[self.state].get(event)) is None:
            return
        self.state, seconds = move
        if self.state in _HEARD:
            seconds = self._stays_s
        self._lasts_s = 0.0 if seconds is None else seconds + longer_s
        self.due = None if seconds is None else now + self._lasts_s
