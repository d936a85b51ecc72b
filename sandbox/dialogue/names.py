"""Names of people in a heard sentence, as they were spoken."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from common.spanish.numbers import SAID_CARDINALS, SAID_HUNDREDS, TENS
from sandbox.dialogue.lines import DOCTORS
from sandbox.dialogue.words import Word, distance, fold, has_phrase, key_at, keys_of, word_set

_MARKERS = tuple(
    tuple(marker.split())
    for marker in (
        "a nombre de", "a nombre del", "al nombre de", "mi nombre completo es", "mi nombre es", "nombre completo es",
        "nombre es", "me llamo", "me chamo", "me yamo", "se llama", "soy", "te habla", "le habla", "habla",
        "de parte de", "paciente es", "titular es", "paciente", "titular", "nombre",
        "apellido es", "senor", "senora",
    )
)  # fmt: skip
_FOR = ("para", "de")  # a name after these must look like one: "para Juan Pérez", "el turno de Ana Ruiz"
_PARTICLES = word_set("de del la las los san santa da di do das dos von van der mc mac d")
_AFTER_PARTICLE = {"dos": word_set("santos reis anjos passos ramos")}
_FILLERS = word_set(
    "eh este em mmm bueno si no a ver claro perdon es dale ok mi nombre completo soy yo ah hola y digo anota "
    "como te decia el la apellido me llamo chamo nada mas que obvio listo disculpa era mira pone"
)
_BOTH = word_set(
    "domingo lunes martes miercoles jueves viernes sabado bueno buena claro segundo mayor rey paz punto noche"
)
_KIN = word_set(
    "mama papa hijo hija esposa esposo marido mujer senora hermano hermana abuela abuelo madre padre novia novio"
)
_NOT_NAMES = word_set(
    "y o mi mis me con numero dni documento el la lo los las un una unos para por pedido orden turno cita que "
    "quiero quisiera necesito puedo podes tengo si no gracias hola buenas buen buenos dia dias tarde tardes "
    "noche noches es esta estoy fue son ser soy yo usted vos titular cliente paciente mismo misma doctor "
    "doctora dr dra correo mail email hoy manana pasado lunes martes miercoles jueves viernes sabado domingo "
    "perdon perdoname disculpa mejor bueno dale claro ok listo nada mas como cual quien donde cuando se sabes "
    "sabe acuerdo recuerdo entiendo entendi ahora aca alla muy bien mal ya nunca siempre eso esto ese este esa "
    "saber ver consultar cancelar cambiar mover pasar agendar sacar reservar hacer pedir comprar llamo chamo "
    "llama estado detalle detalles entrega llega completo nombre apellido arroba punto favor al a en le te su "
    "sus tu ni tampoco entonces pero porque otra otro vez repetir repetis decir decis deja olvidate importa "
    "chau adios cuanto persona humano operador alguien hablar ayuda espera esperame momento segundo uh ah eh "
    "ay dos tres cuatro cinco seis siete ocho nueve diez cero mil millones confirmo correcto exacto perfecto "
    "obvio sip nop dije digo digamos cualquiera tarde temprano todo todavia aun quizas producto productos "
    "necesitan necesitas piden pedis mostrame mostrar decime dame contame ignora ignorar olvida dato datos "
    "equivoque equivocado equivocada confundi quise decir digo despacio fuerte lento rapido alto bajo repetime "
    "sos eres tenes tiene tienen hay era eran estaba va van ir voy vamos viene vengo queria podria quedo quedan "
    "inutil idiota tonto tonta boludo boluda robot maquina chiste tiempo hora partido gano contame cancela "
    "cancelalo cambia cambialo consulta agenda crea modifica tele agua cafe hambre suena telefono puerta bolsa "
    "nadie nuevo nueva primera primero ultimo ultima tercera horario horarios fecha lugar caso verdad igual "
    "gusta parece acepta atienden atiende abren cierran cobran sale cuesta llego mande mando recibi compre hice "
    "control rutina chequeo urgencia consulta seguimiento turnos pedidos ordenes citas algo atras adelante "
    "escucho escuche escuchas oigo oi quien quienes cuales anda andar funciona entregaron mandaron dijeron i the "
    "mio mia mios tuyo tuya suyo suya nuestro nuestra "
    "sorry understand please english dont hello my order status want know"
)
_NOT_NAMES |= SAID_CARDINALS.keys() | TENS.keys() | SAID_HUNDREDS.keys() | {"millon"}
_CHOPPED = word_set("d mc mac")
_DOCTOR_TITLES = word_set("doctor doctora dr dra")
_TITLES = word_set("el la mi senor senora don dona doctor doctora dr dra")
_HESITATIONS = word_set("eh em ah uh ay es y perdon")
_MOST = 6  # names in a full name, particles apart
_GIVEN = word_set(
    "maria jose juan luis carlos ana jorge miguel silvia susana roberto ricardo eduardo daniel alberto pablo marta "
    "hector oscar diego sergio claudia monica patricia mirta rosa elena carmen laura norma graciela gabriela andrea "
    "marcela veronica natalia carolina paula florencia lucia sofia julieta martina valentina camila micaela agustina "
    "martin nicolas matias lucas federico facundo santiago tomas joaquin franco gonzalo ignacio bruno mateo benjamin "
    "fernando gustavo marcelo alejandro adrian javier cristian leonardo mariano ramon julio raul mario walter hugo "
    "ruben osvaldo nestor horacio guillermo victor enrique francisco antonio angel manuel pedro felipe rodrigo esteban "
    "emiliano ezequiel damian sebastian ariel cesar rafael ernesto gerardo alfredo rodolfo armando domingo juana "
    "beatriz alicia liliana stella teresa irma olga lidia delia nelida elsa mercedes cecilia mariana romina vanesa "
    "noelia lorena analia viviana sandra karina estela ester raquel irene ines luisa isabel blanca elvira amalia "
    "catalina jimena rocio belen candela malena milagros brenda melina yanina jesica barbara victoria abril emma "
    "ramiro lautaro thiago bautista juliana antonella renata guadalupe pilar lola clara celeste dario fabian gaston "
    "german hernan ivan jeronimo leandro maximiliano nahuel omar patricio rogelio simon ulises valentin zulema"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, and the indexes of the words that said it."""

    text: str
    words: frozenset[int]


