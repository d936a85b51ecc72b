"""The original's items, and what each of them needs to become one of ours: pure functions on items.

Each function returns the new item and the names of what was changed, for the report. What cannot be mended raises
`Unmendable` with every reason, by field; a missing DNI is taken from the operator's list, or stays missing and is
counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from common.times import BUENOS_AIRES, to_iso
from data.backends.base import Item
from data.backends.encoding import encode
from data.bounds import problems, shown
from data.errors import Malformed
from data.items import amount, cents, number, whole
from data.models import AppointmentStatus, AppointmentType, OrderStatus, known_email
from data.records import APPOINTMENTS, ORDERS, RecordType

# The index keys that nothing reads, and the numbers of the original's own migration script.
_UNUSED = (
    "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "GSI3PK", "GSI3SK", "userOrderNumber", "userAppointmentNumber",
)  # fmt: skip


class Unmendable(Malformed):
    """`reasons` name the field and what is wrong with its value; of personal fields they show none."""

    def __init__(self, key: str, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(f"{key}: {'; '.join(self.reasons)}")


class _Mending:
    """An item being changed, what was done to it, and what of it cannot be mended."""

    def __init__(self, item: Item) -> None:
        self.item = dict(item)
        self.done: list[str] = []
        self.reasons: list[str] = []

    def put(self, name: str, value: Any, what: str) -> None:
        if value != self.item.get(name) or type(value) is not type(self.item.get(name)):
            self.item[name] = value
            self.done.append(what)

    def default(self, name: str, value: Any, what: str) -> None:
        if self.item.get(name) is None and value is not None:
            self.put(name, value, what)

    def read(self, name: str, reader: Callable[[Any], Any], what: str, *, optional: bool = False) -> None:
        """Put what the reader makes of a field's value; the ValueError that it raises is a reason."""
        if name not in self.item:
            if not optional:
                self.reasons.append(f"{name}: missing")
            return
        try:
            self.put(name, reader(self.item[name]), what)
        except ValueError as error:
            self.reasons.append(f"{name}: {shown(name, self.item[name])}, {error}")

    def date(self, name: str, *, optional: bool = False) -> None:
        _, what = _date_and_what(self.item.get(name))
        self.read(
            name, lambda value: _date_and_what(value)[0] or _refuse("not a date with a time"), what, optional=optional
        )

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

    def identify(self, record_type: RecordType[Any]) -> None:
        """The id is a text, and the one of the key."""
        key = (self.item["PK"], self.item["SK"])
        self.default("id", str(key[0]).removeprefix(record_type.prefix), "id added")
        self.read("id", _text_or_number, "id as text")
        if not self.reasons and record_type.key(self.item["id"]) != key:
            self.reasons.append(
                f"id: {shown('id', self.item['id'])}, not the one of the key {shown('PK', ' '.join(key))}"
            )


def mend_order(item: Item, dnis: Mapping[str, str]) -> tuple[Item, tuple[str, ...]]:
    """Return an order as we keep it, and what was changed."""
    return _mended(item, ORDERS, lambda mending: _mend_order(mending, dnis))


def mend_appointment(item: Item) -> tuple[Item, tuple[str, ...]]:
    """Return an appointment as we keep it, and what was changed."""
    return _mended(item, APPOINTMENTS, _mend_appointment)


def _mended(item: Item, record_type: RecordType[Any], mend: Callable[[_Mending], None]) -> tuple[Item, tuple[str, ...]]:
    mending = _Mending(item)
    mending.drop_unused()
    mending.drop_nulls()
    mending.identify(record_type)
    mend(mending)
    mending.default("version", 1, "version added")
    mending.read("version", _whole, "version as a whole number")
    reasons = mending.reasons or [*_unreadable(mending.item, record_type), *_unkept(mending.item)]
    if reasons:
        raise Unmendable(shown("PK", item["PK"]).strip("'"), reasons)
    return mending.item, tuple(mending.done)


def _mend_order(mending: _Mending, dnis: Mapping[str, str]) -> None:
    item = mending.item
    mending.default("updatedAt", item.get("createdAt"), "updatedAt added")
    mending.date("createdAt")
    mending.date("updatedAt")
    mending.date("estimatedDelivery", optional=True)
    mending.read("customerName", _text, "")
    mending.read("customerEmail", _email, "e-mail address in lower case")
    mending.read("status", _one_of(OrderStatus), "")
    mending.read("trackingNumber", _text_or_number, "tracking number as text", optional=True)
    _mend_items(mending)
    mending.default("dni", dnis.get(item["id"]) if isinstance(item["id"], str) else None, "DNI added")
    mending.read("dni", lambda value: re.sub(r"\D", "", _text_or_number(value)) or None, "DNI in digits", optional=True)
    mending.drop_nulls()


