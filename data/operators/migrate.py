"""From the original's items to ours, and from those of earlier versions: planned first, backed up, written, checked,
and undone if anything fails.

Run it while no server writes: undoing restores the backup, and with it whatever was written meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from common.spanish.names import doctor_key
from data.backends.base import Item
from data.call_items import HEAD, call_id_of
from data.errors import DataError, Malformed
from data.items import MOST_DIGITS, slot_items, to_appointment, to_order
from data.models import Appointment
from data.operators.backup import Progress, backup, digest, no_progress, restore
from data.operators.legacy_items import mend_appointment, mend_order
from data.records import APPOINTMENTS, ORDERS, RecordType
from data.references import PREFIX, reference_items, references
from data.store import Store
from data.tables import TTL_ATTRIBUTE, TableName

_CHUNK = 100


class MigrationFailed(DataError):
    """Nothing is changed: it was refused before the first write, or undone."""


@dataclass(slots=True)
class Plan:
    """What would be written, and a count of each kind of change for the report."""

    puts: dict[TableName, list[Item]] = field(default_factory=lambda: {table: [] for table in TableName})
    counts: Counter[str] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)  # keys and reasons; nothing personal

    @property
    def writes(self) -> int:
        return sum(map(len, self.puts.values()))

    def write(self, table: TableName, item: Item, *changes: str) -> None:
        self.puts[table].append(item)
        self.counts.update(changes)


@dataclass(frozen=True, slots=True)
class Migrated:
    plan: Plan
    backup: Path | None  # None when there was nothing to do


async def plan_migration(store: Store, now: datetime, dnis: Mapping[str, str] | None = None) -> Plan:
    """Look at everything and change nothing. `dnis` gives the DNI of orders by id."""
    plan = Plan()
    orders = await _items(store, TableName.ORDERS)
    appointments = await _items(store, TableName.APPOINTMENTS)
    _plan_orders(plan, orders, dnis or {})
    _plan_appointments(plan, appointments, now)
    await _plan_calls(plan, store)
    return plan


async def migrate(
    store: Store,
    now: datetime,
    backups: Path,
    dnis: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
) -> Migrated:
    """Do it. Raises MigrationFailed; then the store is as it was, or the text says which backup restores it."""
    plan = await plan_migration(store, now, dnis)
    if plan.malformed:
        raise MigrationFailed(f"{len(plan.malformed)} items cannot be mended: {'; '.join(plan.malformed[:20])}")
    if not plan.writes:
        return Migrated(plan, None)
    before = await digest(store)
    folder = backups / f"{now:%Y%m%dT%H%M%SZ}-before-migration"
    await backup(store, folder, now, progress)
    try:
        await _write(store, plan, progress)
        await _check(store, now, dnis)
    except BaseException as error:
        await _undo(store, folder, before, progress)
        raise MigrationFailed(f"undone after {type(error).__name__}; the store is as it was") from error
    return Migrated(plan, folder)


async def _write(store: Store, plan: Plan, progress: Progress) -> None:
    for table, items in plan.puts.items():
        for start in range(0, len(items), _CHUNK):
            chunk = items[start : start + _CHUNK]
            await store.backend.replace(table, chunk, [])
            progress(f"{table} migrated", len(chunk))


async def _check(store: Store, now: datetime, dnis: Mapping[str, str] | None) -> None:
    """Everything reads as ours, and a second run would find nothing to do."""
    left = await plan_migration(store, now, dnis)
    if left.writes or left.malformed:
        raise MigrationFailed("the migrated store still holds items of the original")


async def _undo(store: Store, folder: Path, before: str, progress: Progress) -> None:
    try:
        await restore(store, folder, progress)
        same = await digest(store) == before
    except DataError as error:
        raise MigrationFailed(f"could not be undone: run `carlos restore {folder}`") from error
    if not same:
        raise MigrationFailed(f"undoing left a difference: run `carlos restore {folder}`")


async def _items(store: Store, table: TableName) -> dict[tuple[str, str], Item]:
    return {(item["PK"], item["SK"]): item async for page in store.backend.scan(table) for item in page}


def _plan_orders(plan: Plan, items: Mapping[tuple[str, str], Item], dnis: Mapping[str, str]) -> None:
    highest = 0
    for item in items.values():
        if not ORDERS.owns(item):
            continue
        try:
            mended, changes = mend_order(item, dnis)
        except Malformed as error:
            plan.malformed.append(str(error))
            continue
        highest = max(highest, _number(mended["id"]))
        if changes:
            plan.write(TableName.ORDERS, mended, "orders changed", *(f"order: {each}" for each in changes))
        if not to_order(mended).dni:
            plan.counts["orders without a DNI (opened by name only)"] += 1
    _plan_counter(plan, ORDERS, items, highest)


def _plan_appointments(plan: Plan, items: Mapping[tuple[str, str], Item], now: datetime) -> None:
    mended_all: list[Appointment] = []
    for item in items.values():
        if not APPOINTMENTS.owns(item):
            continue
        try:
            mended, changes = mend_appointment(item)
        except Malformed as error:
            plan.malformed.append(str(error))
            continue
        mended_all.append(to_appointment(mended))
        if changes:
            names = (f"appointment: {each}" for each in changes)
            plan.write(TableName.APPOINTMENTS, mended, "appointments changed", *names)
    _plan_slots(plan, items, mended_all, now)
    _plan_doctors(plan, items, mended_all)
    highest = max((_number(appointment.id) for appointment in mended_all), default=0)
    _plan_counter(plan, APPOINTMENTS, items, highest)


def _plan_slots(
    plan: Plan, items: Mapping[tuple[str, str], Item], appointments: list[Appointment], now: datetime
) -> None:
    """Coming appointments take their doctors' time; where the original had sold it twice, the lower id has it."""
    taken = {key: str(item["appointmentId"]) for key, item in items.items() if key[0].startswith("SLOTS#")}
    for appointment in sorted(appointments, key=lambda each: _number(each.id)):
        if appointment.start < now:
            continue
        wanted = slot_items(appointment)
        if any(taken.get(key, appointment.id) != appointment.id for key in wanted):
            plan.counts["appointments that overlap another (kept; see `carlos doctor`)"] += 1
        missing = {key: item for key, item in wanted.items() if key not in taken}
        for key, item in missing.items():
            taken[key] = appointment.id
            plan.write(TableName.APPOINTMENTS, item)
        if missing:
            plan.counts["appointments that take their doctor's time"] += 1