def read_name(words: Sequence[Word], *, asked: bool = False) -> Name | None:
    """The name after "soy", "a nombre de", "para"…; with `asked` the whole answer may be one. The last one counts."""
    if _is_relative(words):
        return None
    if both := _in_halves(words):
        return both
    found = [_introduced(words, end) for end in _marker_ends(words)]
    name = next(filter(None, reversed(found)), None) or _named_for(words)
    if name is None and {"nombre", "apellido"} & set(keys_of(words)):
        name = _after_is(words)  # "el nombre está mal, es Juan Peres"
    if not asked or (name and len(name.words) > 1):
        return name
    starts = [0, *(at + 1 for at, word in enumerate(words) if word.key in ("perdon", "digo", "no"))]
    bare = next(filter(None, (_bare(words, start) for start in reversed(starts))), None)
    if bare and len(bare.words) > 1:
        return bare
    return name or _after_is(words) or _of_relative(words) or bare


def _in_halves(words: Sequence[Word]) -> Name | None:
    """ "Mi nombre es Ana, mi apellido Ruiz"."""
    keys = keys_of(words)
    if "apellido" not in keys:
        return None
    at = keys.index("apellido")
    start = at + 1 + (key_at(words, at + 1) == "es")
    last = _take(words, start) or (_name(words, start, start + 1) if key_at(words, start) in _BOTH else None)
    given = next((name for end in _marker_ends(words[:at]) if (name := _take(words[:at], end))), None)
    return Name(f"{given.text} {last.text}", given.words | last.words) if given and last else None


def _is_relative(words: Sequence[Word]) -> bool:
    """ "Soy el marido de Ana Ruiz" names somebody else."""
    return any(word.key == "soy" and key_at(words, at + 2) in _KIN for at, word in enumerate(words))


