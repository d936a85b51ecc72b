"""Days and times of day in the fewest words that a caller understands: "el lunes 30 a las 9 y media"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from common.spanish.wording import MONTHS, WEEKDAYS, listed
from common.times import BUENOS_AIRES

_MINUTES = {0: "", 15: " y cuarto", 30: " y media"}
_PARTS = (
    (20, " de la noche"),
    (13, " de la tarde"),
    (8, ""),
    (1, " de la mañana"),
    (0, " de la noche"),
)  # from an hour on


def hour(moment: datetime) -> str:
    """`las 9 y media`, `la 1 de la tarde`: from eight to one it goes without saying which half of the day it is."""
    local = moment.astimezone(BUENOS_AIRES)
    on_the_face = local.hour % 12 or 12
    article = "la" if on_the_face == 1 else "las"
    minutes = _MINUTES.get(local.minute, f" y {local.minute}")
    part = next(part for first, part in _PARTS if local.hour >= first)
    return f"{article} {on_the_face}{minutes}{part}"


def near_day(day: date, today: date) -> str:
    """`hoy`, `mañana`, `el lunes 30`, `el martes 1 de diciembre`, `el viernes 1 de enero de 2027`."""
    ahead = day - today
    if timedelta() <= ahead <= timedelta(days=1):
        return "mañana" if ahead else "hoy"
    said = f"el {WEEKDAYS[day.weekday()]} {day.day}"
    if (day.year, day.month) != (today.year, today.month):
        said += f" de {MONTHS[day.month - 1]}"
    return said if day.year == today.year else f"{said} de {day.year}"


def near_times(moments: Sequence[datetime], now: datetime) -> str:
    """Times to choose from, in order: `el lunes 30 a las 9, a las 9 y media o a las 11`."""
    today = now.astimezone(BUENOS_AIRES).date()
    said: list[str] = []
    for day, times in groupby(moments, key=lambda moment: moment.astimezone(BUENOS_AIRES).date()):
        first, *others = [f"a {hour(moment)}" for moment in times]
        said += [f"{near_day(day, today)} {first}", *others]
    return listed(said, "o")
