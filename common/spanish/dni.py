"""An Argentine DNI as it is said: seven or eight figures, grouped as one likes.

    dni_of("veintiocho punto cuatrocientos cincuenta y seis punto setecientos ochenta y nueve")  -> "28456789"
    dni_of("07.123.456")                                                                          -> "7123456"
    dni_of("28, 456, 78")                                                                         -> None

The last one may be 2.845.678 or, with a zero that nobody said, 28.456.078: it is to be asked for again.
"""

from __future__ import annotations

import re

from common.spanish.names import plain
from common.spanish.numbers import groups_of

LONGEST = 120  # characters

_BESIDE = re.compile(  # what is said between and around the figures
    r"\b(?:punto|coma|guion|barra|por favor|porfa|gracias|si|eh+|em+|mm+|ok|dale|anota|mio|mia|tengo|libreta|civica"
    r"|l\.?[ec])\b"
)
_WRITTEN = re.compile(r"\d+(?:[.,]\d+)+")
# How seven figures are grouped where none can be missing. Eight are all there are, so they may come as they like.
_SEVEN = frozenset(((7,), (1, 6), (1, 3, 3), (1, 2, 2, 2), (1,) * 7))


def dni_of(text: str) -> str | None:
    """Return the figures without leading zeros, or None for what is no DNI, or not surely this one."""
    if len(text) > LONGEST:
        return None
    said = _BESIDE.sub(" ", plain(text))
    if any(len(set(map(len, re.split("[.,]", each)[1:]))) > 1 for each in _WRITTEN.findall(said)):  # "28.456.78"
        return None
    groups = groups_of(said) or ()
    lengths = tuple(map(len, groups))
    if sum(lengths) != 8 and lengths not in _SEVEN:
        return None
    return "".join(groups).lstrip("0") or None


def same_dni(given: str, stored: str | None) -> bool:
    """True if both are DNIs, and the same one: a leading zero is written by some and left out by others."""
    dni = dni_of(given)
    return dni is not None and stored is not None and dni == dni_of(stored)
