"""How many, and how long: "un par", "media docena", "dos unidades"; "una hora y media", "tres cuartos de hora"."""

from __future__ import annotations

import re

from common.spanish.names import plain
from common.spanish.numbers import numerals

LONGEST = 40  # characters

_COUNTS = {"par": 2, "docena": 12, "decena": 10}
_COUNTED = re.compile(
    r"(?P<half>media) docena|(?:(?P<times>\d{1,4}) )?(?P<noun>par|docena|decena)(?:es|s)?(?P<more> y media)?"
    r"|(?P<number>\d{1,9})(?:[.,]0)?"
)
_UNITS = re.compile(r" ?(?:unidad(?:es)?|u|de (?:esos|esas|cada uno|ellos|ellas))\.?$")
_LENGTH = re.compile(
    r"(?:(?P<hours>\d{1,2}) ?(?:h|hs|horas?)\b)?(?: ?(?:y )?(?:(?P<minutes>\d{1,3})(?: ?(?:minutos?|mins?|m|'))?"
    r"|(?P<part>media|1 cuarto|cuarto|3 cuartos)(?: de)?(?: hora)?))?|hora y (?P<over>media|cuarto)"
)
_PARTS = {"media": 30, "cuarto": 15, "1 cuarto": 15, "3 cuartos": 45}


def quantity_of(text: str) -> int | None:
    """Return the number of things, or None for what is no whole number of them."""
    if len(text) > LONGEST:
        return None
    match = _COUNTED.fullmatch(_UNITS.sub("", numerals(text).strip(" .")))
    if match is None:
        return None
    if match["half"]:
        return 6
    if noun := match["noun"]:
        return int(match["times"] or 1) * _COUNTS[noun] + (_COUNTS[noun] // 2 if match["more"] else 0)
    return int(match["number"])


def minutes_of(text: str) -> int | None:
    """Return a length of time in minutes, or None for what is none."""
    if len(text) > LONGEST:
        return None
    spaced = numerals(plain(text).replace("’", "'")).strip(" .")
    said = re.sub(r"(?<=\d)(?=h)|(?<=\dh)(?=\d)", " ", spaced)
    match = _LENGTH.fullmatch(said)
    if match is None or not said:
        return None
    part = match["part"] or match["over"]
    hours = int(match["hours"] or 0) + bool(match["over"])
    return 60 * hours + int(match["minutes"] or 0) + (_PARTS[part] if part else 0)
