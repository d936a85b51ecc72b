"""What a caller wants, by the words that are in the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from sandbox.dialogue.words import Word, has_phrase, keys_of, snap


class Task(StrEnum):
    """The seven tools and the line's own look-ups, by the names the client declares them under."""

    CONSULT_ORDER = "consultarOrder"
    CANCEL_ORDER = "cancelarOrder"
    CREATE_ORDER = "crearOrder"
    BOOK = "agendarTurno"
    CANCEL_APPOINTMENT = "cancelarTurno"
    MOVE = "modificarTurno"
    CONSULT_APPOINTMENT = "consultarTurno"
    FIND_ORDERS = "buscarRegistros orders"
    FIND_APPOINTMENTS = "buscarRegistros appointments"
    FREE_TIMES = "horariosLibres"

    @property
    def tool(self) -> str:
        return self.value.split()[0]

    @property
    def kind(self) -> Kind:
        orders = (Task.CONSULT_ORDER, Task.CANCEL_ORDER, Task.CREATE_ORDER, Task.FIND_ORDERS)
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


class Topic(Enum):
    """What a question is about that is no one record's."""

    MINE = "the caller's records"
    TIMES = "free times"
    DOCTORS = "who there is"
    FACTS = "the business"


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
    SLOWER = "slower"
    LOUDER = "louder"
    WAIT = "wait"
    MISTAKEN = "mistaken"  # "me equivoqué": what was said last does not hold


