"""Whether a call is recorded now. Sans-IO: what happens goes in, `records` comes out.

NOTICE ──heard to its end──▶ RECORDING ──an identity is asked for, or keyed──▶ PAUSED
   │ no, or a key             │      ▲                                            │
   ▼                          │      └──Carlos answers── GIVEN ◀──said, entered──┘
REFUSED ◀─no, first of all────┘
   ▲──"no me grabes", in any state

Digits that nobody had asked for lead from RECORDING to GIVEN: what was said is taken back. An answer must begin before
the recording goes on, as a number may be transcribed in several pieces. What is asked for while the notice is played
(NOTICE_ASKED) pauses the recording at its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from common.masking import mask_text
from common.spanish.consent import Consent, consent
from common.spanish.names import plain

NOTICE_TRIES = 3  # a notice that the caller talks over is played again
KEY_GRACE_S = 4.0  # after the notice, which ends with "apretá una tecla"
LONGEST = 4000  # characters that are looked at, of what was said


class State(Enum):
    NOTICE = auto()  # is being played: nothing is recorded
    NOTICE_ASKED = auto()  # the same, and what is asked for next is who the caller is
    RECORDING = auto()
    PAUSED = auto()  # an identity was asked for, or is being keyed
    GIVEN = auto()  # it was given, and Carlos has not answered yet
    REFUSED = auto()
    UNHEARD = auto()  # the notice was never heard to its end


class Event(Enum):
    HEARD = auto()  # the notice, to its end
    UNHEARD = auto()  # it was cut off too often
    REFUSED = auto()
    SPOKE = auto()  # the caller, without a number
    GAVE = auto()  # the caller, with a number
    ASKED = auto()  # for an identity
    KEYED = auto()
    ANSWERED = auto()  # an answer of Carlos began to sound


_OFF = {Event.REFUSED: State.REFUSED}
_NOTICE = {**_OFF, Event.UNHEARD: State.UNHEARD, Event.ASKED: State.NOTICE_ASKED, Event.HEARD: State.RECORDING}
_HIDES = {**_OFF, Event.GAVE: State.GIVEN, Event.ASKED: State.PAUSED, Event.KEYED: State.PAUSED}

# state: {event: next state}. An event that a state has no move for changes nothing.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.NOTICE: _NOTICE,
    State.NOTICE_ASKED: {**_NOTICE, Event.HEARD: State.PAUSED},
    State.RECORDING: _HIDES,
    State.PAUSED: {**_OFF, Event.GAVE: State.GIVEN, Event.SPOKE: State.GIVEN},
    State.GIVEN: {**_HIDES, Event.ANSWERED: State.RECORDING},
    State.REFUSED: {},
    State.UNHEARD: {},
}

_NOTICES = frozenset({State.NOTICE, State.NOTICE_ASKED})

_WHOSE = re.compile(r"\b(?:dni|documento|libreta)\b")
_RECORD = r"grab(?:es|e|en|ar|ame|arme|arnos|ando|acion|ado|ada|aste|aron)\b"
_REFUSES = re.compile(  # on `plain` text; within one sentence
    rf"\bno (?:me |nos |lo |la |te )?(?:grab(?:es|e|en)|est(?:es|en|e) grabando)\b"
    rf"|\bno (?:quiero|quisiera|querria|acepto|autorizo|consiento|permito|deseo|(?:te |les )?doy permiso|me gusta"
    rf"|estoy de acuerdo|hace falta)\b[^.;?!]{{0,40}}\b{_RECORD}"
    rf"|\bpref(?:iero|eriria|eria) (?:que )?no\b[^.;?!]{{0,30}}\b{_RECORD}"
    rf"|\b(?:dej|par|apag|apagu|cort|sac|saqu|borr)(?:a|e|en)\b(?: de| la| esa| esta| lo que)* {_RECORD}"
    rf"|\bsin {_RECORD}"
)
_PLAIN_NO = frozenset(  # the words of a bare no
    re.findall(
        r"\w+",
        "hola buenas buen dia buenos dias tardes noches no nop nono nah negativo mejor gracias muchas por favor porfa"
        " claro obvio supuesto seguro que eh em mm ah uh oh prefiero quiero acepto para nada de ninguna manera ni loco"
        " loca tampoco",
    )
)
_POLITE = re.compile(r"\b(?:hola|buenas|buen dia|buenos dias|tardes|noches|prefiero que|que)\b")


def refuses(text: str) -> bool:
    """Return True for words that refuse a recording, whenever they are said: "no me grabes", "dejá de grabar"."""
    return _REFUSES.search(plain(text[:LONGEST])) is not None


def answers_no(text: str) -> bool:
    """Return True for a plain no to the notice: "No.", "no, gracias", "prefiero que no". What begins with a no and
    goes on to something else ("no me llegó el pedido") is none."""
    said = plain(text[:LONGEST])
    if "?" in said or not _PLAIN_NO.issuperset(re.findall(r"\w+", said)):
        return refuses(text)
    return consent(_POLITE.sub("", said)) is Consent.NO


def tells_identity(text: str) -> bool:
    """Return True for a text with a number that a log must hide, or that speaks of one: "mi DNI es…"."""
    text = text[:LONGEST]
    return mask_text(text) != text or _WHOSE.search(plain(text)) is not None


def asks_identity(result: Mapping[str, Any]) -> bool:
    """Return True for a tool's result that sends Carlos to ask who the caller is."""
    if result.get("code") in ("identity_needed", "not_verified"):
        return True
    said = (result.get(key) for key in ("speak", "question", "error", "next"))
    return not result.get("success") and any(isinstance(each, str) and _WHOSE.search(plain(each)) for each in said)