def _introduced(words: Sequence[Word], start: int) -> Name | None:
    """After "soy"; "a nombre de mi mamá, Rosa Benítez" is Rosa's."""
    while key_at(words, start) in _TITLES or key_at(words, start) in _KIN:
        start += 1
    alone = key_at(words, start) in _BOTH and words[start].raw[0].isupper()
    return _take(words, start) or (_name(words, start, start + 1) if alone else None)


def _named_for(words: Sequence[Word]) -> Name | None:
    """ "Para Juan Pérez", and not "para control": what looks like a name."""
    for at, word in enumerate(words):
        if word.key in _FOR and not word.pause and (name := _take(words, at + 1)):
            said = [words[index] for index in sorted(name.words)]
            large = all(word.raw[0].isupper() or word.key in _PARTICLES for word in said)
            if said[0].key in _GIVEN or (large and len(said) > 1):
                return name
    return None


def _bare(words: Sequence[Word], start: int) -> Name | None:
    while key_at(words, start) in _FILLERS and not _starts_name(words, start):
        start += 1
    name = _take(words, start, across_pauses=True)
    if name is None or any(word.asks for word in words) and len(name.words) < len(words):
        return None
    alone = len(name.words) == 1 and len(words) - start > 2 and key_at(words, start + 1) not in _NOT_NAMES
    return None if alone else _in_order(words, name)


def _of_relative(words: Sequence[Word]) -> Name | None:
    """ "Es para mi hija, Ana Ruiz"."""
    named = (_take(words, at + 1) for at, word in enumerate(words) if word.key in _KIN)
    return next((name for name in named if name and len(name.words) > 1), None)


def _in_order(words: Sequence[Word], name: Name) -> Name:
    """ "Pérez, Ana" and "Ruiz Sosa, Ana" are Ana's."""
    at = sorted(name.words)
    pauses = [index for index in at[:-1] if words[index].pause and len(words[index].key) > 1]
    if len(pauses) != 1 or words[at[0]].key in _GIVEN or words[pauses[0] + 1].key not in _GIVEN:
        return name
    middle = pauses[0] + 1
    given, last = _name(words, middle, at[-1] + 1), _name(words, at[0], middle)
    return Name(given.text if last.text in given.text else f"{given.text} {last.text}", name.words)


def _starts_name(words: Sequence[Word], at: int) -> bool:
    """ "Segundo Sombra", "Claro Ramírez" and not "claro, ": a word that can be both, right before a name."""
    return key_at(words, at) in _BOTH and key_at(words, at) not in ("bueno", "claro") and _joins(words, at)


def _joins(words: Sequence[Word], at: int) -> bool:
    both = key_at(words, at + 1) in _BOTH and words[at + 1].raw[0].isupper()
    return not words[at].pause and (both or _is_name(words, at + 1))


def _after_is(words: Sequence[Word]) -> Name | None:
    """ "La siguiente es Juan Pérez", as "el paciente es…" is misheard: a full name after "es" is the answer."""
    named = [_take(words, at + 1) for at, word in enumerate(words) if word.key == "es"]
    return next((name for name in named if name and len(name.words) > 1), None)


def _marker_ends(words: Sequence[Word]) -> list[int]:
    ends, at, keys = [], 0, keys_of(words)
    while at < len(words):
        size = next((len(marker) for marker in _MARKERS if tuple(keys[at : at + len(marker)]) == marker), 0)
        ends += [at + size] if size else []
        at += size or 1
    return ends


def _take(words: Sequence[Word], start: int, *, across_pauses: bool = False) -> Name | None:
    end = last = start
    while end < len(words) and end - start < _MOST:
        if words[end].key in _PARTICLES and (end > start or words[end].key not in ("la", "las", "los", "de", "del")):
            if not _leads_on(words, end):
                break
            end += 1
            continue
        if not (_is_name(words, end) or _may_be_name(words, end, start)):
            break
        end = last = end + 1
        if words[end - 1].pause and not across_pauses and len(words[end - 1].key) > 1:
            break
    return _name(words, start, last) if last > start else None