@dataclass(frozen=True, slots=True)
class Intent:
    verb: Verb | None = None
    kind: Kind | None = None
    aspects: frozenset[Aspect] = frozenset()
    replies: frozenset[Reply] = frozenset()
    topic: Topic | None = None
    named: bool = False  # by its noun, "mi turno"
    another: bool = False  # "otro pedido": not the one spoken of before

    @property
    def answer(self) -> bool | None:
        """Yes, no, or neither."""
        return {Reply.YES: True, Reply.NO: False}.get(next(iter(self.replies & {Reply.YES, Reply.NO}), Reply.HELLO))

    @property
    def names_a_wish(self) -> bool:
        return bool(self.verb or self.kind or self.aspects)

    def task(self, last: Kind | None) -> Task | None:
        """The tool that this is about; `last` is what the conversation was about before."""
        kind = self.kind or (Kind.APPOINTMENT if self.verb is Verb.MOVE else last)
        if kind is None or not self.names_a_wish:
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
    "anula", "anularlo", "anulame", "dar de baja", "darlo de baja", "dalo de baja", "cancelacion", "suspender",
    "cancelemos", "cancelarme", "no lo quiero", "no la quiero", "no los quiero", "no quiero mas", "ya no quiero el",
    "ya no quiero mi", "no lo necesito", "ya no necesito", "no voy a poder ir", "no puedo ir", "no voy a ir",
    "no llego al turno", "no voy a llegar al turno", "me arrepenti de", "y me arrepenti", "borrar", "borra",
    "borrame", "eliminar", "elimina",
)  # fmt: skip
_MOVE = (
    "cambiar", "cambia", "cambialo", "cambiarlo", "cambiame", "mover", "moverlo", "move", "movelo", "modificar",
    "modificarlo", "modifica", "pasar", "pasarlo", "pasalo", "pasame", "pasas", "reprogramar", "reprogramarlo",
    "correr", "correrlo", "correlo", "adelantar", "adelantarlo", "adelantame", "postergar", "postergarlo", "postergame",
    "atrasar", "otra fecha", "para otro dia", "a otro dia", "otro horario", "cambio de turno", "cambio de fecha",
    "moverlo", "moveme", "modificame", "modificalo", "reprograma", "reprogramalo", "reprogramame", "cambiemos",
    "agregarle", "agregale", "sumarle", "sumale", "sacarle", "sacale",
)  # fmt: skip
_MAKE = {
    Kind.APPOINTMENT: (
        "agendar", "agendame", "agenda", "sacar", "sacame", "saca", "reservar", "reservame", "reserva", "pedir",
        "pedirte", "nuevo turno",
        "turno nuevo", "nueva cita", "quiero un turno", "quisiera un turno", "necesito un turno", "dame un turno",
        "darme un turno", "quiero una cita", "necesito una cita", "quisiera una cita", "solicitar", "hacer una cita",
        "quiero turno", "necesito turno", "otro turno con", "programar", "coordinar", "un turno para",
        "un turno con", "turno con", "una cita con", "una cita para", "ver al doctor", "ver a la doctora",
        "verme con", "atenderme", "dame turno", "crear", "crea", "pedir hora", "hacer un turno", "tener un turno",
        "otro turno", "anotame", "anotarme", "marcar un turno", "conseguir un turno", "dar un turno", "dar turno",
    ),
    Kind.ORDER: (
        "hacer un pedido", "hacer otro pedido", "hacer una compra", "hacer una orden", "crear", "crea", "creame",
        "haceme un pedido", "haceme otro", "tomame otro", "hacer otro", "nuevo pedido", "encarga", "encargame",
        "comprarles",
        "pedido nuevo", "nueva orden", "quiero un pedido", "comprar", "encargar", "encargarte", "pedir", "pedirte",
        "hacerte un pedido", "realizar un pedido", "armar un pedido", "tomame un pedido", "hacer el pedido",
    ),
}  # fmt: skip
_NOT_MAKING = ("pedir informacion", "pedirte informacion", "hacer una consulta", "hacerte una consulta")
_TOPICS = {
    Topic.MINE: (
        "mis turnos", "mis pedidos", "mis citas", "mis compras", "que turnos tengo", "que pedidos tengo",
        "que citas tengo",
        "que tengo pedido", "que tengo agendado", "cuales son mis", "todos mis", "cuantos pedidos tengo",
        "cuantos turnos tengo", "si tengo turno", "tengo algun turno", "tengo algun pedido", "si tengo algun",
    ),
    Topic.TIMES: (
        "que horarios hay", "que horarios tiene", "que horario tiene", "cuando atiende", "que horarios tenes",
        "que horarios tienen", "que horario hay", "que horario tenes",
        "que dias hay",
        "que turnos hay", "que turnos tenes", "hay turno", "hay turnos", "hay lugar", "tenes lugar", "tenes turno",
        "tenes turnos",
        "horarios disponibles", "horarios libres", "turnos disponibles", "turnos libres", "cuando hay", "cuando tenes",
        "cuando atiende", "que dias atiende", "que hay libre", "que tenes libre", "que disponibilidad", "algo libre",
        "primer turno", "proximo turno libre", "que dia puedo", "cuando puedo ir", "que dias tenes", "hay algo para",
        "tenes algo para", "hay mas temprano", "hay mas tarde", "algo mas temprano", "algo mas tarde", "horario hay",
        "otros horarios", "hay otro horario", "hay otro dia", "hay otra hora", "que otro", "que opciones hay",
        "que opciones tenes", "hay disponibilidad",
    ),
    Topic.DOCTORS: (
        "que medicos", "que doctores", "que doctoras", "que profesionales", "quienes atienden", "quien atiende",
        "que especialistas", "cuales son los medicos", "con que medicos",
    ),
    Topic.FACTS: (
        "donde quedan", "donde queda", "donde estan ubicados", "donde es", "que direccion",
        "la direccion de ustedes", "direccion del consultorio",
        "en que calle", "como llego", "a que hora abren", "a que hora cierran", "hasta que hora", "desde que hora",
        "que horario manejan",
        "horario de atencion", "atienden los", "abren los", "atienden el", "abren el", "feriado", "feriados",
        "obra social",
        "obras sociales", "prepaga", "prepagas", "osde", "swiss medical", "pami", "galeno", "medife", "trabajan con",
        "atienden con",
        "cuanto sale la consulta", "cuanto sale una consulta", "cuanto cobran", "cuanto cuesta la consulta",
        "cuanto cuesta una consulta", "cuanto sale un", "cuanto sale una", "cuanto cuesta un", "cuanto cuesta una",
        "cuanto vale", "precio de",
        "precios", "cuanto tarda", "cuanto tardan", "cuanto demora", "cuanto demoran", "hacen envios", "envian a",
        "mandan a",
        "que productos venden", "que tenes para", "que tenes", "quiero devolver", "devolver un", "devolver una",
        "que venden", "que productos tienen", "que productos hay", "tienen stock",
        "hay stock", "formas de pago", "medios de pago", "aceptan tarjeta",
        "aceptan tarjetas", "mercado pago", "en cuotas", "cuotas", "que especialidades", "especialidades",
        "estacionamiento",
        "devuelven la plata", "devuelven el dinero", "reembolso", "devoluciones", "garantia",
        "el telefono de ustedes", "su pagina",
        "pagina web", "whatsapp", "hacen factura", "factura a", "necesito orden", "hay que ir en ayunas", "ayunas",
        "que tengo que llevar",
    ),
}  # fmt: skip
_HANDING = ("pasas", "pasame", "podes pasar", "pasarme", "podrias pasar")  # "¿me pasás el total?" moves nothing
_TOLD = ("el total", "el codigo", "el numero", "la direccion", "el telefono", "el dato", "los datos", "el precio")
_BACK = frozenset({"como", "que", "eh", "perdon", "cual", "disculpa", "disculpame", "mande", "ah"})
_SAID_BEFORE = (
    "dijiste", "me decias", "me dijiste", "que dia era", "que hora era", "con quien era", "cual era", "me habias dicho",
)  # fmt: skip
_NOUNS = {"pedido": Kind.ORDER, "turno": Kind.APPOINTMENT}
_ASK = (
    "estado", "consultar", "saber", "averiguar", "como va", "como viene", "como esta", "donde esta", "que paso",
    "cuando", "contame", "decirme", "informacion", "detalle", "detalles", "en que estado", "por que", "consulta",
    "consultame", "consultarte", "decime", "fijate", "preguntar", "hice un pedido", "hice una compra", "hice una orden",
    "no llego", "no me llego", "todavia no llego", "no me llega", "salio", "reclamar", "a ver como", "no aparece",
    "compre", "encargue", "pedi",
)  # fmt: skip
_ASPECTS = {
    Aspect.TRACKING: ("codigo de seguimiento", "numero de seguimiento", "seguimiento", "tracking"),
    Aspect.TOTAL: (
        "total", "cuanto sale", "cuanto es", "cuanto cuesta", "cuanto pague", "cuanto salio", "cuanto me va",
        "cuanto me sale", "cuanto te debo", "cuanto tengo que pagar", "cuanto hay que pagar", "precio", "monto",
        "importe",
    ),
    Aspect.DETAILS: (
        "detalle", "detalles", "productos", "producto", "que trae", "que tiene", "que pedi", "que compre",
        "que contiene", "articulos", "que incluye", "que hay en", "con quien", "que doctor", "que doctora",
        "que medico", "que tipo", "de que es",
    ),
    Aspect.STATE: (
        "estado", "como va", "como viene", "como esta", "cuando llega", "cuando", "donde esta", "a que hora",
        "que dia", "me llega", "aqui ahora", "que paso", "para cuando", "llego", "salio", "ya lo mandaron",
    ),
}  # fmt: skip
_REPLIES = {
    Reply.GOODBYE: (
        "chau", "chao", "adios", "hasta luego", "nos vemos", "eso es todo", "eso era todo", "eso seria todo",
        "nada mas", "es todo", "hasta manana", "seria todo", "eso solo", "era eso", "solo eso", "ya esta gracias",
        "listo gracias", "podes cortar", "tchau", "tchao", "ciao", "chaucito", "chauchau", "hasta pronto",
        "hasta la proxima",
        "hasta otro momento", "gracias por todo", "nos estamos viendo", "me despido", "que tengas buen dia",
        "que tengas un buen dia", "buen fin de semana", "voy a cortar", "corto", "asi esta bien gracias",
    ),
    Reply.DROP: (
        "deja", "dejalo", "dejalo asi", "mejor no", "olvidate", "olvidalo", "no importa", "ya no quiero",
        "no quiero nada", "dejemoslo", "cambie de idea", "me arrepenti", "no lo hagas", "no lo canceles",
        "dejala", "dejalo como esta", "lo pienso", "despues llamo", "te llamo despues", "no hagas nada",
        "no lo cambies",
    ),
    Reply.THANKS: ("gracias", "te agradezco", "muy amable"),
    Reply.HELP: (
        "que podes hacer", "que sabes hacer", "en que me podes ayudar", "ayuda", "que opciones", "quien sos",
        "que haces", "para que sirve", "con que me podes ayudar", "que mas podes hacer",
    ),
    Reply.PERSON: (
        "con una persona", "con un humano", "un humano", "una humana", "quiero una persona", "una persona por favor",
        "un operador", "una operadora", "un representante", "alguien real",
        "con alguien", "un asesor", "atencion al cliente", "persona de verdad", "ser humano", "persona real",
        "supervisor", "supervisora", "un encargado", "el encargado", "la encargada", "el gerente", "el dueno",
        "un empleado", "otra persona", "la secretaria", "la recepcionista", "alguien de verdad",
    ),
    Reply.REPEAT: (
        "repetir", "repetime", "repetis", "repetilo", "repeti", "repita", "repitame", "me lo repetis", "no te escuche",
        "no escuche", "no te escucho", "no escucho", "no te entendi", "no entendi", "no entiendo", "no te entiendo",
        "que dijiste", "como dijiste", "que me dijiste", "como me dijiste", "otra vez", "de nuevo", "como decis",
        "que decis", "no se escucha", "no se escucho", "no se oye", "no oi", "no te oi", "no oigo", "se corto",
        "se entrecorta", "que fue lo que dijiste", "como era", "no capte", "no llegue a escuchar", "no pesque",
    ),
    Reply.SLOWER: (
        "mas despacio", "despacio por favor", "mas lento", "mas pausado", "mas despacito", "despacito",
        "mas lentamente",
        "vas muy rapido", "hablas muy rapido", "hablas rapido", "no tan rapido", "muy rapido",
    ),
    Reply.LOUDER: (
        "mas fuerte", "mas alto", "no te escucho bien", "te escucho bajo", "se escucha bajo", "subi el volumen",
    ),
    Reply.MISTAKEN: (
        "me equivoque", "me confundi", "quise decir", "quiero decir", "mejor dicho", "perdon", "esta mal",
        "esta equivocado",
        "no es ese", "no era ese", "no es esa", "no es asi", "corregi", "corregir", "corregilo", "no es correcto",
        "estaba mal", "te dije mal", "dije mal", "lo dije mal",
    ),
    Reply.WAIT: (
        "dejame pensar", "dejame pensarlo", "dejame ver", "bancame un toque",
        "un momento", "un segundo", "esperame", "espera", "aguantame", "bancame", "dame un segundo"),
    Reply.HELLO: ("hola", "buen dia", "buenos dias", "buenas tardes", "buenas noches", "buenas"),
    Reply.UNKNOWN: (
        "no se", "no lo se", "no la se", "no me acuerdo", "no recuerdo", "no lo recuerdo", "no lo tengo",
        "no la tengo", "no tengo", "no me lo acuerdo", "no estoy seguro", "no estoy segura", "ni idea", "no me lo se",
        "lo perdi", "no lo encuentro", "no encuentro", "sin el numero", "no me dieron", "me olvide el",
        "me lo olvide", "no uso", "no manejo", "no la recuerdo",
        "no figura", "no lo anote",     ),
}  # fmt: skip
_YES = (
    "si", "sip", "sisi", "dale", "confirmo", "confirmado", "confirmalo", "correcto", "exacto", "de una", "asi es",
    "adelante", "hacelo", "esta bien", "de acuerdo", "tal cual", "afirmativo",
)  # fmt: skip
_PERHAPS_YES = (
    "claro", "obvio", "por supuesto", "ok", "okey", "okay", "bueno", "listo", "eso", "perfecto", "barbaro", "genial",
)  # fmt: skip
_NO = ("no", "nop", "nono", "negativo", "para nada", "tampoco", "ninguno", "ninguna", "nada")
_BEFORE_IF = frozenset({"saber", "ver", "decirme", "consultar", "averiguar"})  # "quiero saber si llegó"
_IS_DOCTOR = ("soy el doctor", "soy la doctora", "soy doctor", "soy doctora")  # the caller, who wants no doctor
_NOT_ANOTHER = (
    "el otro dia", "la otra vez", "otro dia", "otro horario", "otra hora", "otra fecha", "otro doctor", "otra doctora",
    "otro momento", "otra vez",
)  # fmt: skip
_KNOWN = frozenset(
    {"el", "la", "los", "las", "cual", "que", "cuando", "mi", "bien", "ni", "nada", "donde", "quien", "como"}
)
_ASKED_OR_PAST = frozenset({"cancele", "anule", "cambie", "modifique", "elimine", "borre", "agende", "reserve"})
_OPENING = 4  # words in which an answer is given


