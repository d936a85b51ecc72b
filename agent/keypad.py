"""Keys that a caller presses, gathered into entries. Sans-IO: times go in, entries and `due` come out.

IDLE ──key──▶ GATHERING ──'#', the last key that fits, or a pause──▶ IDLE, with an entry
               │     ▲
               └─────┘ key
"""

from __future__ import annotations

from enum import Enum, auto

KEYPAD_PAUSE_S = 2.0  # digits this close together are one entry; '#' ends it at once,
MOST_KEYS = 32  # and so do so many of them


class State(Enum):
    IDLE = auto()
    GATHERING = auto()


class Event(Enum):
    KEY = auto()
    LAST_KEY = auto()  # '#', or as many as an entry has
    PAUSE = auto()  # nothing for KEYPAD_PAUSE_S


# state: {event: next state}. A move to IDLE ends an entry; in GATHERING a pause is due.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.IDLE: {Event.KEY: State.GATHERING, Event.LAST_KEY: State.IDLE},
    State.GATHERING: {Event.KEY: State.GATHERING, Event.LAST_KEY: State.IDLE, Event.PAUSE: State.IDLE},
}


class Keypad:
    """One call's. `due` is when `pause` is to be called, in the caller's own clock; None while nothing is gathered."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self.due: float | None = None
        self._keys = ""

    def press(self, key: str, now: float) -> str | None:
        """Take a key; return the entry that it ends, if it does."""
        self._keys += key
        last = key == "#" or len(self._keys) >= MOST_KEYS
        return self._move(Event.LAST_KEY if last else Event.KEY, now)

    def pause(self, now: float) -> str | None:
        """Return the entry that nothing was added to in time."""
        return self._move(Event.PAUSE, now)

    def _move(self, event: Event, now: float) -> str | None:
        self.state = TRANSITIONS[self.state].get(event, self.state)
        if self.state is State.GATHERING:
            self.due = now + KEYPAD_PAUSE_S
            return None
        entry, self._keys, self.due = self._keys, "", None
        return entry or None
