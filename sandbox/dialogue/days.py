"""Days of the calendar in a heard sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from common.spanish.names import plain
from common.spanish.wording import MONTHS, WEEKDAYS
from sandbox.dialogue.digits import read_group
from sandbox.dialogue.hours import BEFORE_HALF, is_hour
from sandbox.dialogue.words import Word, has_phrase, key_at, snap

_WEEKDAYS = [plain(day) for day in WEEKDAYS]
_MONTHS = [plain(month) for month in MONTHS]
_NOT_WEEKDAYS = frozenset({"marta", "martin", "partes", "marzo"})
_NEXT_WEEK = ("semana que viene", "proxima semana", "semana proxima", "otra semana")
_DAYS_IN = {"dia": 1, "dias": 1, "semana": 7, "semanas": 7}

# The day that was read, None when it contradicts itself, and the index of the word after it.
Hit = tuple[date | None, int]


def day_at(words: Sequence[Word], at: int, today: date, *, asked: bool = False) -> Hit | None:
    """The day that is said from the word `at` on; `asked` makes a bare "el 15" one too."""
    return (
        _relative(words, at, today)
        or _written(words, at, today)
        or _weekday(words, at, today)
        or _of_month(words, at, today)
        or _ahead(words, at, today)
        or _bare(words, at, today, asked)
    )


def _relative(words: Sequence[Word], at: int, today: date) -> Hit | None:
    key = key_at(words, at)
    if key == "pasado" and key_at(words, at + 1) == "manana":
        ahead, end = 2, at + 2
    elif key == "hoy" or (key == "manana" and not _is_half_of_day(words, at)):
        ahead, end = int(key == "manana"), at + 1
    else:
        return None
    day = today + timedelta(days=ahead)
    index = _weekday_index(key_at(words, end))
    if index is None:
        return day, end
    return (day if day.weekday() == index else None), end + 1


def _is_half_of_day(words: Sequence[Word], at: int) -> bool:
    """ "a la mañana" and "de mañana" are the half of a day, not the day after."""
    before = key_at(words, at - 1)
    return key_at(words, at - 2) in BEFORE_HALF if before == "la" else before == "de" and at > 1


def _written(words: Sequence[Word], at: int, today: date) -> Hit | None:
    key = key_at(words, at)
    if iso := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", key):
        return _make(int(iso[1]), int(iso[2]), int(iso[3])), at + 1
    if short := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", key):
        return _coming(today, int(short[1]), int(short[2]), int(short[3]) if short[3] else None), at + 1
    return None


def _weekday_index(key: str) -> int | None:
    name = None if key in _NOT_WEEKDAYS else snap(key, _WEEKDAYS, shortest=5)
    return _WEEKDAYS.index(name) if name else None


def _weekday(words: Sequence[Word], at: int, today: date) -> Hit | None:
    index = _weekday_index(key_at(words, at))
    if index is None:
        return None
    numbered = _of_month(words, at + 1, today) or _number_after_weekday(words, at + 1, today)
    if numbered:
        day, end = numbered
        return (day if day and day.weekday() == index else None), end
    if has_phrase((word.key for word in words), _NEXT_WEEK):
        return today + timedelta(days=7 - today.weekday() + index), at + 1
    return today + timedelta(days=(index - today.weekday() - 1) % 7 + 1), at + 1


def _number_after_weekday(words: Sequence[Word], at: int, today: date) -> Hit | None:
    number = read_group(words, at)
    if number is None or not 1 <= number[0] <= 31 or is_hour(words, number[1]):
        return None
    return _coming(today, number[0]), number[1]


def _of_month(words: Sequence[Word], at: int, today: date) -> Hit | None:
    """ "15 de marzo", "primero de diciembre de 2026"."""
    number = (1, at + 1) if key_at(words, at) == "primero" else read_group(words, at)
    if number is None or key_at(words, number[1]) not in ("de", "del"):
        return None
    end = number[1] + 1
    end += key_at(words, end) == "mes" and key_at(words, end + 1) == "de"
    month = snap(key_at(words, end), _MONTHS)
    if month is None:
        return None
    year = None
    after = end + 2 if key_at(words, end + 1) in ("de", "del") else end + 1
    if re.fullmatch(r"20\d\d", key_at(words, after)):
        year, end = int(key_at(words, after)), after
    return _coming(today, number[0], _MONTHS.index(month) + 1, year), end + 1


def _ahead(words: Sequence[Word], at: int, today: date) -> Hit | None:
    """ "en tres días", "dentro de una semana"."""
    if key_at(words, at) not in ("en", "dentro"):
        return None
    start = at + 2 if key_at(words, at + 1) == "de" else at + 1
    number = (1, start + 1) if key_at(words, start) in ("un", "una") else read_group(words, start)
    unit = _DAYS_IN.get(key_at(words, number[1])) if number else None
    if number is None or unit is None or number[0] > 366:
        return None
    return today + timedelta(days=number[0] * unit), number[1] + 1


def _bare(words: Sequence[Word], at: int, today: date, asked: bool) -> Hit | None:
    """ "el día 15", "para el 15", "al 15"; and "el 15" or "15" to the question for a day."""
    number = read_group(words, at)
    if number is None or not 1 <= number[0] <= 31 or is_hour(words, number[1]):
        return None
    before, earlier = key_at(words, at - 1), key_at(words, at - 2)
    if before in ("dia", "al") or (before == "el" and (asked or earlier == "para")) or (asked and at == 0):
        return _coming(today, number[0]), number[1]
    return None


def _coming(today: date, day: int, month: int | None = None, year: int | None = None) -> date | None:
    """The next day of that number; only one said with its year can lie in the past."""
    if year is not None:
        return _make(year, month or 0, day)
    for ahead in range(50):  # a 29th of February may be four years away
        index = today.month - 1 + ahead
        found = _make(today.year + index // 12, index % 12 + 1, day)
        if found and found >= today and month in (None, found.month):
            return found
    return None


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
