"""Hours of the day in a heard sentence: "a las tres y media de la tarde", "10:30", "15 hs"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time
from typing import Literal

from sandbox.dialogue.digits import read_group
from sandbox.dialogue.words import Word, key_at

Half = Literal["am", "noon", "pm", "night"]

_UNITS = frozenset({"hs", "h", "hora", "horas", "hrs"})
_HALVES: dict[str, Half] = {"manana": "am", "madrugada": "am", "tarde": "pm", "noche": "night"}
_SHORT: dict[str, Half] = {"am": "am", "a.m": "am", "pm": "pm", "p.m": "pm"}
BEFORE_HALF = frozenset({"de", "por", "a", "en"})  # "de la tarde", "a la mañana"
_BEFORE_ANSWER = frozenset({"", "las", "mejor", "no", "si", "perdon", "como", "tipo", "eso", "a", "y", "digo"})

# The hour that was read, None when there is no such hour, and the index of the word after it.
Hit = tuple[time | None, int]


def hour_at(words: Sequence[Word], at: int, *, asked: bool = False) -> Hit | None:
    """The hour that is said from the word `at` on; `asked` makes a bare "once" one too.

    With no half of the day said, one to seven are in the afternoon.
    """
    key = key_at(words, at)
    if key == "mediodia":
        return time(12), at + 1
    if clock := re.fullmatch(r"(\d{1,2})[:.](\d\d)", key):
        return _finish(words, int(clock[1]), int(clock[2]), at + 1)
    named = key_at(words, at - 1) in ("las", "la")
    number = _whole_hour(words, at, named)
    if number is None:
        return None
    minutes, end = _minutes(words, number[1])
    alone = asked and key_at(words, at - 1) in _BEFORE_ANSWER
    fraction = key_at(words, end - 1) in ("media", "cuarto")
    if not (named or alone or fraction or is_hour(words, end)):
        return None
    return _finish(words, number[0], minutes, end)


def is_hour(words: Sequence[Word], at: int) -> bool:
    """Whether what follows a number makes it an hour: "hs", "de la tarde", "y media"."""
    if key_at(words, at) == "y" and key_at(words, at + 1) in ("media", "cuarto"):
        return True
    return key_at(words, at) in _UNITS or _half(words, at)[0] is not None


def _whole_hour(words: Sequence[Word], at: int, named: bool) -> tuple[int, int] | None:
    key = key_at(words, at)
    if named and key == "una":
        return 1, at + 1
    if key in ("veinte", "20"):  # "veinte y cinco" is 20:05
        return 20, at + 1
    number = read_group(words, at)
    if number is None or number[0] > 24 or key_at(words, number[1]) in ("mil", "millones"):
        return None
    return number


def _minutes(words: Sequence[Word], at: int) -> tuple[int, int]:
    """Minutes after the hour, negative for "menos cuarto", and the index of the word after them."""
    sign = -1 if key_at(words, at) == "menos" else 1
    start = at + 1 if key_at(words, at) in ("y", "menos", "con") else at
    if start > at and key_at(words, start) in ("media", "cuarto"):
        return sign * (30 if key_at(words, start) == "media" else 15), start + 1
    number = read_group(words, start)
    if number is None or not (1 if start > at else 10) <= number[0] < 60:
        return 0, at
    # Whisper hears "y cuarto" as "y 4"; the hour is read back before anything is booked.
    minutes = 15 if start > at and number[0] == 4 else number[0]
    return sign * minutes, number[1] + (key_at(words, number[1]) == "minutos")


def _finish(words: Sequence[Word], hour: int, minutes: int, end: int) -> Hit:
    end += key_at(words, end) in _UNITS
    if key_at(words, end) == "en" and key_at(words, end + 1) == "punto":
        end += 2
    half, end = _half(words, end)
    half = half or _half_elsewhere(words)
    if (half in ("pm", "night") and hour < 12) or (half is None and 1 <= hour <= 7):
        hour += 12
    elif half == "night" and hour == 12:
        hour = 0
    total = hour * 60 + minutes
    return (time(total // 60 % 24, total % 60) if 0 <= total <= 24 * 60 and minutes < 60 else None), end


def _half(words: Sequence[Word], at: int) -> tuple[Half | None, int]:
    """ "de la tarde", "por la mañana", "pm"; and the index of the word after it."""
    key, after = key_at(words, at), key_at(words, at + 1)
    if key in _SHORT:
        return _SHORT[key], at + 1
    if key == "del" and after == "mediodia":
        return "noon", at + 2
    if key in BEFORE_HALF and after == "la" and key_at(words, at + 2) in _HALVES:
        return _HALVES[key_at(words, at + 2)], at + 3
    return None, at


def _half_elsewhere(words: Sequence[Word]) -> Half | None:
    """ "el jueves a la tarde, a las ocho"."""
    halves = (_half(words, at)[0] for at in range(len(words)))
    return next((half for half in halves if half), None)
