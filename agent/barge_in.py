"""Somebody speaks while Carlos does: what it was is known only when words come, or do not. Sans-IO.

    NOTHING ──a voice, says Sonic──▶ HELD ──Sonic breaks the answer off──▶ BROKEN_OFF
       ▲                              │                                      │
       └── words, or none in time ────┴──────────────────────────────────────┘

HELD: the line sends nothing more. BROKEN_OFF: the far end has dropped what it had, too, and the line keeps what nobody
has heard. Words that want the floor end the answer; those that only accompany it ("ajá"), and a noise, let it go on. So
does somebody whose words do not come for long: he may be a television.

Times are seconds of the caller's own clock; `due` is when `late` is to be called.
"""

from __future__ import annotations

from enum import Enum, auto

HOLD_S = 1.5  # without words after a sound that Sonic took for speech
AFTER_VOICE_S = 0.9  # after our own detector's pause: 1.5 s after the voice itself
WORDS_S = 1.5  # after Sonic has told of the speech's end: a transcript follows it
UNENDED_S = 2.5  # after a voice of whose end Sonic says nothing
LONGEST_S = 8.0
CHECK_S = 0.1


class State(Enum):
    NOTHING = auto()
    HELD = auto()
    BROKEN_OFF = auto()


class Event(Enum):
    SPEECH = auto()
    BROKEN_OFF = auto()
    WORDS = auto()
    NO_WORDS = auto()


# state: {event: next state}. What a state does not have changes nothing.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.NOTHING: {Event.SPEECH: State.HELD, Event.BROKEN_OFF: State.BROKEN_OFF},
    State.HELD: {
        Event.BROKEN_OFF: State.BROKEN_OFF,
        Event.WORDS: State.NOTHING,
        Event.NO_WORDS: State.NOTHING,
    },
    State.BROKEN_OFF: {Event.WORDS: State.NOTHING, Event.NO_WORDS: State.NOTHING},
}


class BargeIn:
    """One call's."""

    def __init__(self) -> None:
        self.state = State.NOTHING
        self.due: float | None = None
        self._since = self._voice_at = 0.0
        self._ended_at: float | None = None  # the speech, as Sonic tells it

    @property
    def waiting(self) -> bool:
        """True while it is not known what was said."""
        return self.state is not State.NOTHING

    def speech_began(self, now: float) -> None:
        """Sonic hears a voice while something of Carlos is to be heard."""
        self._ended_at = None
        self._move(Event.SPEECH, now)

    def speech_ended(self, now: float) -> None:
        self._ended_at = now

    def broken_off(self, now: float) -> None:
        """Sonic has broken off the answer that is being heard."""
        self._move(Event.BROKEN_OFF, now)

    def words(self, now: float) -> None:
        """It is known, or does not matter any more."""
        self._move(Event.WORDS, now)

    def late(self, now: float, *, speaking: bool) -> bool:
        """The time of `due` has come. Return True if no words came: the answer goes on."""
        if speaking:  # as our own detector hears it
            self._voice_at = now
        if now < min(self._patient_until(), self._since + LONGEST_S):
            self.due = now + CHECK_S
            return False
        self._move(Event.NO_WORDS, now)
        return True

    def _patient_until(self) -> float:
        heard = self._voice_at > self._since
        after_voice = self._voice_at + AFTER_VOICE_S if heard else self._since + HOLD_S
        if self.state is State.HELD:
            return after_voice
        if self._ended_at is None:
            return self._voice_at + UNENDED_S
        return max(after_voice, self._ended_at + WORDS_S)

    def _move(self, event: Event, now: float) -> None:
        state = TRANSITIONS[self.state].get(event)
        if state is None:
            return
        if self.state is State.NOTHING:
            self._since = self._voice_at = now
        self.state = state
        if state is State.NOTHING:
            self.due = self._ended_at = None
        elif self.due is None:
            self.due = now + HOLD_S
