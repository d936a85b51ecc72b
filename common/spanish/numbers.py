"""Spanish number words, and the digits in what a voice model passes on as a number.

The grammar is that of spoken numbers up to the millions. Where one number cannot go on, the next begins, so
"dos ocho" is two numbers and "veintiocho, cuatrocientos cincuenta y seis" is two groups of an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from common.spanish.names import plain

CARDINALS = (
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce",
    "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno",
    "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho",
    "veintinueve",
)  # fmt: skip
TENS = {
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70,
    "ochenta": 80, "noventa": 90,
}  # fmt: skip
HUNDREDS = {
    "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip

# As they are said, in plain words.
SAID_CARDINALS = {plain(word): value for value, word in enumerate(CARDINALS)} | {"veintiun": 21, "veintiuna": 21}
SAID_HUNDREDS = HUNDREDS | {
    "cien": 100, **{word.removesuffix("os") + "as": value for word, value in HUNDREDS.items() if value > 100}
}  # fmt: skip
_COUNTED = {word: value for word, value in SAID_CARDINALS.items() if value} | {"un": 1, "una": 1}
_UNITS = {word: value for word, value in _COUNTED.items() if value < 10}
_MILLION = ("millon", "millones")

_FILLERS = frozenset(
    ("el", "la", "los", "del", "de", "mi", "su", "id", "nro", "num", "numero", "no", "n", "es", "pedido",
     "orden", "order", "cita", "turno", "appointment", "dni", "documento")
)  # fmt: skip


def numerals(text: str) -> str:
    """The text in plain lower case with its number words as digits: "a las tres y media" -> "a las 3 y media"."""
    return " ".join(_numbers_in(plain(text.replace(",", " ")).split(" ")))


def digits_of(text: str) -> str | None:
    """All digits of a spoken identifier, in order: "12.345.678", "uno dos, tres" -> "12345678", "123".

    None if anything is said beside digits, number words and words such as "pedido" or "número".
    """
    words = re.findall(r"[^\W_]+", re.sub(r"\bn[°º]", " ", plain(text)))
    words = [part for word in words for part in re.findall(r"\d+|\D+", word)]
    groups = [group for group in _numbers_in(words) if group not in _FILLERS]
    return "".join(groups) if groups and all(group.isdecimal() for group in groups) else None


def _numbers_in(words: Iterable[str]) -> list[str]:
    """The words, with every number that they spell replaced by its digits."""
    rest = list(words)
    out: list[str] = []
    while rest:
        number, used = _number(rest)
        out.append(number if used else rest[0])
        rest = rest[used or 1 :]
    return out


def _number(words: list[str]) -> tuple[str, int]:
    """The longest number at the start: its digits, and how many words it took (0: none)."""
    value, used = _below_million(words)
    if used and words[used : used + 1] and words[used] in _MILLION:
        rest, more = _below_million(words[used + 1 :])
        return str(value * 1_000_000 + rest), used + 1 + more
    if used == 1 and words[0].isdecimal():
        return words[0], 1  # leading zeros are part of an identifier
    return str(value), used


def _below_million(words: list[str]) -> tuple[int, int]:
    value, used = _below_thousand(words)
    if words[used : used + 1] != ["mil"]:
        return value, used
    rest, more = _below_thousand(words[used + 1 :])
    return (value if used else 1) * 1000 + rest, used + 1 + more


def _below_thousand(words: list[str]) -> tuple[int, int]:
    if words and words[0].isdecimal() and len(words[0]) <= 9:
        return int(words[0]), 1
    if words and words[0] == "cero":
        return 0, 1
    if words and words[0] in SAID_HUNDREDS:
        value, used = _below_hundred(words[1:])
        return SAID_HUNDREDS[words[0]] + value, used + 1
    return _below_hundred(words)


def _below_hundred(words: list[str]) -> tuple[int, int]:
    if not words:
        return 0, 0
    if words[0] in TENS and len(words) > 2 and words[1] == "y" and words[2] in _UNITS:
        return TENS[words[0]] + _UNITS[words[2]], 3
    for table in (_COUNTED, TENS):
        if words[0] in table:
            return table[words[0]], 1
    return 0, 0
