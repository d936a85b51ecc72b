"""Argentina's national holidays, from `holidays.yaml`, which says what is law in them and what is not covered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("holidays.yaml")
_TO_MONDAY = (0, -1, -2, 4, 3, 0, 0)  # days, by weekday: article 6; the law leaves weekends alone


@cache
def national_holidays(year: int) -> Mapping[date, str]:
    """Return the holidays that are kept in a year, with their names."""
    rules = _rules()
    days = {_day(year, each): name for each, name in rules["fixed"].items()}
    moved = {date.fromisoformat(day): date.fromisoformat(to) for day, to in rules["moved"].items()}
    for each, name in rules["movable"].items():
        day = _day(year, each)
        days[moved.get(day) or day + timedelta(days=_TO_MONDAY[day.weekday()])] = name
    for distance, name in rules["easter"].items():
        days[easter(year) + timedelta(days=int(distance))] = name
    return dict(sorted(days.items()))


def easter(year: int) -> date:
    """Return Easter Sunday of a Gregorian year: Meeus, Astronomical Algorithms, chapter 8."""
    century, in_century = divmod(year, 100)
    moon = year % 19
    epact = (19 * moon + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (moon + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _day(year: int, month_and_day: str) -> date:
    return date.fromisoformat(f"{year:04}-{month_and_day}")


@cache
def _rules() -> dict[str, dict[str, str]]:
    return dict(yaml.load(_FILE.read_text(encoding="utf-8"), yaml.BaseLoader))  # noqa: S506 - texts alone
