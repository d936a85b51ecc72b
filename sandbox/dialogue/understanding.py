"""Everything that one sentence of a caller says, read against the question it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from enum import Enum

from sandbox.dialogue.dates import read_when
from sandbox.dialogue.digits import Run, find_runs
from sandbox.dialogue.emails import read_email
from sandbox.dialogue.intents import Intent, Reply, Task, read_intent
from sandbox.dialogue.items import Item, read_items
from sandbox.dialogue.names import is_anyone, read_doctor, read_name
from sandbox.dialogue.words import Word, has_phrase, key_at, read_words


class Slot(Enum):
    """What Carlos can be waiting for."""

    RECORD_ID = "order or appointment number"
    IDENTITY = "DNI or full name"
    NAME = "full name"
    EMAIL = "e-mail"
    ITEMS = "products"
    COUNTED_ITEMS = "products, with how many of each"
    DOCTOR = "doctor"
    WHEN = "day and hour"
    DAY = "day"
    HOUR = "hour"


_RECORDS = frozenset({"pedido", "pedidos", "orden", "compra", "turno", "turnos", "cita"})
_NUMBER = frozenset({"numero", "nro", "n", "id"})
_BETWEEN = frozenset({"es", "el", "la", "de", "mi", "seria", "que"})
_DNI = frozenset({"dni", "documento", "d.n.i"})
_DANGLING = _DNI | _NUMBER | frozenset({"es", "arroba", "punto", "soy", "mil", "millon", "millones", "guion"})
_ASKING = frozenset({"que", "quien", "cual", "como", "cuando", "donde"})
_NOT_A_NAME = frozenset({Reply.DROP, Reply.REPEAT, Reply.HELP, Reply.PERSON, Reply.WAIT, Reply.UNKNOWN, Reply.GOODBYE})
_KINDS_OF_VISIT = {
    "emergency": ("urgencia", "urgente", "emergencia", "de urgencia"),
    "follow-up": ("seguimiento",),
    "routine": ("rutina", "chequeo", "un control"),
}
# What Whisper writes into silence, learned from subtitles.
_ECHOES = re.compile(r"subtitul|subtítul|amara\.org|suscr[ií]b|gracias por ver", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Understanding:
    """One sentence; what was not said is None or empty."""

    text: str
    intent: Intent
    record_id: str | None = None
    dni: str | None = None
    partial_dni: bool = False  # too few digits of one
    name: str | None = None
    email: str | None = None
    partial_email: bool = False
    doctor: str | None = None
    any_doctor: bool = False
    items: tuple[Item, ...] = ()
    day: date | None = None
    hour: time | None = None
    kind_of_visit: str | None = None
    unfinished: bool = False  # the caller seems to have stopped in mid-sentence

    @property
    def brings_data(self) -> bool:
        said = (self.record_id, self.dni, self.name, self.email, self.doctor, self.day, self.hour)
        return bool(self.items) or any(datum is not None for datum in said)


def understand(text: str, today: date, asked: Iterable[Slot] = ()) -> Understanding:
    """Read one sentence; `asked` are the slots that a bare answer ("once", "Juan Pérez") can fill."""
    text = "" if _ECHOES.search(text) else text
    words = read_words(text)
    return _Reading(words, today, frozenset(asked)).read(text if words else "")


class _Reading:
    """Takes one datum after another out of the sentence: a word serves one of them only."""

    def __init__(self, words: Sequence[Word], today: date, asked: frozenset[Slot]) -> None:
        self._all = tuple(words)
        self._keys = [word.key for word in words]
        self._left = list(words)
        self._today = today
        self._asked = asked
        self._open = False  # the sentence ends in a DNI that may go on

    def read(self, text: str) -> Understanding:
        said = Understanding(text, read_intent(self._all))
        for step in (self._email, self._doctor, self._items, self._when, self._numbers, self._name, self._visit):
            said = step(said)
        return replace(said, unfinished=self._is_unfinished(said, text))

    def _take(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            self._left[index] = Word("|", "|", True)

    def _email(self, said: Understanding) -> Understanding:
        email = read_email(self._left)
        if email is None:
            return replace(said, partial_email=Slot.EMAIL in self._asked and "punto" in self._keys)
        self._take(email.words)
        return replace(said, email=email.address, partial_email=email.address is None)

    def _doctor(self, said: Understanding) -> Understanding:
        asked = Slot.DOCTOR in self._asked
        if asked and is_anyone(self._all):
            return replace(said, any_doctor=True)
        doctor = read_doctor(self._left, asked=asked and not said.intent.replies & _NOT_A_NAME)
        self._take(doctor.words if doctor else ())
        return replace(said, doctor=doctor.text if doctor else None)

    def _items(self, said: Understanding) -> Understanding:
        asked = Slot.ITEMS in self._asked
        if not asked and Slot.COUNTED_ITEMS not in self._asked and said.intent.task(None) is not Task.CREATE_ORDER:
            return said
        items = read_items(self._left, asked=asked and not said.intent.replies - {Reply.YES})
        for item in items:
            self._take(item.words)
        return replace(said, items=items)

    def _when(self, said: Understanding) -> Understanding:
        asked_day = bool(self._asked & {Slot.DAY, Slot.WHEN})
        asked_hour = bool(self._asked & {Slot.HOUR, Slot.WHEN})
        when = read_when(self._left, self._today, asked_day=asked_day, asked_hour=asked_hour)
        self._take(when.words)
        return replace(said, day=when.day, hour=when.hour)

    def _numbers(self, said: Understanding) -> Understanding:
        for run in find_runs(self._left):
            said = self._number(said, run)
        return said

    def _number(self, said: Understanding, run: Run) -> Understanding:
        first, rest = run.parts[0], run.without_first()
        if len(run.digits) > 8 and rest.is_dni and self._follows(run.start, _RECORDS | _NUMBER):
            said = replace(said, record_id=_plain(first), dni=rest.digits)
        elif run.is_dni:
            said = replace(said, dni=run.digits)
        elif self._is_record(run):
            said = replace(said, record_id=_plain(run.digits))
        elif len(run.digits) < 7 and (Slot.IDENTITY in self._asked or self._follows(run.start, _DNI)):
            return replace(said, partial_dni=True)
        else:
            return said
        self._open = run.is_open and run.end == len(self._all) and said.dni is not None
        self._take(range(run.start, run.end))
        return said

    def _is_record(self, run: Run) -> bool:
        if len(run.digits) > 6 or self._follows(run.start, _DNI):
            return False
        if self._follows(run.start, _RECORDS) or (len(run.digits) < 4 and self._corrects_number(run)):
            return True
        return Slot.RECORD_ID in self._asked or (Slot.IDENTITY not in self._asked and self._follows(run.start, _NUMBER))

    def _corrects_number(self, run: Run) -> bool:
        """ "Perdón, el número es el cinco", to the question for a DNI."""
        return self._follows(run.start, _NUMBER) and bool({"perdon", "no", "equivoque"} & set(self._keys))

    def _follows(self, start: int, nouns: frozenset[str]) -> bool:
        """Whether one of the nouns is right before the number: "pedido número", "el DNI es el"."""
        at = start - 1
        while key_at(self._left, at) in (_BETWEEN | _NUMBER) - nouns:
            at -= 1
        return key_at(self._left, at) in nouns

    def _name(self, said: Understanding) -> Understanding:
        answers = not said.intent.replies & _NOT_A_NAME and said.intent.verb is None
        asked = bool(self._asked & {Slot.IDENTITY, Slot.NAME}) and answers
        name = read_name(self._left, asked=asked)
        return replace(said, name=name.text if name else None)

    def _visit(self, said: Understanding) -> Understanding:
        kinds = (kind for kind, phrases in _KINDS_OF_VISIT.items() if has_phrase(self._keys, phrases))
        return replace(said, kind_of_visit=next(kinds, None))

    def _is_unfinished(self, said: Understanding, text: str) -> bool:
        if self._open or said.partial_email or (said.partial_dni and said.dni is None):
            return True
        dangles = key_at(self._all, len(self._all) - 1) in _DANGLING and not text.rstrip().endswith("?")
        return dangles and key_at(self._all, len(self._all) - 2) not in _ASKING


def _plain(digits: str) -> str:
    return digits.lstrip("0") or "0"