def _leads_on(words: Sequence[Word], at: int) -> bool:
    """Whether the particle leads to another name: "dos Santos", "de los Ángeles", "O'", "Mc Donald"."""
    key, after = words[at].key, key_at(words, at + 1)
    if words[at].pause or after == "" or key in _AFTER_PARTICLE:
        return after in _AFTER_PARTICLE.get(key, ())
    if after in ("la", "las", "los"):
        return key == "de" and _is_name(words, at + 2)
    return _is_name(words, at + 1)


def _is_name(words: Sequence[Word], at: int) -> bool:
    """Letters only and no everyday word; an initial is one when it is written large."""
    key = key_at(words, at)
    if len(key) == 1:
        return key.isalpha() and words[at].raw.isupper() and key not in "yoae"
    return key.replace("'", "").replace("’", "").replace("-", "").isalpha() and key not in _NOT_NAMES


def _may_be_name(words: Sequence[Word], at: int, start: int) -> bool:
    """ "Juan Domingo", "María Bueno", "Domingo Cavallo": words that can be both, next to a name."""
    if key_at(words, at) not in _BOTH:
        return False
    if at == start:
        return _joins(words, at)
    ends = at + 1 == len(words) or words[at].pause
    return not words[at - 1].pause and (ends or _is_name(words, at + 1) or words[at].raw[0].isupper())


def _name(words: Sequence[Word], start: int, end: int) -> Name:
    parts = [
        word.key if word.key in _PARTICLES - _CHOPPED and at > 0 else _title(word.raw)
        for at, word in enumerate(words[start:end])
        if not at or word.key != words[start + at - 1].key
    ]
    return Name(" ".join(parts), frozenset(range(start, end)))


def _title(raw: str) -> str:
    return raw if any(char.isupper() for char in raw[1:]) and not raw.isupper() else raw.capitalize()


def is_called(words: Sequence[Word]) -> bool:
    """Whether somebody else is spoken to: "Claudia, ¿está listo el café?", "mamá, bajá la tele"."""
    first, rest = key_at(words, 0), words[1:]
    if len(words) < 3 or not words[0].pause or first == "carlos" or not (first in _GIVEN or first in _KIN):
        return False
    return any(word.asks or word.key in _NOT_NAMES - _HESITATIONS for word in rest)


def read_doctor(words: Sequence[Word], *, asked: bool = False, known: Collection[str] = tuple(DOCTORS)) -> Name | None:
    """The doctor who was named last, completed to the known title and name where the list has that surname."""
    found = None
    for at, word in enumerate(words):
        if word.key in _DOCTOR_TITLES and "soy" not in (key_at(words, at - 1), key_at(words, at - 2)):
            said = _take(words, at + 1)
            if said:
                title = "Dra." if word.key in ("doctora", "dra") else "Dr."
                name = _known_doctor(said.text, known) or f"{title} {said.text}"
                found = Name(name, said.words | {at})
    return found or _known_with(words, known) or (_untitled_doctor(words, known) if asked else None)


def _known_with(words: Sequence[Word], known: Collection[str]) -> Name | None:
    """ "Mañana a las diez con López": without a title, one who is known."""
    before = ("con", "es") if {"doctor", "doctora", "medico", "medica"} & set(keys_of(words)) else ("con",)
    for at, word in enumerate(words):
        if word.key in before and (said := _take(words, at + 1)) and (name := _known_doctor(said.text, known)):
            return Name(name, said.words)
    return None


def _untitled_doctor(words: Sequence[Word], known: Collection[str]) -> Name | None:
    start = 0
    while key_at(words, start) in _FILLERS | {"con"}:
        start += 1
    said = _take(words, start)
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
        keys_of(words),
        (
            "cualquiera",
            "no importa cual",
            "el mejor",
            "no tengo preferencia",
            "el que quieras",
            "me da lo mismo",
            "me da igual",
            "el que este",
            "el que sea",
            "quienes hay",
            "que doctores",
        ),
    )
