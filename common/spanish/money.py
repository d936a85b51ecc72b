"""Amounts of pesos as Argentines write and say them.

    cents_of("$ 1.234,50"), cents_of("mil doscientos"), cents_of("dos mil quinientos con cincuenta")
    -> 123450, 120000, 250050

Points part the thousands and a comma the cents; a point before one or two figures is that of a model or a keyboard.
"1,234" may be either, and is none.
"""

from __future__ import annotations

import re

from common.spanish.names import plain
from common.spanish.numbers import numerals

LONGEST = 120  # characters

_WRITTEN = re.compile(
    r"(?P<grouped>[0-9]{1,3}(?:\.[0-9]{3})+)(?:,(?P<cents>[0-9]{1,2}))?"  # 1.234  1.234,50
    r"|(?P<english>[0-9]{1,3}(?:,[0-9]{3})+)\.(?P<hundredths>[0-9]{1,2})"  # 1,234.50
    r"|(?P<whole>[0-9]{1,9})(?:[.,](?P<rest>[0-9]{1,2}))?"  # 1234  1234,5  899.99
)
_SAID = re.compile(
    r"(?P<pesos>[0-9.,]+)(?: (?P<thousands>mil|lucas?))?(?P<half> y media)?(?: pesos?| mangos?)?"
    r"(?: con (?P<cents>\d{1,2})(?P<named> centavos?)?)?"
)
_ALONE = re.compile(r"^(?=lucas?\b)")
_SIGNS = re.compile(r"\$|\bars\b|\bpesos? argentinos?\b")


def cents_of(text: str) -> int | None:
    """Return the amount in cents, or None for what is none: another currency, a range, a price that is not clear."""
    if len(text) > LONGEST or re.search(r"(?i)u\$[sd]|us\$|r\$", text):
        return None
    said = " ".join(_SIGNS.sub(lambda sign: " pesos " if "peso" in sign[0] else " ", plain(text)).split())
    said = _ALONE.sub("1 ", said)  # "luca y media"
    match = _SAID.fullmatch(numerals(said) if re.search("[a-z]", said) else said)
    cents = _written(match["pesos"].rstrip(".,")) if match else None
    if match is None or cents is None:
        return None
    if match["thousands"]:
        cents = 1000 * cents + (50_000 if match["half"] else 0)
    elif match["half"]:
        return None
    if match["cents"] is None:
        return cents
    return _with_cents(cents, match["cents"], named=bool(match["named"]))


def _with_cents(cents: int, said: str, *, named: bool) -> int | None:
    """ "Con cincuenta", "con cinco centavos"; "con cinco" alone may be fifty."""
    return cents + int(said) if cents % 100 == 0 and (named or len(said) == 2) else None


def _written(text: str) -> int | None:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    whole = match["grouped"] or match["english"] or match["whole"]
    fraction = match["cents"] or match["hundredths"] or match["rest"] or ""
    return int(re.sub("[.,]", "", whole)) * 100 + int(fraction.ljust(2, "0"))
