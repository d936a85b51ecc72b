"""What an operator wants to know of a store: does it answer, is it whole, what does it hold. Nothing personal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.times import BUENOS_AIRES
from data.backends.base import Item
from data.changes import slot_items
from data.errors import DataError, Malformed
from data.items import MOST_DIGITS, to_appointment, to_call, to_order
from data.models import Appointment, Order
from data.references import PREFIX, reference_items, references
from data.store import ERASED, Store
from data.tables import TTL_ATTRIBUTE, TableName

_SHOWN = 10
_KINDS = {"RECORD": "call", "STATE": "call state", "DONE": "receipt", "INTENT": "intent", "NONCE": "nonce"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `detail` names items by key at most."""

    what: str
    healthy: bool
    detail: str


async def examine(store: Store, now: datetime) -> list[Finding]:
    """Everything, connection first; what cannot be looked at is a finding too."""
    findings = [_zone(now)]
    try:
        checks = await store.backend.check()
        findings += [Finding(what, detail == "ok", detail) for what, detail in checks.items()]
        findings += await _contents(store, now)
    except DataError as error:
        findings.append(Finding("store", False, str(error)))
    return findings


async def _contents(store: Store, now: datetime) -> list[Finding]:
    addresses: list[str] = []
    orders, bad_orders, order_counter = await _orders(store, addresses)
    appointments, bad_appointments, appointment_counter, slots = await _appointments(store, addresses)
    kinds, bad_calls, expired, unfiled = await _calls(store, now)
    statuses = Counter(f"order {order.status}" for order in orders)
    statuses.update(f"appointment {appointment.status}" for appointment in appointments)
    without_dni = sum(not order.dni for order in orders)
    return [
        Finding("items", True, _counted(statuses + kinds) or "none"),
        Finding("orders without a DNI", True, str(without_dni)),
        Finding("expired items still stored", True, str(expired)),
        _listed("malformed items", [*bad_orders, *bad_appointments, *bad_calls]),
        _listed("e-mail addresses that are not found, until `carlos migrate`", addresses),
        _listed("calls that are not found by customer, until `carlos migrate`", unfiled),
        _counter("order counter", order_counter, [order.id for order in orders]),
        _counter("appointment counter", appointment_counter, [each.id for each in appointments]),
        *_slot_findings(appointments, slots, now),
    ]


async def _orders(store: Store, addresses: list[str]) -> tuple[list[Order], list[str], int]:
    """`addresses` gets the keys of records whose e-mail address is filed as nobody asks for it."""
    orders: list[Order] = []
    malformed: list[str] = []
    counter = 0
    async for page in store.backend.scan(TableName.ORDERS):
        for item in page:
            if item["PK"] == "COUNTER":
                counter = int(item["n"])
                continue
            try:
                order = to_order(item)
            except Malformed:
                malformed.append(item["PK"])
                continue
            orders.append(order)
            if order.customer_email != item["customerEmail"]:
                addresses.append(item["PK"])
    return orders, malformed, counter


async def _appointments(
    store: Store, addresses: list[str]
) -> tuple[list[Appointment], list[str], int, dict[tuple[str, str], str]]:
    appointments: list[Appointment] = []
    malformed: list[str] = []
    counter = 0
    slots: dict[tuple[str, str], str] = {}
    async for page in store.backend.scan(TableName.APPOINTMENTS):
        for item in page:
            match item["PK"].partition("#")[0]:
                case "COUNTER":
                    counter = int(item["n"])
                case "SLOTS":
                    slots[item["PK"], item["SK"]] = str(item["appointmentId"])
                case "DOCTORS":
                    pass
                case _:
                    try:
                        appointment = to_appointment(item)
                    except Malformed:
                        malformed.append(item["PK"])
                        continue
                    appointments.append(appointment)
                    if appointment.patient_email != item["patientEmail"]:
                        addresses.append(item["PK"])
    return appointments, malformed, counter, slots


async def _calls(store: Store, now: datetime) -> tuple[Counter[str], list[str], int, list[str]]:
    kinds: Counter[str] = Counter()
    filed: set[tuple[str, str]] = set()
    wanted: dict[tuple[str, str], str] = {}
    malformed: list[str] = []
    expired = 0
    async for page in store.backend.scan(TableName.CALLS):
        for item in page:
            kind = _kind(item)
            kinds[kind] += 1
            expired += item.get(TTL_ATTRIBUTE, now.timestamp()) < now.timestamp()
            if kind == "reference":
                filed.add((item["PK"], item["SK"]))
            if kind == "call":
                try:
                    call = to_call(item)
                except Malformed:
                    malformed.append(item["PK"])
                    continue
                names = references(call)
                wanted |= {(each["PK"], each["SK"]): item["PK"] for each in reference_items(call, names, 0)}
    unfiled = sorted({call_key for key, call_key in wanted.items() if key not in filed})
    return kinds, malformed, expired, unfiled


def _kind(item: Item) -> str:
    if item["PK"].startswith(PREFIX):
        return "reference"
    if item["PK"] == ERASED:
        return "erased call"
    sort = item["SK"].partition("#")[0]
    return _KINDS.get(sort, "failure count")


def _slot_findings(appointments: list[Appointment], slots: dict[tuple[str, str], str], now: datetime) -> list[Finding]:
    wanted = {key: each.id for each in appointments for key in slot_items(each)}
    coming = [each for each in appointments if each.start >= now]
    without = [
        f"APPOINTMENT#{each.id}" for each in coming if any(slots.get(key) != each.id for key in slot_items(each))
    ]
    orphans = sorted({f"APPOINTMENT#{holder}" for key, holder in slots.items() if key not in wanted})
    return [
        _listed("coming appointments without their time", without),
        _listed("time held for no appointment", orphans),
    ]


def _counter(what: str, counter: int, ids: list[str]) -> Finding:
    highest = max((int(each) for each in ids if each.isdecimal() and len(each) <= MOST_DIGITS), default=0)
    return Finding(what, counter >= highest, f"at {counter}, highest id {highest}")


def _listed(what: str, keys: list[str]) -> Finding:
    shown = ", ".join(keys[:_SHOWN]) + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
    return Finding(what, not keys, shown or "none")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _zone(now: datetime) -> Finding:
    local = now.astimezone(BUENOS_AIRES)
    right = local.utcoffset() == timedelta(hours=-3)
    return Finding("time zone", right, f"{local:%Y-%m-%d %H:%M} in Buenos Aires (UTC{local:%z})")
