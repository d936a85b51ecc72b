"""Spanish cardinals, written: 21 -> "veintiuno".

Understanding numbers is `sandbox.dialogue.digits`' work.
"""

from __future__ import annotations

from common.spanish.numbers import CARDINALS, HUNDREDS, TENS

_TENS = {value: word for word, value in TENS.items()}
_HUNDREDS = {value: word for word, value in HUNDREDS.items()}


def spell(number: int) -> str:
    """The cardinal of 0 to 999,999,999 as it is read aloud; ValueError outside of that."""
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
        parts.append(_below_thousand(units))
    return " ".join(parts)


def _below_thousand(number: int) -> str:
    if number == 100:
        return "cien"
    hundreds, rest = number - number % 100, number % 100
    if not hundreds:
        return _below_hundred(rest)
    return f"{_HUNDREDS[hundreds]} {_below_hundred(rest)}" if rest else _HUNDREDS[hundreds]


def _below_hundred(number: int) -> str:
    if number < 30:
        return CARDINALS[number]
    tens, unit = number - number % 10, number % 10
    return f"{_TENS[tens]} y {CARDINALS[unit]}" if unit else _TENS[tens]


def _before_noun(number: int) -> str:
    """Cardinals shorten before a masculine noun: "veintiún mil", "treinta y un millones"."""
    words = _below_thousand(number)
    if words.endswith("veintiuno"):
        return words.removesuffix("veintiuno") + "veintiún"
    return words.removesuffix("o") if words.endswith("uno") else words
