"""How amounts and dates are put for a caller, in Argentine Spanish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.times import BUENOS_AIRES

WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip


def day(moment: datetime, now: datetime | None = None) -> str:
    """`viernes 27 de noviembre`, and `viernes 26 de noviembre de 2027` when that is not the year of `now`."""
    local = moment.astimezone(BUENOS_AIRES)
    said = f"{WEEKDAYS[local.weekday()]} {local.day} de {MONTHS[local.month - 1]}"
    this_year = now is None or now.astimezone(BUENOS_AIRES).year == local.year
    return said if this_year else f"{said} de {local.year}"


def day_and_time(moment: datetime, now: datetime | None = None) -> str:
    """`viernes 27 de noviembre a las 15:30`, with the year as in `day`"""
    return f"{day(moment, now)} a las {moment.astimezone(BUENOS_AIRES):%H:%M}"


def local_iso(moment: datetime | None) -> str | None:
    """Buenos Aires wall clock with its offset: a model that reads a UTC time aloud is three hours wrong."""
    return None if moment is None else moment.astimezone(BUENOS_AIRES).isoformat(timespec="seconds")


def money(cents: int) -> str:
    """`1239,98 pesos`"""
    whole, rest = divmod(cents, 100)
    return f"{whole},{rest:02d} pesos" if rest else f"{whole} pesos"


def listed(parts: Sequence[str], last: str = "y") -> str:
    """`a, b y c`"""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
