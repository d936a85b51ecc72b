"""The days that Carlos reads off instead of working them out.

Source: AWS's prompting guide for Nova 2.5 Sonic, rule 31: a table of weekdays and dates makes fewer mistakes than the
model's own arithmetic.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from common.spanish.wording import WEEKDAYS

DAYS = 28  # today among them

_WEEKS = ("Esta semana", "La semana que viene", "En dos semanas", "En tres semanas", "En cuatro semanas")
_NAMES = ("hoy", "mañana", "pasado mañana")


def calendar(today: date) -> list[str]:
    """Return the next `DAYS` days, a line for each week from Monday to Sunday."""
    monday = today - timedelta(days=today.weekday())
    days = (today + timedelta(days=ahead) for ahead in range(DAYS))
    weeks = groupby(days, key=lambda day: (day - monday).days // 7)
    return [f"{_WEEKS[week]}: {', '.join(_day(day, today) for day in each)}." for week, each in weeks]


def _day(day: date, today: date) -> str:
    ahead = (day - today).days
    name = f" ({_NAMES[ahead]})" if ahead < len(_NAMES) else ""
    return f"{WEEKDAYS[day.weekday()]} {day.isoformat()}{name}"
