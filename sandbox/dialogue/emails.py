"""Where in a sentence an e-mail address is dictated; `common.spanish.emails` reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.spanish.emails import email_of
from sandbox.dialogue.words import Word, key_at, word_set

_SIGNS = word_set("punto guion menos subguion underscore bajo baja medio mas")
_STOPS = word_set(
    "es mi mail email e-mail correo electronico direccion casilla a al en con y anota seria el la gracias perdon no si "
    "por favor mandalo nombre soy"
)
_PROVIDERS = frozenset({"gmail", "hotmail", "yahoo", "outlook", "live", "email", "icloud"})


@dataclass(frozen=True, slots=True)
class Email:
    """A dictated address; `address` is None when an "arroba" was heard and no whole address around it."""

    address: str | None
    words: frozenset[int]


def read_email(words: Sequence[Word]) -> Email | None:
    """The address in a sentence, without accents and in lower case."""
    at = next((index for index, word in enumerate(words) if "@" in word.key or word.key == "arroba"), None)
    if at is None:
        return None
    start = _start_of_local(words, at)
    _, _, domain = words[at].key.partition("@")
    end = at + 1 if "." in domain else _end_of_domain(words, at + 1)
    said = " ".join(word.raw for word in words[start:end])
    if words[end - 1].key in _PROVIDERS or domain in _PROVIDERS:
        said += " punto com"
    return Email(email_of(said), frozenset(range(start, end)))


def _start_of_local(words: Sequence[Word], at: int) -> int:
    start = at
    if not words[at].key.startswith(("@", "arroba")) and key_at(words, at - 1) not in _SIGNS:
        return at
    while start > 0 and not _stops(words, start - 1) and not _is_break(words, start - 1):
        start -= 1
    return start


def _stops(words: Sequence[Word], at: int) -> bool:
    """ "A" and "y" stop it, but not in "a de árbol", "i griega" and between letters."""
    return words[at].key in _STOPS and key_at(words, at + 1) not in ("de", "griega")


def _is_break(words: Sequence[Word], at: int) -> bool:
    """A pause ends what came before, except within the address ("juan, punto, perez, arroba")."""
    return words[at].pause and key_at(words, at + 1) not in (*_SIGNS, "arroba") and words[at].key not in _SIGNS


def _end_of_domain(words: Sequence[Word], start: int) -> int:
    """After "email punto com punto ar"; "hot mail punto com" may come as two words."""
    points = [at for at in range(start, min(start + 4, len(words))) if words[at].key == "punto" or "." in words[at].key]
    if not points:
        return min(start + 1, len(words))
    end = points[0] + (words[points[0]].key != "punto")
    while key_at(words, end) == "punto" and end + 1 < len(words):
        end += 2
    return end
