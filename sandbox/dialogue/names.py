"""Names of people in a heard sentence, as they were spoken."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sandbox.dialogue.lines import DOCTORS
from sandbox.dialogue.words import Word, distance, fold, has_phrase, key_at, word_set

_MARKERS = (
    ("a", "nombre", "de"), ("mi", "nombre", "completo", "es"), ("mi", "nombre", "es"), ("nombre", "es"),
    ("nombre", "completo", "es"), ("me", "llamo"), ("me", "chamo"), ("me", "yamo"), ("se", "llama"), ("soy",),
    ("habla",), ("de", "parte", "de"), ("paciente", "es"), ("titular", "es"), ("es", "para"), ("paciente",),
    ("titular",), ("nombre",),
)  # fmt: skip
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "san", "santa", "da", "di", "von", "van"})
_FILLERS = word_set(
    "eh este em mmm bueno si no a ver claro perdon es dale ok mi nombre completo soy yo ah hola y digo anota "
    "como te decia el la apellido me llamo chamo"
)
_NOT_NAMES = word_set(
    "y o mi mis me con numero dni documento el la lo los las un una unos para por pedido orden turno cita que "
    "quiero quisiera necesito puedo podes tengo si no gracias hola buenas buen buenos dia dias tarde tardes "
    "noche noches es esta estoy fue son ser soy yo usted vos titular cliente paciente mismo misma doctor "
    "doctora dr dra correo mail email hoy manana pasado lunes martes miercoles jueves viernes sabado domingo "
    "perdon perdoname disculpa mejor bueno dale claro ok listo nada mas como cual quien donde cuando se sabes "
    "sabe acuerdo recuerdo entiendo entendi ahora aca alla muy bien mal ya nunca siempre eso esto ese este "
    "saber ver consultar cancelar cambiar mover pasar agendar sacar reservar hacer pedir comprar llamo chamo "
    "llama estado detalle detalles entrega llega completo nombre apellido arroba punto favor al a en le te su "
    "sus tu ni tampoco entonces pero porque otra otro vez repetir repetis decir decis deja olvidate importa "
    "chau adios cuanto persona humano operador alguien hablar ayuda espera esperame momento segundo uh ah eh "
    "ay dos tres cuatro cinco seis siete ocho nueve diez cero mil millones confirmo correcto exacto perfecto "
    "obvio sip nop dije digo digamos cualquiera tarde temprano todo todavia aun quizas producto productos "
    "necesitan necesitas piden pedis mostrame mostrar decime dame contame ignora ignorar olvida dato datos"
)
_MOST = 5  # names in a full name, particles apart


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, and the indexes of the words that said it."""

    text: str
    words: frozenset[int]


def read_name(words: Sequence[Word], *, asked: bool = False) -> Name | None:
    """The name after "soy", "a nombre de"…; with `asked` the whole answer may be one."""
    found = [_take(words, end, stop_at_pause=True) for end in _marker_ends(words)]
    name = next(filter(None, reversed(found)), None)
    if name or not asked:
        return name
    start = 0
    while key_at(words, start) in _FILLERS:
        start += 1
    return _after_is(words) or _take(words, start, stop_at_pause=False)


def _after_is(words: Sequence[Word]) -> Name | None:
    """ "La siguiente es Juan Pérez", as "el paciente es…" is misheard: a full name after "es" is the answer."""
    named = [_take(words, at + 1, stop_at_pause=True) for at, word in enumerate(words) if word.key == "es"]
    return next((name for name in named if name and len(name.words) > 1), None)


def _marker_ends(words: Sequence[Word]) -> list[int]:
    ends, at = [], 0
    while at < len(words):
        keys = [tuple(word.key for word in words[at : at + len(marker)]) for marker in _MARKERS]
        size = next((len(marker) for marker, said in zip(_MARKERS, keys, strict=True) if marker == said), 0)
        ends += [at + size] if size else []
        at += size or 1
    return ends


def _take(words: Sequence[Word], start: int, *, stop_at_pause: bool) -> Name | None:
    end, last = start, start
    while end < len(words) and end - start < _MOST + 2:
        key = words[end].key
        if key in _PARTICLES and end > start and _is_name(key_at(words, end + 1), particle=True):
            end += 1
            continue
        if not _is_name(key) or (key in _PARTICLES and end > start):
            break
        end = last = end + 1
        if stop_at_pause and words[end - 1].pause:
            break
    return _name(words, start, last) if last > start else None


def _is_name(key: str, *, particle: bool = False) -> bool:
    """Letters only and no everyday word; after a particle another may follow ("de los Ángeles")."""
    if particle and key in _PARTICLES:
        return True
    return len(key) > 1 and key.replace("'", "").replace("-", "").isalpha() and key not in _NOT_NAMES


def _name(words: Sequence[Word], start: int, end: int) -> Name:
    parts = [
        word.key if word.key in _PARTICLES and at > 0 else _title(word.raw) for at, word in enumerate(words[start:end])
    ]
    return Name(" ".join(parts), frozenset(range(start, end)))


def _title(raw: str) -> str:
    return raw if any(char.isupper() for char in raw[1:]) and not raw.isupper() else raw.capitalize()


def read_doctor(words: Sequence[Word], *, asked: bool = False, known: Collection[str] = tuple(DOCTORS)) -> Name | None:
    """The doctor who was named, completed to the known title and name where the list has that surname."""
    for at, word in enumerate(words):
        if word.key in ("doctor", "doctora", "dr", "dra"):
            said = _take(words, at + 1, stop_at_pause=True)
            if said:
                title = "Dra." if word.key in ("doctora", "dra") else "Dr."
                name = _known_doctor(said.text, known) or f"{title} {said.text}"
                return Name(name, said.words | {at})
    return _untitled_doctor(words, known) if asked else None


def _untitled_doctor(words: Sequence[Word], known: Collection[str]) -> Name | None:
    start = 0
    while key_at(words, start) in _FILLERS | {"con"}:
        start += 1
    said = _take(words, start, stop_at_pause=True)
    name = said and _known_doctor(said.text, known)
    return Name(name, said.words) if said and name else said


def _known_doctor(said: str, known: Collection[str]) -> str | None:
    """By surname, forgiving a misheard letter ("Lopes"); by given name alone where only one has it."""
    parts = fold(said).split()
    by_surname = [name for name in known if distance(parts[-1], fold(name).split()[-1]) <= 1]
    if len(by_surname) == 1:
        return by_surname[0]
    by_given = [name for name in known if len(parts) == 1 and parts[0] == fold(name).split()[1]]
    return by_given[0] if len(by_given) == 1 else None


def is_anyone(words: Sequence[Word]) -> bool:
    """ "cualquiera", "el que esté": the caller wants to hear who there is."""
    return has_phrase(
        (word.key for word in words),
        ("cualquiera", "me da lo mismo", "me da igual", "el que este", "el que sea", "quienes hay", "que doctores"),
    )
