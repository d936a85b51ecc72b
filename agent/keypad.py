"""Keys that a caller presses, gathered into entries. Sans-IO: times go in, entries and `due` come out.

IDLE ──key──▶ GATHERING ──'#', the last key that fits, or a pause──▶ IDLE, with an entry
               │  │  ▲
               │  └──┘ key
               └─'*'─▶ IDLE, with nothing

Who reads a number from a card pauses in its middle: what follows an entry that a pause ended, before anything was
answered to it, is joined to it. A lone '0' asks for a person, as on every switchboard.
"""

from __future__ import annotations

from enum import Enum, auto

KEYPAD_PAUSE_S = 3.5  # keys this close together are one entry; '#' ends it at once,
MOST_KEYS = 32  # and so do so many of them
PERSON = ("0", "0#")  # entries that ask for one


class State(Enum):
    IDLE = auto()
    GATHERING = auto()


class Event(Enum):
    KEY = auto()
    LAST_KEY = auto()  # '#', or as many as an entry has
    CLEAR = auto()  # '*'
    PAUSE = auto()  # nothing for so long


# state: {event: next state}. A move to IDLE ends an entry; in GATHERING a pause is due.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.IDLE: {Event.KEY: State.GATHERING, Event.LAST_KEY: State.IDLE, Event.CLEAR: State.IDLE},
    State.GATHERING: {
        Event.KEY: State.GATHERING,
        Event.LAST_KEY: State.IDLE,
        Event.CLEAR: State.IDLE,
        Event.PAUSE: State.IDLE,
    },
}


class Keypad:
    """One call's. `due` is when `pause` is to be called, in the caller's own clock; None while nothing is gathered."""

    def __init__(self, pause_s: float = KEYPAD_PAUSE_S) -> None:
        self.state = State.IDLE
        self.due: float | None = None
        self._pause_s = pause_s
        self._keys = ""
        self._unanswered = ""  # the entry that a pause ended, until something is answered to it

    @property
    def gathering(self) -> bool:
        """True while the caller is in the middle of an entry."""
        return self.state is State.GATHERING

    def press(self, key: str, now: float) -> str | None:
        """Take a key; return the entry that it ends, if it does."""
        if key == "*":
            self._keys = self._unanswered = ""
            return self._move(Event.CLEAR, now)
        if not self.gathering:
            self._keys, self._unanswered = self._unanswered, ""
        self._keys += key
        last = key == "#" or len(self._keys) >= MOST_KEYS
        return self._move(Event.LAST_KEY if last else Event.KEY, now)

    def pause(self, now: float) -> str | None:
        """Return the entry that nothing was added to in time."""
        entry = self._move(Event.PAUSE, now)
        if entry is not None and entry not in PERSON:
            self._unanswered = entry
        return entry

    def answered(self) -> None:
        """Something was said since, by either side: what is pressed now is an entry of its own."""
        self._unanswered = ""

    def _move(self, event: Event, now: float) -> str | None:
        self.state = TRANSITIONS[self.state].get(event, self.state)
        if self.state is State.GATHERING:
            self.due = now + self._pause_s
            return None
        entry, self._keys, self.due = self._keys, "", None
        return entry or None
