"""How amounts, dates and states are put for a caller, in Argentine Spanish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from common.times import BUENOS_AIRES
from data.models import AppointmentStatus, AppointmentType, OrderStatus

WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip

ORDER_STATUS = {
    OrderStatus.PENDING: "pendiente",
    OrderStatus.PROCESSING: "en preparación",
    OrderStatus.SHIPPED: "enviado",
    OrderStatus.DELIVERED: "entregado",
    OrderStatus.CANCELLED: "cancelado",
}
APPOINTMENT_STATUS = {
    AppointmentStatus.SCHEDULED: "agendada",
    AppointmentStatus.CONFIRMED: "confirmada",
    AppointmentStatus.CANCELLED: "cancelada",
    AppointmentStatus.COMPLETED: "realizada",
}
APPOINTMENT_TYPE = {
    AppointmentType.CONSULTATION: "consulta",
    AppointmentType.FOLLOW_UP: "seguimiento",
    AppointmentType.EMERGENCY: "urgencia",
    AppointmentType.ROUTINE: "control de rutina",
}


def day(moment: datetime) -> str:
    """`viernes 27 de noviembre`"""
    local = moment.astimezone(BUENOS_AIRES)
    return f"{WEEKDAYS[local.weekday()]} {local.day} de {MONTHS[local.month - 1]}"


def day_and_time(moment: datetime) -> str:
    """`viernes 27 de noviembre a las 15:30`"""
    return f"{day(moment)} a las {moment.astimezone(BUENOS_AIRES):%H:%M}"


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


def clean(text: str, limit: int) -> str:
    """Stored text as data for the model: no control characters, one line, bounded."""
    line = " ".join(
        re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", " ", text).split()
    )
    return line if len(line) <= limit else line[: limit - 1] + "…"
