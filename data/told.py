"""The facts of a business as callers hear them."""

from __future__ import annotations

from itertools import groupby

from common.spanish.wording import WEEKDAYS, listed
from data.opening import Day, Week


def hour_told(minutes: int) -> str:
    """`8`, `12:30`"""
    return f"{minutes // 60}:{minutes % 60:02d}" if minutes % 60 else str(minutes // 60)


def hours_told(hours: Day) -> str:
    """`de 8 a 12:30 y de 16 a 20`"""
    return listed([f"de {hour_told(each.opens)} a {hour_told(each.closes)}" for each in hours])


def week_told(week: Week) -> str:
    """`de lunes a viernes de 8 a 20 y los sábados de 9 a 13`; empty for a week that is closed."""
    runs = [(hours, [number for number, _ in days]) for hours, days in groupby(enumerate(week), key=lambda day: day[1])]
    return listed([f"{_days(days)} {hours_told(hours)}" for hours, days in runs if hours]) if any(week) else ""


def _days(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"los {plural(first)}" if first == last else f"de {WEEKDAYS[first]} a {WEEKDAYS[last]}"


def plural(weekday: int) -> str:
    """`lunes`, `domingos`"""
    name = WEEKDAYS[weekday]
    return name if name.endswith("s") else f"{name}s"
