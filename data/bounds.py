"""How long, how many and how much: the bounds of a record, the same for callers, for REST and for what is migrated.

`problems` names what is beyond them in a record that is there already. To read such a record is never refused: who has
it must be able to look at it, to correct it and to erase it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from common.masking import personal
from data.models import SLOT_MINUTES, Appointment, Order, OrderItem, Record

NAME_LIMIT, EMAIL_LIMIT, TEXT_LIMIT, NOTES_LIMIT = 80, 120, 120, 300  # characters
KEPT_NOTES_LIMIT = 10_000  # characters of notes and descriptions that are there already; new ones are shorter
ITEMS_LIMIT, QUANTITY_LIMIT, PRICE_LIMIT_CENTS = 20, 100, 100_000_000
ID_DIGITS = 7  # that a caller can be asked for
FIRST_YEAR, LAST_YEAR = 2000, 2200

# A change is one transaction of at most 100 writes (DynamoDB's TransactWriteItems): the record, two of its receipt, and
# one for each cell of the doctor's time, of which an appointment that begins off the grid touches one more. A receiver
# of webhooks takes one too (docs/webhooks.md, "Who sends").
MOST_CELLS = 100 - 3
MOST_MINUTES = (MOST_CELLS - 1) * SLOT_MINUTES

_ID = re.compile(rf"[1-9][0-9]{{0,{ID_DIGITS - 1}}}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHOWN = 40  # characters of a value in a reason


def problems(record: Record) -> list[str]:
    """What is beyond the bounds, each by the name of its stored field: `duration: 600, above 480 minutes`. Values that
    are personal are described, not shown. Types of records that are not known here have bounds on their ids alone."""
    return [*_of_id(record), *_of_record(record)]


def shown(field: str, value: Any) -> str:
    """A value as a reason may show it: bounded, on one line; where the field is personal, only what kind it is."""
    if personal(re.sub(r"\[.*", "", field)):
        return f"{_kind(value)} of {len(value)} characters" if isinstance(value, str) else _kind(value)
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}…"
    return str(value) if isinstance(value, bool | int | float | Decimal) else _kind(value)


def _of_id(record: Record) -> Iterator[str]:
    if not (isinstance(record.id, str) and _ID.fullmatch(record.id)):
        yield f"id: {shown('id', record.id)}, not a number of 1 to {ID_DIGITS} digits"


def _of_record(record: Record) -> Iterator[str]:
    match record:
        case Order():
            yield from _of_order(record)
        case Appointment():
            yield from _of_appointment(record)


def _of_order(order: Order) -> Iterator[str]:
    yield from _text("customerName", order.customer_name, NAME_LIMIT)
    yield from _email("customerEmail", order.customer_email)
    yield from _range("items", len(order.items), 1, ITEMS_LIMIT, "products")
    for number, item in enumerate(order.items[:ITEMS_LIMIT]):
        yield from _of_item(f"items[{number}]", item)
    for name, moment in (
        ("createdAt", order.created_at),
        ("updatedAt", order.updated_at),
        ("estimatedDelivery", order.estimated_delivery),
    ):
        yield from _year(name, moment)
    if order.tracking_number is not None:
        yield from _text("trackingNumber", order.tracking_number, TEXT_LIMIT)
    if order.dni is not None and not re.fullmatch(r"[0-9]{1,8}", str(order.dni)):
        yield f"dni: {shown('dni', order.dni)}, not one of up to 8 digits"


def _of_item(where: str, item: OrderItem) -> Iterator[str]:
    yield from _text(f"{where}.name", item.name, TEXT_LIMIT)
    yield from _range(f"{where}.quantity", item.quantity, 1, QUANTITY_LIMIT)
    yield from _range(f"{where}.price", item.price_cents / 100, 0, PRICE_LIMIT_CENTS // 100)
    yield from _text(f"{where}.description", item.description, KEPT_NOTES_LIMIT, blank=True)


def _of_appointment(appointment: Appointment) -> Iterator[str]:
    yield from _text("patientName", appointment.patient_name, NAME_LIMIT)
    yield from _email("patientEmail", appointment.patient_email)
    yield from _text("doctorName", appointment.doctor_name, NAME_LIMIT)
    yield from _year("date", appointment.start)
    yield from _range("duration", appointment.duration, 1, MOST_MINUTES, "minutes")
    yield from _text("notes", appointment.notes, KEPT_NOTES_LIMIT, blank=True)


def _text(field: str, value: object, limit: int, *, blank: bool = False) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{field}: {shown(field, value)}, not a text"
    elif len(value) > limit:
        yield f"{field}: {len(value)} characters, above {limit}"
    elif not (blank or value.strip()):
        yield f"{field}: blank"
    elif _UNPRINTABLE.search(value):
        yield f"{field}: holds characters that cannot be printed"


def _email(field: str, value: str) -> Iterator[str]:
    yield from _text(field, value, EMAIL_LIMIT)
    if value.strip() and not re.fullmatch(r"[^\s@]+@[^\s@]+", value):
        yield f"{field}: {shown(field, value)}, not an e-mail address"


def _range(field: str, value: float, least: int, most: int, unit: str = "") -> Iterator[str]:
    beyond = f"below {least}" if value < least else f"above {most}" if value > most else ""
    if beyond:
        yield f"{field}: {value:g}, {beyond}{f' {unit}' if unit else ''}"


def _year(field: str, moment: datetime | None) -> Iterator[str]:
    if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
        yield f"{field}: in the year {moment.year}, not between {FIRST_YEAR} and {LAST_YEAR}"


def _kind(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)


_KINDS: dict[type, str] = {
    str: "a text",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    bool: "a truth value",
    dict: "a map",
    list: "a list",
}