def read_intent(words: Sequence[Word], about: Kind | None = None, *, said: Sequence[Word] = ()) -> Intent:
    """Read what is wanted; a misheard "perdido" is snapped to its noun only where no noun was heard.

    `about` is what a verb is of that names nothing ("y sacar otro"); `said` is the whole sentence where `words` have
    gaps for what it denies.
    """
    keys = ["|" if _is_past(word) else word.key for word in words]
    kind = _kind(keys)
    return Intent(
        verb=_verb(keys, kind or about),
        kind=kind,
        aspects=frozenset(aspect for aspect, said in _ASPECTS.items() if has_phrase(keys, said)),
        replies=_replies(keys_of(said or words), said or words),
        topic=next((topic for topic, said in _TOPICS.items() if has_phrase(keys, said)), None),
        named=noun_in(words) is not None,
        another=has_phrase(keys, ("otro", "otra")) and not has_phrase(keys, _NOT_ANOTHER),
    )


def _is_past(word: Word) -> bool:
    """ "Cancelé" tells of it; "cancele" asks for it."""
    return word.key in _ASKED_OR_PAST and word.raw.endswith("é")


def noun_in(words: Sequence[Word]) -> Kind | None:
    """What is named by its noun: "mi turno"."""
    return next((kind for kind, said in _KINDS.items() if has_phrase(keys_of(words), said)), None)


