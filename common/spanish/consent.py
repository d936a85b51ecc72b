"""Whether a caller agreed to what was proposed, in the Spanish of Argentina.

A yes is one only if nothing is left of what was said once its words, those of what was proposed and politeness are
taken away: "sí, por favor", "dale, cancelalo", "obvio". A question, a condition, a correction, another errand, words
for somebody else in the room and whatever is not understood are none, however much yes there is in them; and a no
anywhere is a no: "sí… no, no", "obvio que no".

    consent("Dale, cancelalo nomás.", ("cancelar", "anular"), ("pedido",))  -> Consent.YES
    consent("Si lo cancelo, ¿me devuelven la plata?")                      -> Consent.UNCLEAR
    consent("Mejor no.")                                                   -> Consent.NO
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from enum import Enum, auto
from unicodedata import normalize

from common.spanish.names import plain

LONGEST = 200  # characters of a plain answer; what is longer says more than yes

# In which a caller agrees to what is proposed.
PLACING = ("crear", "hacer", "pedir", "comprar", "encargar")
BOOKING = ("agendar", "reservar", "anotar", "sacar", "tomar")
MOVING = ("cambiar", "mover", "pasar", "modificar", "reprogramar")
CANCELLING = ("cancelar", "anular")
SENDING = ("mandar", "enviar")
# What a caller may call it.
AN_ORDER = ("pedido", "orden", "compra", "cancelacion")
A_MESSAGE = ("mensaje", "mensajito", "whatsapp", "dato", "datos", "sms")
AN_APPOINTMENT = ("turno", "cita", "reserva", "cancelacion", "cambio")


class Consent(Enum):
    YES = auto()
    NO = auto()
    UNCLEAR = auto()  # neither: to be asked again


class _Part(Enum):
    AGREES = auto()
    REFUSES = auto()
    POLITE = auto()  # changes nothing
    OPENS = auto()  # changes nothing either, but more is to follow: at the end, the answer is not over
    LIMITS = auto()  # takes the yes back, or puts it off


# Without accents, in lower case; the longest phrase that fits counts, so that "cómo no" is no "no".
_PHRASES: dict[_Part, str] = {
    _Part.AGREES: """
        si, sip, sisi, sii, siii, sep, claro, claro que si, obvio, obvio que si, obviamente, por supuesto, por
        supuesto que si, como no, desde ya, desde luego, dale, dale dale, dale que si, dale que va, de una, de uno,
        seguro, segura, seguro que si, correcto, exacto, exactamente, asi es, es asi, tal cual, eso,
        eso mismo, eso es, afirmativo, efectivamente, positivo, ok, okey, okay, oka, okis, bueno, vale, va, listo,
        joya, barbaro, perfecto, genial, buenisimo, excelente, fantastico, de acuerdo, estoy de acuerdo, conforme,
        esta bien, esta perfecto, esta correcto, es correcto, todo correcto, todo ok, me parece bien, me
        parece perfecto, me sirve, me queda bien, me viene bien, acepto, lo acepto, autorizo, lo autorizo, confirmo,
        lo confirmo, la confirmo, te confirmo, te lo confirmo, se lo confirmo, confirmado, confirmada, confirmalo,
        confirmala, confirma, confirmame, confirmamelo, confirmar, quiero confirmar, confirmemos, adelante, dale
        para adelante, metele, mandale, hacelo, hacela, hagalo, hagala, hagamoslo, hacelo nomas, procede, proceda,
        asi esta bien, asi nomas, si quiero, lo quiero, la quiero, eso quiero, es lo que quiero, cuando quieras, ya
        mismo, buenisimo dale, de diez, impecable, cierto, asi es correcto, todo en orden, sin duda, sin dudas, que
        si, te dije que si, ta, ta bien, bien, muy bien, esta ok, por mi si,
        totalmente, segurisimo, segurisima, estoy seguro, estoy segura, confirmadisimo, confirmadisima, sin problema,
        sin problemas, yes
    """,
    _Part.REFUSES: """
        no, nop, nono, nah, nones, negativo, para nada, de ninguna manera, ni loco, ni loca, ni ahi, mejor no, claro
        que no, obvio que no, por supuesto que no, seguro que no, tampoco, nunca, jamas, dejalo, dejala, dejalo asi,
        deja, dejemoslo, olvidalo, olvidate, me arrepenti, ninguno, nada, nada de eso, no gracias
    """,
    _Part.POLITE: """
        por favor, porfa, porfi, porfis, favor, gracias, muchas gracias, mil gracias, te agradezco, se agradece,
        che, carlos, senor, senora, senorita, amigo, maestro, capo, genio, hombre, aja, mhm, nomas, no mas, ya, ahora,
        ahora mismo, para adelante, todo bien, no hay problema, no hay drama, no tengo problema, tranquilo
    """,
    _Part.OPENS: """
        y, e, pues, entonces, quiero, querria, quisiera, quiero que, si quiero que, te pido, le pido, te pido que, le
        pido que, eh, em, ehm, mm, mmm, ah, aah, ay, uh, oh
    """,
    _Part.LIMITS: """
        no se, no lo se, no estoy seguro, no estoy segura, no entendi, no te entendi, no entiendo, no escuche, no te
        escuche, no se escucha, por que no, o no, si o no, siempre que, siempre y cuando, mientras, en caso de
        que, a menos que, salvo que, solo si, bien gracias, muy bien gracias, eso nomas, ya esta bien
    """,
}
_BY_WORDS = {tuple(phrase.split()): part for part, phrases in _PHRASES.items() for phrase in phrases.split(",")}
_MOST_WORDS = max(map(len, _BY_WORDS))
_VOCABULARY = frozenset(word for phrase in _BY_WORDS for word in phrase)
_ARTICLES = frozenset(("el", "la", "los", "las", "ese", "esa", "este", "esta", "mi", "un", "una"))
_IT = frozenset(("lo", "la"))
_DONE = ("é", "ó")
# Of a request or a wish: "cancelá", "cancelalo", "cancelarlo", "cancelame", "cancelemos", "que lo canceles". Not of
# what somebody does: "si cancelo" is how a question begins.
_ENDINGS = {
    "ar": "a|e|es|en|ar|emos|alo|ala|elo|ela|enlo|enla|arlo|arla|ame|amelo|amela|armelo|armela|emoslo|emosla",
    "er": "e|é|a|as|an|er|amos|elo|ela|alo|ala|erlo|erla|eme|emelo|emela|ermelo|ermela|amoslo|amosla",
    "ir": "i|e|a|as|an|ir|amos|ilo|ila|alo|ala|irlo|irla|ime|imelo|imela|irmelo|irmela|amoslo|amosla",
}
# "Sí, pasá" is said to who knocks: only with what is to be moved or booked is it an answer.
_SAID_AT_HOME = re.compile("(?:pas|tom|sac|saqu|cambi|mov|muev)(?:a|e|an|en)")
_STEMS = {"hacer": "hac|hag", "pedir": "ped|pid", "mover": "mov|muev", "sacar": "sac|saqu"}  # where they change


def consent(said: str, verbs: Collection[str] = (), nouns: Collection[str] = ()) -> Consent:
    """Return what an answer to "¿lo confirmás?" comes to.

    `verbs` (infinitives) and `nouns` are those of what was proposed: they belong to a yes, as others do not.
    "Cancelalo" agrees to a cancellation, and to nothing else.
    """
    parts = list(_parts(_words(said), _requests(verbs), frozenset(nouns)))
    if len(said) > LONGEST or "?" in said or "¿" in said or _Part.LIMITS in parts:
        return Consent.UNCLEAR
    if _Part.REFUSES in parts:
        return Consent.NO
    is_whole = None not in parts and parts[-1:] != [_Part.OPENS]
    return Consent.YES if _Part.AGREES in parts and is_whole else Consent.UNCLEAR


def _words(said: str) -> list[str]:
    """Folded; but for what somebody did ("cancelé", "canceló"), which without its accent would be a request."""
    words = re.findall(r"[^\W_]+", normalize("NFC", said[: LONGEST + 1]).lower())
    folded = [plain(word) for word in words]
    return [
        word if word.endswith(_DONE) and key not in _VOCABULARY else key
        for word, key in zip(words, folded, strict=True)
    ]


def _parts(words: list[str], requests: re.Pattern[str], nouns: frozenset[str]) -> Iterator[_Part | None]:
    """What each phrase does; None for words that are no part of an answer."""
    at = 0
    while at < len(words):
        for length in range(min(_MOST_WORDS, len(words) - at), 0, -1):
            if (part := _BY_WORDS.get(tuple(words[at : at + length]))) is not None:
                break
        else:
            length = 2 if words[at] in _ARTICLES | _IT and words[at + 1 : at + 2] else 1
            if words[at + length - 1] in nouns:
                part = _Part.POLITE
            elif _asks(words, at, length) and requests.fullmatch(words[at + length - 1]):
                part = _Part.OPENS if _SAID_AT_HOME.fullmatch(words[at + length - 1]) else _Part.AGREES
        yield part
        at += length


def _asks(words: list[str], at: int, length: int) -> bool:
    """Whether a verb's form may be a request there: "que lo canceles", and not "ya lo cancele", which has lost an
    accent."""
    before = words[at - 1] if at else ""
    if length == 2:
        return words[at] in _IT and before == "que"
    return not (before == "ya" and words[at].endswith("e"))


def _requests(verbs: Collection[str]) -> re.Pattern[str]:
    """Forms of these verbs in which somebody asks for what they say."""
    forms = [f"(?:{_STEMS.get(verb, verb[:-2])})(?:{_ENDINGS[verb[-2:]]})" for verb in verbs]
    return re.compile("|".join(forms) or r"(?!)")
