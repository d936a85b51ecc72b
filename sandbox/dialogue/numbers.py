"""Spanish cardinals, written: 21 -> "veintiuno".

Understanding numbers is `sandbox.dialogue.digits`' work.
"""

from __future__ import annotations

UNITS = (
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce",
    "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno",
    "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho",
    "veintinueve",
)  # fmt: skip
TENS = {
    30: "treinta",
    40: "cuarenta",
    50: "cincuenta",
    60: "sesenta",
    70: "setenta",
    80: "ochenta",
    90: "noventa",
}
HUNDREDS = {
    100: "ciento",
    200: "doscientos",
    300: "trescientos",
    400: "cuatrocientos",
    500: "quinientos",
    600: "seiscientos",
    700: "setecientos",
    800: "ochocientos",
    900: "novecientos",
}


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
    return f"{HUNDREDS[hundreds]} {_below_hundred(rest)}" if rest else HUNDREDS[hundreds]


def _below_hundred(number: int) -> str:
    if number < 30:
        return UNITS[number]
    tens, unit = number - number % 10, number % 10
    return f"{TENS[tens]} y {UNITS[unit]}" if unit else TENS[tens]


def _before_noun(number: int) -> str:
    """Cardinals shorten before a masculine noun: "veintiún mil", "treinta y un millones"."""
    words = _below_thousand(number)
    if words.endswith("veintiuno"):
        return words.removesuffix("veintiuno") + "veintiún"
    return words.removesuffix("o") if words.endswith("uno") else words
