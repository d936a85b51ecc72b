"""Spanish number words: numbers within a sentence, numbers in words, and the digits of an identifier.

The grammar is that of spoken numbers up to the millions. Where one number cannot go on, the next begins, so
"dos ocho" is two numbers and "veintiocho, cuatrocientos cincuenta y seis" is two groups of an identifier.

Identifiers come half in words and half in digits ("28 millones 456.789", "28 M 456 mil 789"). With "millones" or
"mil" they are arithmetic, without them their groups stand side by side; what fits neither is no identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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

# In identifiers only; of a time, "las diez y seis" is another thing.
_SLURRED = {  # "treinticinco", "cuarentaidós"
    f"{ten.removesuffix('a')}{joint}{unit}": value + _UNITS[unit]
    for ten, value in TENS.items() if value > 20
    for joint in ("i", "ai", "ay")
    for unit in _UNITS
}  # fmt: skip
_MOST_WORDS = 5  # of a group: "cuatro cientos cincuenta y seis"
_REPEATED = {"doble": 2, "triple": 3}
_ZEROS = {"millon": 6, "millones": 6, "mill": 6, "m": 6, "mil": 3}
_FILLERS = frozenset(
    ("el", "la", "los", "del", "de", "mi", "su", "id", "nro", "num", "numero", "no", "n", "es", "pedido",
     "orden", "order", "cita", "turno", "appointment", "dni", "d", "i", "documento", "nacional", "identidad")
)  # fmt: skip

_TEN_WORDS = {value: word for word, value in TENS.items()}
_HUNDRED_WORDS = {value: word for word, value in HUNDREDS.items()}


def numerals(text: str) -> str:
    """The text in plain lower case with its number words as digits: "a las tres y media" -> "a las 3 y media"."""
    return " ".join(_numbers_in(plain(text.replace(",", " ")).split(" ")))


def digits_of(text: str) -> str | None:
    """All digits of a spoken identifier, in order: "12.345.678", "uno dos, tres" -> "12345678", "123".

    None if anything is said beside digits, number words and words such as "pedido" or "número".
    """
    groups = groups_of(text)
    return "".join(groups) if groups else None


def groups_of(text: str) -> tuple[str, ...] | None:
    """The digits of an identifier as they were grouped: "veintiocho, cuatro cinco" -> ("28", "4", "5"). None as
    `digits_of`."""
    words = re.findall(r"[^\W_]+", re.sub(r"\bn[°º]", " ", plain(text)))
    words = [part for word in words for part in re.findall(r"\d+|\D+", word)]
    parts: list[str] = []
    at = 0
    while at < len(words):
        groups, used = _group(words[at : at + _MOST_WORDS])
        if not used and words[at] not in _ZEROS and words[at] not in _FILLERS:
            return None
        parts += groups or ([words[at]] if words[at] in _ZEROS else [])
        at += used or 1
    return _composed(tuple(parts))


def spell(number: int) -> str:
    """The cardinal of 0 to 999,999,999 as it is read aloud: 21 -> "veintiuno". ValueError outside of that."""
    if not 0 <= number < 1_000_000_000:
        raise ValueError(f"cannot spell {number}")
    millions, rest = divmod(number, 1_000_000)
    thousands, units = divmod(rest, 1000)
    parts = []
    if millions:
        parts.append("un millón" if millions == 1 else f"{_before_noun(millions)} millones")
    if thousands:
        parts.append("mil" if thousands == 1 else f"{_before_noun(thousands)} mil")
    if units or not parts:
        parts.append(_hundreds_in_words(units))
    return " ".join(parts)


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
    tens = TENS.get(words[0], 0)
    if tens > 20 and len(words) > 2 and words[1] == "y" and words[2] in _UNITS:
        return tens + _UNITS[words[2]], 3
    for table in (_COUNTED, TENS):
        if words[0] in table:
            return table[words[0]], 1
    return 0, 0


# Identifiers.


def _group(words: Sequence[str]) -> tuple[list[str], int]:
    """The group of digits at the start, and how many words it took (0: none)."""
    first, then = words[0], words[1] if len(words) > 1 else ""
    if first in _REPEATED and (digit := _digit(then)) is not None:
        return [str(digit)] * _REPEATED[first], 2
    hundreds, taken = SAID_HUNDREDS.get(first, 0), 1
    if then == "cientos" and (digit := _digit(first)):
        hundreds, taken = 100 * digit, 2
    if hundreds:
        value, used = _tens_and_units(words[taken:])
        return [str(hundreds + value)], taken + used
    if first == "cero":
        return ["0"], 1
    value, used = _tens_and_units(words)
    if used or not first.isdecimal():
        return ([str(value)] if used else []), used
    return ["".join(str(int(digit)) for digit in first)], 1


def _tens_and_units(words: Sequence[str]) -> tuple[int, int]:
    """One to ninety-nine, in words or digits: "treinta y cinco", "30 y 5", "diez y seis", "56"."""
    if not words:
        return 0, 0
    first = words[0]
    tens = int(first) if re.fullmatch(r"[1-9]0", first) else TENS.get(first, 10 if first == "diez" else 0)
    if tens and len(words) > 2 and words[1] == "y" and (unit := _digit(words[2])):
        return tens + unit, 3
    if re.fullmatch(r"[1-9][0-9]?", first):
        return int(first), 1
    value = _COUNTED.get(first) or TENS.get(first) or _SLURRED.get(first) or 0
    return value, 1 if value else 0


def _digit(word: str) -> int | None:
    return int(word) if re.fullmatch("[0-9]", word) else 0 if word == "cero" else _UNITS.get(word)


def _composed(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Groups of digits, with the scales between them carried out; None if they do not add up."""
    scales = [at for at, part in enumerate(parts) if part in _ZEROS]
    if not scales:
        return parts or None
    at = scales[0]
    zeros = _ZEROS[parts[at]]
    after = _composed(parts[at + 1 :]) if parts[at + 1 :] else ("0",)
    rest = after and "".join(after)
    if not rest or not after or len(rest) > zeros:
        return None
    if len(rest) < zeros and any(len(group) != 3 for group in after[1:]):  # "mil, dos tres" is 1023 or 1000, 23
        return None
    return (*parts[: max(at - 1, 0)], (parts[at - 1] if at else "1") + rest.zfill(zeros))


# Numbers in words.


def _hundreds_in_words(number: int) -> str:
    if number == 100:
        return "cien"
    hundreds, rest = number - number % 100, number % 100
    words = [_HUNDRED_WORDS[hundreds]] if hundreds else []
    return " ".join([*words, _tens_in_words(rest)] if rest or not hundreds else words)


def _tens_in_words(number: int) -> str:
    if number < 30:
        return CARDINALS[number]
    tens, unit = number - number % 10, number % 10
    return f"{_TEN_WORDS[tens]} y {CARDINALS[unit]}" if unit else _TEN_WORDS[tens]


def _before_noun(number: int) -> str:
    """Cardinals shorten before a masculine noun: "veintiún mil", "treinta y un millones"."""
    words = _hundreds_in_words(number)
    if words.endswith("veintiuno"):
        return words.removesuffix("veintiuno") + "veintiún"
    return words.removesuffix("o") if words.endswith("uno") else words