def _kind(keys: Sequence[str]) -> Kind | None:
    for table in (_KINDS,) if has_phrase(keys, _IS_DOCTOR) else (_KINDS, _KINDS_BY_VERB):
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
            told = verb is Verb.MOVE and has_phrase(keys, _HANDING) and has_phrase(keys, _TOLD)
            return Verb.ASK if told else verb
    return None


def _replies(keys: Sequence[str], words: Sequence[Word]) -> frozenset[Reply]:
    found = {reply for reply, said in _REPLIES.items() if has_phrase(keys, said)}
    known = ["|" if _is_no_knowing(words, at) else key for at, key in enumerate(keys)]
    if not has_phrase(known, _REPLIES[Reply.UNKNOWN]):
        found.discard(Reply.UNKNOWN)
    if _asks_back(keys, words):
        found.add(Reply.REPEAT)
    if has_phrase(keys, ("nada mas que",)):
        found -= {Reply.GOODBYE}
    answer = None if Reply.UNKNOWN in found else _answer(keys[:_OPENING])
    return frozenset(found | ({answer} if answer else set()))


def _is_no_knowing(words: Sequence[Word], at: int) -> bool:
    """ "No se puede", which is no "no sé"."""
    return words[at].raw == "se" and at + 1 < len(words) and not words[at].pause and words[at + 1].key not in _KNOWN


def _asks_back(keys: Sequence[str], words: Sequence[Word]) -> bool:
    """ "¿Cómo?", "¿eh?", "¿perdón, qué?", "¿qué día dijiste?": nothing but a word of asking."""
    if has_phrase(keys, _SAID_BEFORE):
        return True
    only_asks = 0 < len(keys) <= _OPENING and set(keys) <= _BACK
    return only_asks and (keys != ["perdon"] or words[0].asks)


def _answer(keys: Sequence[str]) -> Reply | None:
    """The first plain yes or no; "claro", "bueno" and the like are a yes unless a no follows ("bueno, no")."""
    for at in range(len(keys)):
        if at and keys[at - 1] in _BEFORE_IF:
            continue
        for answer, said in ((Reply.YES, _YES), (Reply.NO, _NO)):
            if any(phrase.split() == list(keys[at : at + len(phrase.split())]) for phrase in said):
                return answer
    return Reply.YES if has_phrase(keys, _PERHAPS_YES) else None