def _mend_items(mending: _Mending) -> None:
    """The products, and their total, which is always computed."""
    before = len(mending.reasons)
    lines = mending.item.get("items")
    if not isinstance(lines, list):
        mending.reasons.append("items: missing" if lines is None else f"items: {shown('items', lines)}, not a list")
        return
    mended = [_mend_line(mending, f"items[{place}]", line) for place, line in enumerate(lines)]
    if len(mending.reasons) > before:
        return
    mending.put("items", mended, "prices and quantities as numbers")
    total = sum(whole(line["quantity"]) * cents(line["price"]) for line in mended)
    if _cents(mending.item.get("total", 0)) != total:
        mending.put("total", _plain(amount(total)), "total recomputed")


def _mend_line(mending: _Mending, where: str, line: Any) -> Item:
    """One product: the original took a missing price as 0 and a missing quantity as 1."""
    if not isinstance(line, dict):
        mending.reasons.append(f"{where}: {shown(where, line)}, not a product")
        return {}
    one = _Mending({name: value for name, value in line.items() if value is not None})
    for name, missing in (("price", 0), ("quantity", 1)):
        if one.item.get(name) == "":
            del one.item[name]
        one.default(name, missing, "")
    one.default("description", "", "")
    one.read("name", _text, "")
    one.read("description", _text, "")
    one.read("id", _text_or_number, "", optional=True)
    one.read("price", _price, "")
    one.read("quantity", _whole, "")
    mending.reasons += [f"{where}.{reason}" for reason in one.reasons]
    return one.item


def _mend_appointment(mending: _Mending) -> None:
    for name, value in (("duration", 30), ("type", AppointmentType.CONSULTATION.value), ("notes", "")):
        mending.default(name, value, f"{name} added")
    mending.date("date")
    mending.read("patientName", _text, "")
    mending.read("patientEmail", _email, "e-mail address in lower case")
    mending.read("doctorName", _text, "")
    mending.read("duration", _whole, "duration as a whole number")
    mending.read("type", _one_of(AppointmentType), "")
    mending.read("status", _one_of(AppointmentStatus), "")
    mending.read("notes", _text, "")


def _unreadable(item: Item, record_type: RecordType[Any]) -> list[str]:
    """What keeps a mended item from being a record of ours: its bounds, or what nobody has thought of."""
    try:
        return problems(record_type.read(item))
    except Malformed as error:
        return [str(error)]


def _unkept(item: Item) -> list[str]:
    """Attributes, of whichever name, that our stores do not keep as they are: sets, binary values, long fractions."""
    try:
        encode(item)
    except (TypeError, ValueError):
        return [f"{name}: cannot be kept as it is" for name, value in item.items() if not _is_kept(value)]
    return []


def _is_kept(value: Any) -> bool:
    try:
        encode({"value": value})
    except (TypeError, ValueError):
        return False
    return True


# Readers of one field: the value as we keep it, or ValueError with what it is not.


def _refuse(what: str) -> Any:
    raise ValueError(what)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(_refuse("not a text"))


def _text_or_number(value: Any) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _email(value: Any) -> str:
    return known_email(_text(value))


def _one_of(kinds: type[StrEnum]) -> Callable[[Any], str]:
    known = [str(kind) for kind in kinds]

    def read(value: Any) -> str:
        return value if isinstance(value, str) and value in known else str(_refuse(f"none of {', '.join(known)}"))

    return read


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal) or value != value:
        raise ValueError("not a number")
    return number(value)


def _whole(value: Any) -> int:
    read = _number(value)
    return int(read) if read == read.to_integral_value() else int(_refuse("not a whole number"))


def _price(value: Any) -> int | Decimal:
    return _plain(_number(value))


def _cents(value: Any) -> int | None:
    """None for what is no amount."""
    try:
        return cents(_number(value))
    except ValueError:
        return None


def _plain(value: Decimal) -> int | Decimal:
    """Return a number as the store gives it back: whole numbers as int."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def _date_and_what(value: Any) -> tuple[str, str]:
    """A date as we keep it, and what was mended; two empty texts for what is no date.

    Every form that the original wrote: UTC, an offset, an offset and then a `Z` (its move tool), or neither.
    """
    if not isinstance(value, str):
        return "", ""
    try:
        if value.endswith("Z") and ("-" in value[11:] or "+" in value[11:]):
            return to_iso(datetime.fromisoformat(value[:-1])), "date with offset and Z mended"
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return to_iso(moment.replace(tzinfo=BUENOS_AIRES)), "date without offset taken as Buenos Aires"
        return to_iso(moment), "date to UTC"
    except (ValueError, OverflowError):
        return "", ""