class RecordingConsent:
    """One call's. Times are seconds of the caller's own clock."""

    def __init__(self, state: State = State.NOTICE) -> None:
        self.state = state
        self._tries = 1
        self._heard_at = 0.0
        self._no_is_due = state is State.NOTICE  # the caller's first words may be the answer to the notice

    @property
    def records(self) -> bool:
        """True while what is heard is kept."""
        return self.state is State.RECORDING

    @property
    def over(self) -> bool:
        """True when this call is recorded no more."""
        return not TRANSITIONS[self.state]

    def notice_heard(self, now: float) -> None:
        self._heard_at = now
        self._move(Event.HEARD)

    def notice_cut(self) -> bool:
        """The caller talked over the notice. Return True if it is to be played again."""
        self._tries += 1
        if self._tries > NOTICE_TRIES:
            self._move(Event.UNHEARD)
        return self.state in _NOTICES

    def key(self, now: float) -> bool:
        """A key was pressed. Return True if it was the answer to the notice, and so is nothing else."""
        refused = self.state in _NOTICES or (self._no_is_due and not self.over and now < self._heard_at + KEY_GRACE_S)
        self._no_is_due = False
        self._move(Event.REFUSED if refused else Event.KEYED)
        return refused

    def spoke(self, text: str) -> None:
        """The caller's words: transcribed, typed, or a whole entry of the keypad."""
        refused = answers_no(text) if self._no_is_due else refuses(text)
        self._no_is_due = self._no_is_due and self.state in _NOTICES
        if refused:
            self._move(Event.REFUSED)
        else:
            self._move(Event.GAVE if tells_identity(text) else Event.SPOKE)

    def plans(self, text: str) -> None:
        """Carlos is about to say this."""
        if tells_identity(text):
            self._move(Event.ASKED)

    def tool_answered(self, result: Mapping[str, Any]) -> None:
        if asks_identity(result):
            self._move(Event.ASKED)

    def answered(self) -> None:
        """An answer of Carlos began to sound."""
        self._move(Event.ANSWERED)

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state].get(event, self.state)
