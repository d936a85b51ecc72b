"""Everything that one sentence of a caller says, read against the question it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from enum import Enum

from common.spanish.emergency import is_emergency
from sandbox.dialogue.asides import aside, is_for_others
from sandbox.dialogue.clauses import denies, denies_doing, inherited, split_errands, without_denied
from sandbox.dialogue.dates import read_when
from sandbox.dialogue.digits import Run, find_runs
from sandbox.dialogue.emails import read_email
from sandbox.dialogue.intents import Intent, Kind, Reply, Task, Topic, read_intent
from sandbox.dialogue.items import Change, Item, read_changes, read_items
from sandbox.dialogue.names import is_anyone, read_doctor, read_name
from sandbox.dialogue.words import GAP, Word, has_phrase, key_at, keys_of, read_words


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
    PROOF = "DNI or e-mail, beside the full name"
    KNOWN_ID = "a number that was given, to be corrected"


_RECORDS = frozenset({"pedido", "pedidos", "orden", "compra", "turno", "turnos", "cita"})
_NUMBER = frozenset({"numero", "nro", "n", "id"})
_BETWEEN = frozenset({"es", "el", "la", "de", "mi", "seria", "que"})
_DNI = frozenset({"dni", "documento", "d.n.i"})
_DANGLING = _DNI | _NUMBER | frozenset({"es", "arroba", "punto", "soy", "mil", "millon", "millones", "guion"})
_ASKING = frozenset({"que", "quien", "cual", "como", "cuando", "donde"})
_WAS = frozenset({"era", "decir", "digo", "dicho"})  # "no, era el cinco", "quise decir el cuatro"
_ARTICLES = frozenset({"el", "la", "", "|", "no", "es", "perdon"})
_NOT_A_NAME = frozenset(
    {Reply.DROP, Reply.REPEAT, Reply.HELP, Reply.PERSON, Reply.WAIT, Reply.UNKNOWN, Reply.GOODBYE, Reply.SLOWER}
    | {Reply.LOUDER}
)
_DOUBTING = (
    "esta mal", "estan mal", "estaba mal", "esta equivocado", "me equivoque", "cambia", "cambiar", "cambiame",
    "cambiemos",
    "cambiale", "corregi", "corregir", "corregime", "no es correcto", "no es mi", "otro", "otra", "modifica",
    "modificar",
    "no es ese", "no es asi", "quedo mal", "anotaste mal", "entendiste mal",
)  # fmt: skip
_DOUBTED = {
    Slot.EMAIL: ("mail", "email", "correo", "direccion de correo"),
    Slot.IDENTITY: ("dni", "documento"),
    Slot.NAME: ("nombre", "apellido"),
    Slot.DOCTOR: ("doctor", "doctora", "medico", "medica"),
    Slot.HOUR: ("hora", "horario"),
    Slot.DAY: ("dia", "fecha"),
    Slot.ITEMS: ("producto", "productos", "cantidad"),
    Slot.RECORD_ID: ("numero", "el pedido", "el turno", "de pedido", "de turno", "de cita"),
}
MOST_LETTERS, MOST_WORDS = 600, 80  # of one sentence that are read: half a minute of speech
_KINDS_OF_VISIT = {
    "emergency": ("urgencia", "urgente", "emergencia", "de urgencia"),
    "follow-up": ("seguimiento",),
    "routine": ("rutina", "chequeo", "un control"),
}
_SPANS = re.compile(
    r"(?:(?:(?:esta|la proxima|la otra) semana|la semana (?:que viene|proxima)|el mes que viene)"
    r"|(?:hoy|manana|pasado manana|el (?:lunes|martes|miercoles|jueves|viernes|sabado|domingo))(?= a la| por la))"
    r"(?: (?:a|por) la (?:manana|tarde|noche))?"
    r"|\b(?:a|por) la (?:manana|tarde|noche)\b"
)
_ANY_TIME = (
    "lo antes posible", "cuanto antes", "cuando puedas", "cuando haya", "cuando tengas", "cualquier dia",
    "cualquier hora",
    "cualquier horario", "lo mas pronto", "lo primero que tengas", "el primero que tengas", "el primero que haya",
    "cuando sea",
    "mas tarde", "mas temprano", "me da lo mismo", "me da igual", "el que tengas", "lo que tengas",
    "no tengo problema de horario", "cualquiera",
)  # fmt: skip
_SPECIALITY = re.compile(
    r"\b(?:(?:cardi|dermat|ginec|neur|odont|oftalm|traumat|ur|psic|kinesi|endocrin|reumat|alerg|gastroenter|fonoaudi"
    r"|nefr|hemat|onc|infect|neum|fleb|otorrin\w*)olog\w*|pediatr\w*|psiquiatr\w*|clinic[ao] medic[ao]"
    r"|medic[ao] clinic[ao]|nutricionistas?|oculistas?|dentistas?|otorrino|kinesio|obstetra|alergistas?)\b"
)
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
    speciality: str | None = None  # as it was said: "cardiologo"
    items: tuple[Item, ...] = ()
    changes: tuple[Change, ...] = ()  # of the products of an order
    day: date | None = None
    hour: time | None = None
    span: str | None = None  # days in words, as "la semana que viene a la tarde"
    any_time: bool = False  # "lo antes posible", "cuando tengas": no day, no hour
    kind_of_visit: str | None = None
    doubts: Slot | None = None  # "el mail está mal": what is to be asked for again
    denies: bool = False  # "no el jueves"
    denies_doing: bool = False  # "no quiero cancelar nada"
    aside: str | None = None  # the answer to what has nothing to do with us
    emergency: bool = False  # a life may be at risk: that comes first
    for_others: bool = False  # it was said to somebody else
    unfinished: bool = False  # the caller seems to have stopped in mid-sentence
    later: tuple[Understanding, ...] = ()  # further errands of the same sentence

    @property
    def words(self) -> str:
        """Folded, for looking for a phrase in."""
        return " ".join(keys_of(read_words(self.text[:MOST_LETTERS])))

    @property
    def brings_data(self) -> bool:
        said = (self.record_id, self.dni, self.name, self.email, self.doctor, self.speciality, self.day, self.hour)
        return bool(self.items or self.changes) or any(datum is not None for datum in said)


def understand(text: str, today: date, asked: Iterable[Slot] = (), about: Kind | None = None) -> Understanding:
    """Read one sentence; `asked` are the slots that a bare answer ("once", "Juan Pérez") can fill, `about` is what a
    verb is of that names nothing ("sacame otro")."""
    text = "" if _ECHOES.search(text) else text
    words = read_words(text[:MOST_LETTERS])[:MOST_WORDS]
    first, *others = split_errands(words, about)
    said = _Reading(first, today, frozenset(asked), about).read(text if words else "")
    later = []
    before = said.intent
    for part in others:
        more = _Reading(part, today, frozenset({Slot.RECORD_ID}), before.kind or about).read(
            " ".join(word.raw for word in part)
        )
        verb, kind = inherited(before, more.intent)
        later.append(replace(more, intent=replace(more.intent, verb=verb, kind=kind)))
        before = later[-1].intent
    return _with_person_of(said, later)


def _with_person_of(said: Understanding, later: Sequence[Understanding]) -> Understanding:
    """Who is calling may be said at the end: it holds for all of it."""
    for part in later:
        said = replace(
            said,
            dni=said.dni or part.dni,
            name=said.name or part.name,
            email=said.email or part.email,
            unfinished=part.unfinished,
        )
    return replace(said, later=tuple(later))


class _Reading:
    """Takes one datum after another out of the sentence: a word serves one of them only."""

    def __init__(self, words: Sequence[Word], today: date, asked: frozenset[Slot], about: Kind | None) -> None:
        self._about = about
        self._all = tuple(words)
        self._left = without_denied(words)
        self._keys = keys_of(self._left)
        self._today = today
        self._asked = asked
        self._open = False  # the sentence ends in a DNI that may go on

    def read(self, text: str) -> Understanding:
        said = Understanding(
            text,
            read_intent(self._left, self._about, said=self._all),
            denies=denies(self._all, self._left),
            denies_doing=denies_doing(self._all, self._left),
            aside=aside(self._all),
            emergency=is_emergency(text),
            for_others=is_for_others(self._all),
        )
        steps = (self._email, self._doctor, self._name, self._corrected_id, self._items, self._when, self._numbers)
        for step in (*steps, self._visit, self._doubt):
            said = step(said)
        return replace(said, unfinished=self._is_unfinished(said, text))

    def _take(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            self._left[index] = GAP

    def _email(self, said: Understanding) -> Understanding:
        email = read_email(self._left)
        if email is None:
            asked = bool(self._asked & {Slot.EMAIL, Slot.PROOF})
            return replace(said, partial_email=asked and "punto" in self._keys)
        self._take(email.words)
        return replace(said, email=email.address, partial_email=email.address is None)

    def _doctor(self, said: Understanding) -> Understanding:
        asked = Slot.DOCTOR in self._asked
        if asked and (is_anyone(self._all) or said.intent.topic is Topic.DOCTORS):
            return replace(said, any_doctor=True)
        heard = said.intent.replies & _NOT_A_NAME or said.intent.topic or said.aside or said.for_others
        doctor = read_doctor(self._left, asked=asked and not heard)
        self._take(doctor.words if doctor else ())
        return replace(said, doctor=doctor.text if doctor else None)

    def _items(self, said: Understanding) -> Understanding:
        asked = Slot.ITEMS in self._asked
        if Slot.COUNTED_ITEMS in self._asked and (changes := read_changes(self._all)):
            return replace(said, changes=changes)
        if not asked and Slot.COUNTED_ITEMS not in self._asked and said.intent.task(None) is not Task.CREATE_ORDER:
            return said
        heard = said.intent.replies - {Reply.YES, Reply.MISTAKEN} or said.intent.topic or said.aside or "?" in said.text
        items = read_items(self._left, asked=asked and not heard)
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
        elif self._is_record(run) or (said.record_id and self._corrects_it(run)):
            said = replace(said, record_id=_plain(run.digits))
        elif len(run.digits) < 7 and (self._asked & {Slot.IDENTITY, Slot.PROOF} or self._follows(run.start, _DNI)):
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
        proving = self._asked & {Slot.IDENTITY, Slot.PROOF}
        return Slot.RECORD_ID in self._asked or (not proving and self._follows(run.start, _NUMBER))

    def _corrects_number(self, run: Run) -> bool:
        """ "Perdón, el número es el cinco", to the question for a DNI."""
        return self._follows(run.start, _NUMBER) and bool({"perdon", "no", "equivoque"} & set(self._keys))

    def _corrects_it(self, run: Run) -> bool:
        """After "el pedido cinco. No, perdón": "el seis"."""
        before = self._keys[max(0, run.start - 3) : run.start]
        return len(run.digits) < 4 and bool({"perdon", "digo", "no", "equivoque", "dicho"} & set(before))

    def _follows(self, start: int, nouns: frozenset[str]) -> bool:
        """Whether one of the nouns is right before the number: "pedido número", "el DNI es el"."""
        at = start - 1
        while key_at(self._left, at) in (_BETWEEN | _NUMBER) - nouns:
            at -= 1
        return key_at(self._left, at) in nouns

    def _name(self, said: Understanding) -> Understanding:
        intent = said.intent
        other = intent.replies & _NOT_A_NAME
        if has_phrase(self._keys, ("nada mas",)):
            other -= {Reply.GOODBYE}  # "María González nada más"
        answers = not (other or intent.verb or intent.topic or said.aside)
        asked = bool(self._asked & {Slot.IDENTITY, Slot.NAME}) and answers
        name = None if said.for_others else read_name(self._left, asked=asked)
        self._take(name.words if name else ())
        return replace(said, name=name.text if name else None)

    def _corrected_id(self, said: Understanding) -> Understanding:
        """ "No, era el cinco", "quise decir el cuatro", "no el tres, el seis": before it is read as a day."""
        corrects = said.intent.replies & {Reply.MISTAKEN, Reply.NO} or said.denies or {"era", "pero"} & set(self._keys)
        if Slot.KNOWN_ID not in self._asked or not corrects:
            return said
        for run in find_runs(self._left):
            named = self._follows(run.start, _RECORDS | _NUMBER | _WAS)
            alone = not self._asked & {Slot.WHEN, Slot.COUNTED_ITEMS} and key_at(self._left, run.start - 1) in _ARTICLES
            if len(run.digits) < 5 and (named or alone) and not self._follows(run.start, _DNI):
                self._take(range(run.start, run.end))
                said = replace(said, record_id=_plain(run.digits))
        return said

    def _doubt(self, said: Understanding) -> Understanding:
        """ "El mail está mal", "me equivoqué de día", "cambiá la hora": only what is not said anew is asked for."""
        if not has_phrase(self._keys, _DOUBTING):
            return said
        slots = (slot for slot, nouns in _DOUBTED.items() if has_phrase(self._keys, nouns))
        slot = next(slots, None)
        given: dict[Slot, object] = {
            Slot.EMAIL: said.email,
            Slot.NAME: said.name,
            Slot.IDENTITY: said.dni,
            Slot.DOCTOR: said.doctor,
            Slot.DAY: said.day,
            Slot.HOUR: said.hour,
            Slot.RECORD_ID: said.record_id,
            Slot.ITEMS: said.items,
        }
        return said if slot is None or given[slot] else replace(said, doubts=slot)

    def _visit(self, said: Understanding) -> Understanding:
        kinds = (kind for kind, phrases in _KINDS_OF_VISIT.items() if has_phrase(self._keys, phrases))
        span = _SPANS.search(" ".join(keys_of(self._all)))
        any_time = has_phrase(self._keys, _ANY_TIME)
        speciality = _SPECIALITY.search(" ".join(self._keys))
        return replace(
            said,
            kind_of_visit=next(kinds, None),
            span=span[0] if span else None,
            any_time=any_time,
            speciality=speciality[0] if speciality else None,
        )

    def _is_unfinished(self, said: Understanding, text: str) -> bool:
        if self._open or said.partial_email or (said.partial_dni and said.dni is None):
            return True
        dangles = key_at(self._all, len(self._all) - 1) in _DANGLING and not text.rstrip().endswith("?")
        return dangles and key_at(self._all, len(self._all) - 2) not in _ASKING


def _plain(digits: str) -> str:
    return digits.lstrip("0") or "0"