def _plan_doctors(plan: Plan, items: Mapping[tuple[str, str], Item], appointments: list[Appointment]) -> None:
    known = {sk for pk, sk in items if pk == "DOCTORS"}
    for name in sorted({appointment.doctor_name for appointment in appointments}):
        if doctor_key(name) not in known:
            known.add(doctor_key(name))
            item = {"PK": "DOCTORS", "SK": doctor_key(name), "name": name}
            plan.write(TableName.APPOINTMENTS, item, "doctors listed")


async def _plan_calls(plan: Plan, store: Store) -> None:
    """Calls that earlier versions kept are filed under their customers (data.references)."""
    present: set[tuple[str, str]] = set()
    wanted: dict[tuple[str, str], Item] = {}
    async for page in store.backend.scan(TableName.CALLS):
        for item in page:
            if item["PK"].startswith(PREFIX):
                present.add((item["PK"], item["SK"]))
        heads = {call_id_of(item): item for item in page if item["SK"] == HEAD}
        found = await store.whole_calls(heads)
        for call in found.records:
            items = reference_items(call, references(call), int(heads[call.id][TTL_ATTRIBUTE]))
            wanted |= {(each["PK"], each["SK"]): each for each in items}
        if found.unreadable:
            plan.counts["calls that cannot be read (kept; see `carlos doctor`)"] += len(found.unreadable)
    for key, item in wanted.items():
        if key not in present:
            plan.write(TableName.CALLS, item, "calls filed under a customer")


def _plan_counter(
    plan: Plan, record_type: RecordType[Any], items: Mapping[tuple[str, str], Item], highest: int
) -> None:
    key = record_type.counter_key
    present = int(items.get((key, key), {"n": 0})["n"])
    if present < highest:
        plan.write(record_type.table, {"PK": key, "SK": key, "n": highest}, f"{record_type.table} counter raised")


def _number(record_id: str) -> int:
    return int(record_id) if record_id.isdecimal() and len(record_id) <= MOST_DIGITS else 0
