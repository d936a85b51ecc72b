"""E-mail addresses as they are dictated: "juan punto perez arroba email punto com"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.dialogue.digits import read_group
from sandbox.dialogue.words import Word, fold, key_at, word_set

_SIGNS = {"punto": ".", "guion": "-", "menos": "-", "subguion": "_", "underscore": "_"}
_STOPS = word_set(
    "es mi mail email e-mail correo electronico direccion casilla a al en con y anota anotá seria el la "
    "gracias perdon no si por favor mandalo nombre"
)
_PROVIDERS = frozenset({"gmail", "hotmail", "yahoo", "outlook", "live", "email", "icloud"})
_ADDRESS = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9_])?@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")


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
    local, _, domain = words[at].key.partition("@")
    end = _end_of_domain(words, at + 1) if not domain or "." not in domain else at + 1
    if words[at].key == "arroba":
        local = domain = ""
    local = _join(words[start:at]) + local
    domain += _join(words[at + 1 : end])
    if domain in _PROVIDERS:
        domain += ".com"
    address = f"{local}@{domain}".strip(".")
    return Email(address if _ADDRESS.fullmatch(address) else None, frozenset(range(start, end)))


def say_email(address: str) -> str:
    """The address as it is dictated."""
    for sign, word in (("@", "arroba"), (".", "punto"), ("_", "guion bajo"), ("-", "guion")):
        address = address.replace(sign, f" {word} ")
    return " ".join(address.split())


def _start_of_local(words: Sequence[Word], at: int) -> int:
    start = at
    if not words[at].key.startswith(("@", "arroba")) and key_at(words, at - 1) not in _SIGNS:
        return at
    while start > 0 and words[start - 1].key not in _STOPS and not _is_break(words, start - 1):
        start -= 1
    return start


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


def _join(words: Sequence[Word]) -> str:
    said, at = "", 0
    while at < len(words):
        key = words[at].key
        number = read_group(words, at)
        if key == "guion" and key_at(words, at + 1) in ("bajo", "medio"):
            said, at = said + ("_" if key_at(words, at + 1) == "bajo" else "-"), at + 2
        elif number and key.isalpha():
            said, at = said + str(number[0]), number[1]
        else:
            said, at = said + _SIGNS.get(key, fold(key)), at + 1
    return said
