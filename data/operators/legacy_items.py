"""The original's items, and what each of them needs to become one of ours: pure functions on items.

Each function returns the new item and the names of what was changed, for the report. What cannot be mended
raises `Malformed`; a missing DNI is taken from the operator's list, or stays missing and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from common.times import BUENOS_AIRES, to_iso
from data.backends.base import Item
from data.errors import Malformed
from data.items import amount, cents, number, to_appointment, to_order, whole
from data.models import AppointmentType, known_email

# The index keys that nothing reads, and the numbers of the original's own migration script.
_UNUSED = (
    "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "GSI3PK", "GSI3SK", "userOrderNumber", "userAppointmentNumber",
)  # fmt: skip


class _Mending:
    """An item being changed, and what was done to it."""

    def __init__(self, item: Item) -> None:
        self.item = dict(item)
        self.done: list[str] = []

    def put(self, name: str, value: Any, what: str) -> None:
        if value != self.item.get(name) or type(value) is not type(self.item.get(name)):
            self.item[name] = value
            self.done.append(what)

    def default(self, name: str, value: Any, what: str) -> None:
        if self.item.get(name) is None:
            self.put(name, value, what)

    def drop_unused(self) -> None:
        present = [name for name in _UNUSED if name in self.item]
        for name in present:
            del self.item[name]
        if present:
            self.done.append("index attributes removed")

    def drop_nulls(self) -> None:
        nulls = [name for name, value in self.item.items() if value is None]
        for name in nulls:
            del self.item[name]
        if nulls:
            self.done.append("null attributes removed")

    def date(self, name: str) -> None:
        if name in self.item:
            moment, what = _read_date(self.item[name])
            self.put(name, to_iso(moment), what)


def mend_order(item: Item, dnis: Mapping[str, str]) -> tuple[Item, tuple[str, ...]]:
    """Return an order as we keep it, and what was changed."""
    return _mended(item, lambda mending: _mend_order(mending, dnis), to_order)


def mend_appointment(item: Item) -> tuple[Item, tuple[str, ...]]:
    """Return an appointment as we keep it, and what was changed."""
    return _mended(item, _mend_appointment, to_appointment)


def _mended(
    item: Item, mend: Callable[[_Mending], None], check: Callable[[Item], object]
) -> tuple[Item, tuple[str, ...]]:
    mending = _Mending(item)
    try:
        mend(mending)
        check(mending.item)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{item['PK']}: {type(error).__name__}") from error
    except Malformed as error:
        raise Malformed(f"{item['PK']}: {error}") from error
    return mending.item, tuple(mending.done)


def _mend_order(mending: _Mending, dnis: Mapping[str, str]) -> None:
    mending.drop_unused()
    mending.drop_nulls()
    item = mending.item
    mending.default("updatedAt", item["createdAt"], "updatedAt added")
    for name in ("createdAt", "updatedAt", "estimatedDelivery"):
        mending.date(name)
    mending.put("customerEmail", known_email(item["customerEmail"]), "e-mail address in lower case")
    mending.put("items", [_mend_line(line) for line in item["items"]], "prices and quantities as numbers")
    total = sum(whole(line["quantity"]) * cents(line["price"]) for line in item["items"])
    if cents(item.get("total", 0)) != total:
        mending.put("total", _number(amount(total)), "total recomputed")
    mending.default("dni", dnis.get(item["id"]), "DNI added")
    if dni := mending.item.get("dni"):
        mending.put("dni", re.sub(r"\D", "", str(dni)) or None, "DNI in digits")
    mending.drop_nulls()
    mending.default("version", 1, "version added")


def _mend_appointment(mending: _Mending) -> None:
    mending.drop_unused()
    mending.drop_nulls()
    mending.date("date")
    mending.put("patientEmail", known_email(mending.item["patientEmail"]), "e-mail address in lower case")
    mending.default("duration", 30, "duration added")
    mending.put("duration", whole(mending.item["duration"]), "duration as a whole number")
    mending.default("type", AppointmentType.CONSULTATION.value, "type added")
    mending.default("notes", "", "notes added")
    mending.default("version", 1, "version added")


def _mend_line(line: Mapping[str, Any]) -> Item:
    """One product: the original took a missing price as 0 and a missing quantity as 1."""
    mended = {name: value for name, value in line.items() if value is not None}
    mended["price"] = _number(number(line.get("price") or 0))
    mended["quantity"] = whole(line.get("quantity") or 1)
    mended.setdefault("description", "")
    return mended


def _number(value: Decimal) -> int | Decimal:
    """Return a number as the store gives it back: whole numbers as int."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def _read_date(text: str) -> tuple[datetime, str]:
    """Every form that the original wrote: UTC, an offset, an offset and then a `Z` (its move tool), or neither."""
    if text.endswith("Z") and ("-" in text[11:] or "+" in text[11:]):
        return datetime.fromisoformat(text[:-1]), "date with offset and Z mended"
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=BUENOS_AIRES), "date without offset taken as Buenos Aires"
    return moment, "date to UTC"
