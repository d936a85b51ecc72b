"""What a caller wants, by the words that are in the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from sandbox.dialogue.words import Word, has_phrase, snap


class Task(StrEnum):
    """The seven tools, by the names the client declares them under."""

    CONSULT_ORDER = "consultarOrder"
    CANCEL_ORDER = "cancelarOrder"
    CREATE_ORDER = "crearOrder"
    BOOK = "agendarTurno"
    CANCEL_APPOINTMENT = "cancelarTurno"
    MOVE = "modificarTurno"
    CONSULT_APPOINTMENT = "consultarTurno"

    @property
    def kind(self) -> Kind:
        orders = (Task.CONSULT_ORDER, Task.CANCEL_ORDER, Task.CREATE_ORDER)
        return Kind.ORDER if self in orders else Kind.APPOINTMENT


class Kind(Enum):
    ORDER = "order"
    APPOINTMENT = "appointment"


class Aspect(Enum):
    """What of a record was asked for; nothing else of it is said."""

    STATE = "state"
    DETAILS = "details"
    TOTAL = "total"
    TRACKING = "tracking"


class Verb(Enum):
    CANCEL = "cancel"
    MOVE = "move"
    MAKE = "make"
    ASK = "ask"


class Reply(Enum):
    """Talk that moves the conversation and is no task."""

    YES = "yes"
    NO = "no"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    HELLO = "hello"
    HELP = "help"
    PERSON = "person"
    DROP = "drop"
    UNKNOWN = "unknown"  # the caller has not got what was asked for
    REPEAT = "repeat"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Intent:
    verb: Verb | None = None
    kind: Kind | None = None
    aspects: frozenset[Aspect] = frozenset()
    replies: frozenset[Reply] = frozenset()
    another: bool = False  # "otro pedido": not the one spoken of before

    @property
    def answer(self) -> bool | None:
        """Yes, no, or neither."""
        return {Reply.YES: True, Reply.NO: False}.get(next(iter(self.replies & {Reply.YES, Reply.NO}), Reply.HELLO))

    def task(self, last: Kind | None) -> Task | None:
        """The tool that this is about; `last` is what the conversation was about before."""
        kind = self.kind or (Kind.APPOINTMENT if self.verb is Verb.MOVE else last)
        if kind is None or not (self.verb or self.kind or self.aspects):
            return None
        return _TASKS.get((self.verb or Verb.ASK, kind))


_TASKS = {
    (Verb.ASK, Kind.ORDER): Task.CONSULT_ORDER,
    (Verb.CANCEL, Kind.ORDER): Task.CANCEL_ORDER,
    (Verb.MAKE, Kind.ORDER): Task.CREATE_ORDER,
    (Verb.ASK, Kind.APPOINTMENT): Task.CONSULT_APPOINTMENT,
    (Verb.CANCEL, Kind.APPOINTMENT): Task.CANCEL_APPOINTMENT,
    (Verb.MOVE, Kind.APPOINTMENT): Task.MOVE,
    (Verb.MAKE, Kind.APPOINTMENT): Task.BOOK,
}

_KINDS = {
    Kind.APPOINTMENT: ("turno", "turnos", "cita", "citas", "consulta medica", "visita medica"),
    Kind.ORDER: ("pedido", "pedidos", "orden", "ordenes", "compra", "compras", "envio", "paquete", "entrega"),
}
# Verbs that belong to one kind alone.
_KINDS_BY_VERB = {
    Kind.APPOINTMENT: (
        "agendar", "agendame", "reprogramar", "reprogramarlo", "con quien", "doctor", "doctora", "dr", "dra", "medico",
    ),
    Kind.ORDER: (
        "comprar", "encargar", "productos", "articulos", "cuando llega", "me llega", "cuando me entregan",
        "seguimiento", "quiero pedir", "quisiera pedir", "pedirte",
    ),
}  # fmt: skip
_CANCEL = (
    "cancelar", "cancela", "cancelalo", "cancelarlo", "cancelame", "cancelen", "cancele", "cancelo", "anular",
    "anula", "anularlo", "anulame", "dar de baja", "darlo de baja", "cancelacion", "suspender",
)  # fmt: skip
_MOVE = (
    "cambiar", "cambia", "cambialo", "cambiarlo", "cambiame", "mover", "moverlo", "move", "movelo", "modificar",
    "modificarlo", "modifica", "pasar", "pasarlo", "pasalo", "pasame", "pasas", "reprogramar", "reprogramarlo",
    "correr", "correrlo", "adelantar", "adelantarlo", "postergar", "postergarlo", "atrasar", "otra fecha",
    "otro dia", "otro horario", "cambio de turno", "cambio de fecha",
)  # fmt: skip
_MAKE = {
    Kind.APPOINTMENT: (
        "agendar", "agendame", "sacar", "sacame", "reservar", "reservame", "pedir", "pedirte", "nuevo turno",
        "turno nuevo", "nueva cita", "quiero un turno", "quisiera un turno", "necesito un turno", "dame un turno",
        "darme un turno", "quiero una cita", "necesito una cita", "quisiera una cita", "solicitar", "hacer una cita",
        "quiero turno", "necesito turno", "otro turno con", "programar", "coordinar", "un turno para",
        "un turno con", "turno con", "una cita con", "una cita para", "ver al doctor", "ver a la doctora",
        "verme con", "atenderme", "dame turno",
    ),
    Kind.ORDER: (
        "hacer un pedido", "hacer otro pedido", "hacer una compra", "hacer una orden", "crear", "nuevo pedido",
        "pedido nuevo", "nueva orden", "quiero un pedido", "comprar", "encargar", "encargarte", "pedir", "pedirte",
        "hacerte un pedido", "realizar un pedido", "armar un pedido", "tomame un pedido", "hacer el pedido",
    ),
}  # fmt: skip
_NOT_MAKING = ("pedir informacion", "pedirte informacion", "hacer una consulta", "hacerte una consulta")
_NOUNS = {"pedido": Kind.ORDER, "turno": Kind.APPOINTMENT}
_ASK = (
    "estado", "consultar", "saber", "averiguar", "como va", "como viene", "como esta", "donde esta", "que paso",
    "cuando", "contame", "decirme", "informacion", "detalle", "detalles", "en que estado", "por que",
)  # fmt: skip
_ASPECTS = {
    Aspect.TRACKING: ("codigo de seguimiento", "numero de seguimiento", "seguimiento", "tracking"),
    Aspect.TOTAL: ("total", "cuanto sale", "cuanto es", "cuanto cuesta", "cuanto pague", "precio", "monto", "importe"),
    Aspect.DETAILS: (
        "detalle", "detalles", "productos", "producto", "que trae", "que tiene", "que pedi", "que compre",
        "que contiene", "articulos", "que incluye", "que hay en", "con quien", "que doctor", "que doctora",
        "que medico", "que tipo", "de que es",
    ),
    Aspect.STATE: (
        "estado", "como va", "como viene", "como esta", "cuando llega", "cuando", "donde esta", "a que hora",
        "que dia", "me llega", "aqui ahora", "que paso",
    ),
}  # fmt: skip
_REPLIES = {
    Reply.GOODBYE: (
        "chau", "chao", "adios", "hasta luego", "nos vemos", "eso es todo", "eso era todo", "eso seria todo",
        "nada mas", "es todo", "hasta manana", "seria todo", "eso solo", "era eso", "solo eso", "ya esta gracias",
        "listo gracias", "podes cortar",
    ),
    Reply.DROP: (
        "deja", "dejalo", "dejalo asi", "mejor no", "olvidate", "olvidalo", "no importa", "ya no quiero",
        "no quiero nada", "dejemoslo", "cambie de idea", "me arrepenti", "no lo hagas", "no lo canceles",
    ),
    Reply.THANKS: ("gracias", "te agradezco", "muy amable"),
    Reply.HELP: ("que podes hacer", "que sabes hacer", "en que me podes ayudar", "ayuda", "que opciones", "quien sos"),
    Reply.PERSON: (
        "con una persona", "con un humano", "un operador", "una operadora", "un representante", "alguien real",
        "con alguien", "un asesor", "atencion al cliente", "persona de verdad", "ser humano", "persona real",
    ),
    Reply.REPEAT: (
        "repetir", "repetime", "repetis", "repetilo", "me lo repetis", "no te escuche", "no escuche",
        "no te entendi", "no entendi", "que dijiste", "como dijiste", "otra vez",
    ),
    Reply.WAIT: ("un momento", "un segundo", "esperame", "espera", "aguantame", "bancame", "dame un segundo"),
    Reply.HELLO: ("hola", "buen dia", "buenos dias", "buenas tardes", "buenas noches", "buenas"),
    Reply.UNKNOWN: (
        "no se", "no lo se", "no la se", "no me acuerdo", "no recuerdo", "no lo recuerdo", "no lo tengo",
        "no la tengo", "no tengo", "no me lo acuerdo", "no estoy seguro", "no estoy segura",
    ),
}  # fmt: skip
_YES = (
    "si", "sip", "sisi", "dale", "confirmo", "confirmado", "confirmalo", "correcto", "exacto", "de una", "asi es",
    "adelante", "hacelo", "esta bien", "de acuerdo", "tal cual", "afirmativo",
)  # fmt: skip
_PERHAPS_YES = (
    "claro", "obvio", "por supuesto", "ok", "okey", "okay", "bueno", "listo", "eso", "perfecto", "barbaro", "genial",
)  # fmt: skip
_NO = ("no", "nop", "nono", "negativo", "para nada", "tampoco", "ninguno", "nada")
_BEFORE_IF = frozenset({"saber", "ver", "decirme", "consultar", "averiguar"})  # "quiero saber si llegó"
_OPENING = 4  # words in which an answer is given


def read_intent(words: Sequence[Word]) -> Intent:
    """Read what is wanted; a misheard "perdido" is snapped to its noun only where no noun was heard."""
    keys = [word.key for word in words]
    kind = _kind(keys)
    return Intent(
        verb=_verb(keys, kind),
        kind=kind,
        aspects=frozenset(aspect for aspect, said in _ASPECTS.items() if has_phrase(keys, said)),
        replies=_replies(keys),
        another=has_phrase(keys, ("otro", "otra")),
    )


def _kind(keys: Sequence[str]) -> Kind | None:
    for table in (_KINDS, _KINDS_BY_VERB):
        for kind, said in table.items():
            if has_phrase(keys, said):
                return kind
    near = (snap(key, _NOUNS, shortest=5) for key in keys)
    return next((_NOUNS[noun] for noun in near if noun), None)


def _verb(keys: Sequence[str], kind: Kind | None) -> Verb | None:
    if has_phrase(keys, _NOT_MAKING):
        return Verb.ASK
    made = _MAKE[kind] if kind else ()
    for verb, said in ((Verb.CANCEL, _CANCEL), (Verb.MAKE, made), (Verb.MOVE, _MOVE), (Verb.ASK, _ASK)):
        if has_phrase(keys, said):
            return verb
    return None


def _replies(keys: Sequence[str]) -> frozenset[Reply]:
    found = {reply for reply, said in _REPLIES.items() if has_phrase(keys, said)}
    answer = None if Reply.UNKNOWN in found else _answer(keys[:_OPENING])
    return frozenset(found | ({answer} if answer else set()))


def _answer(keys: Sequence[str]) -> Reply | None:
    """The first plain yes or no; "claro", "bueno" and the like are a yes unless a no follows ("bueno, no")."""
    for at in range(len(keys)):
        if at and keys[at - 1] in _BEFORE_IF:
            continue
        for answer, said in ((Reply.YES, _YES), (Reply.NO, _NO)):
            if any(phrase.split() == list(keys[at : at + len(phrase.split())]) for phrase in said):
                return answer
    return Reply.YES if has_phrase(keys, _PERHAPS_YES) else None
