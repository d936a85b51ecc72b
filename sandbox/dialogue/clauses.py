"""The parts of a sentence: what is denied in it, and where a second errand begins."""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.spanish.consent import Consent, consent
from common.spanish.numbers import SAID_CARDINALS, TENS
from sandbox.dialogue.digits import read_group
from sandbox.dialogue.intents import Intent, Kind, Verb, noun_in, read_intent
from sandbox.dialogue.words import GAP, Word, key_at, keys_of, word_set

_WANTING = word_set("quiero quisiera necesito es era fue son quise")
_PLACES = word_set("el la los las a al con para en por del de un una")
_OBJECTS = word_set("me te lo la los las se")
_UNABLE = word_set("puedo puede podria podemos")
_TURNING = word_set("sino pero")
_FRONTS = word_set("a el la los las con para al hoy manana")  # "el jueves no, el viernes"
_JOINING = word_set("y e tambien ademas despues luego aparte")
_INFINITIVE = re.compile(r"\w+[aei]r(?:l[oae]s?|me|te|se)?")  # "no quiero cancelar el pedido tres" still names it
_ERRAND = re.compile("cancel|anul|cambi|mov|muev|modific|reprogram|agend|reserv|borr|elimin")  # "no cancelé nada"
MOST_ERRANDS = 4  # in one sentence
_HEAD = 14  # words by which an errand has said what it is
_PLURALS = word_set("pedidos turnos ordenes citas compras")


def without_denied(words: Sequence[Word]) -> list[Word]:
    """The sentence with gaps for what it denies: "no el cinco, el seis", "no quiero cancelar", "el jueves no".

    What only sounds so stays: "no lo quiero más", "no me llegó el pedido", "no, el seis".
    """
    left = list(words)
    for at, word in enumerate(words):
        if word.key == "no":
            start, end = _denied(words, at)
            left[start:end] = [GAP] * (end - start)
    return left


def denies(words: Sequence[Word], left: Sequence[Word]) -> bool:
    """Whether something is denied, and not only doing it: "no el jueves", and not "no lo canceles"."""
    gone = (word.key for word, rest in zip(words, left, strict=True) if rest is GAP)
    return any(key not in _OBJECTS | _WANTING | {"no"} and not _ERRAND.match(key) for key in gone)


def denies_doing(words: Sequence[Word], left: Sequence[Word]) -> bool:
    """ "No quiero cancelar nada"."""
    return any(_ERRAND.match(word.key) for word, rest in zip(words, left, strict=True) if rest is GAP)


def _denied(words: Sequence[Word], at: int) -> tuple[int, int]:
    if words[at].pause or at + 1 == len(words):
        return _denied_before(words, at)
    start = at + 1 + (key_at(words, at + 1) in _OBJECTS and key_at(words, at + 2) in _WANTING)
    first = key_at(words, start)
    if first in _UNABLE and (start + 1 == len(words) or words[start].pause):  # "el jueves no puedo"
        begins, _ = _denied_before(words, at)
        return (begins, start + 1) if begins < at else (at, at)
    verb = at + 1 + (key_at(words, at + 1) in _OBJECTS)
    if _ERRAND.match(key_at(words, verb)):
        return at, verb + 1
    if first in _WANTING:
        if start > at + 1 or _is_over(words, start):
            return at, at
        return at, start + 2 if _INFINITIVE.fullmatch(key_at(words, start + 1)) else _until_turn(words, start)
    if first in _PLACES or read_group(words, start):
        return at, _until_alternative(words, start)
    return at, at


def _is_over(words: Sequence[Word], at: int) -> bool:
    """ "No quiero más el turno" gives it up."""
    return key_at(words, at + 1) == "mas"


def _denied_before(words: Sequence[Word], at: int) -> tuple[int, int]:
    start = at
    while start > 0 and not words[start - 1].pause:
        start -= 1
    return (start, at + 1) if start < at and words[start].key in _FRONTS else (at, at)


def _until_turn(words: Sequence[Word], start: int) -> int:
    """To the pause, or to where the caller says what it is instead."""
    end = start
    while end < len(words):
        if words[end].key in _TURNING or (end > start + 1 and words[end].key in _WANTING):
            return end
        end += 1
        if words[end - 1].pause:
            break
    return end


def _until_alternative(words: Sequence[Word], start: int) -> int:
    end, said = start, False
    while end < len(words):
        place = words[end].key in _PLACES
        if words[end].key in _TURNING or (said and place):
            return end
        said = said or not place
        end += 1
        if words[end - 1].pause:
            break
    return end


def split_errands(words: Sequence[Word], about: Kind | None = None) -> list[list[Word]]:
    """One part for each errand: "cancelar el pedido seis | sacar un turno"; a plain yes before one is a part too."""
    parts: list[list[Word]] = [[]]
    for at, word in enumerate(words):
        rest = words[at + 1 : at + 1 + _HEAD]
        splits = word.key in _JOINING and parts[-1] and len(parts) < MOST_ERRANDS
        if splits and _begins(parts[-1], _bare(rest), about):
            parts.append([])
        elif not (word.key in _JOINING and not parts[-1]):
            parts[-1].append(word)
    return parts


def _bare(words: Sequence[Word]) -> Sequence[Word]:
    """Without the joining words that are left at its start: "y | después sacar un turno"."""
    start = 0
    while key_at(words, start) in _JOINING:
        start += 1
    return words[start:]


def _begins(before: Sequence[Word], after: Sequence[Word], about: Kind | None) -> bool:
    first = read_intent(before)
    if not first.names_a_wish:
        return consent(" ".join(keys_of(before))) is Consent.YES and _is_errand(after, about)
    second = read_intent(after, first.kind)
    if _counts_on(before, after):
        return True
    if second.verb and not (first.verb or first.aspects):
        return False  # "tengo turno el jueves y quiero cambiarlo"
    if second.verb in (Verb.CANCEL, Verb.MOVE, Verb.MAKE):
        return _differs(first, second, after)
    bare = second.verb is None and not second.aspects  # "y el turno siete"
    named = noun_in(after[: 4 if bare else 8])
    if named is None or first.kind is None:
        return False
    return named is not first.kind or ((bare or second.verb is not first.verb) and _has_number(after[:8]))


def _is_errand(words: Sequence[Word], about: Kind | None) -> bool:
    intent = read_intent(words, about)
    return intent.verb is not None and (intent.kind is not None or len(words) > 1)


def _differs(first: Intent, second: Intent, after: Sequence[Word]) -> bool:
    kind = second.kind or first.kind
    again = second.another or _has_number(after[:5])
    return second.verb is not first.verb or kind is not first.kind or again


def _counts_on(before: Sequence[Word], after: Sequence[Word]) -> bool:
    """ "Los pedidos seis | y siete"; "treinta | y cinco" is one number."""
    plural = bool(_PLURALS & set(keys_of(before)))
    return plural and read_group(after, 0) is not None and before[-1].key not in TENS


def _has_number(words: Sequence[Word]) -> bool:
    return any(word.key in SAID_CARDINALS or word.key.isdecimal() for word in words)


def inherited(first: Intent, second: Intent) -> tuple[Verb | None, Kind | None]:
    """ "Cancelame el pedido seis y el turno siete": the second is cancelled as well."""
    verb = second.verb or (first.verb if not second.aspects else None)
    return verb, second.kind or first.kind
