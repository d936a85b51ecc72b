"""From the original's items to ours, and from those of earlier versions: planned first, backed up, written, checked,
and undone if anything fails.

Everything is done item by item, in steps: to plan is to count them, to migrate is to do them. No table is held in
memory. Run it while no server writes: undoing restores the backup, and with it whatever was written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from common.spanish.names import doctor_key
from data.backends.base import Item
from data.bounds import ID_DIGITS
from data.call_items import HEAD, call_id_of
from data.errors import DataError
from data.items import MISSHAPEN, slot_items, to_appointment, whole
from data.operators.backup import backup, digest, restore
from data.operators.legacy_items import Unmendable, mend_appointment, mend_order
from data.operators.lines import from_line, to_line
from data.operators.progress import Progress, Total, no_progress, pages
from data.operators.quarantine import NONE_MENDED, BadItem, Mended, Quarantine
from data.operators.spool import Spool, joined
from data.records import APPOINTMENTS, ORDERS, RecordType
from data.references import PREFIX, reference_items, references
from data.store import Store
from data.tables import TTL_ATTRIBUTE, TableName

_CHUNK = 500
MOST_TOLD = 20  # bad items that a report names


class MigrationFailed(DataError):
    """Nothing is changed: it was refused before the first write, or undone."""


@dataclass(frozen=True, slots=True)
class Step:
    """An item to write, one to keep aside, or only something to tell; with what is said of it in the report."""

    table: TableName
    put: Item | None = None
    changes: tuple[str, ...] = ()
    bad: BadItem | None = None

    @property
    def writes(self) -> bool:
        return bool(self.put or self.bad)


@dataclass(slots=True)
class Plan:
    """What would be done: how many items would be written, a count of each kind of change, and those that cannot be
    mended, of which the first few are named."""

    writes: int = 0
    bad: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)  # keys, fields and reasons; nothing personal

    def add(self, step: Step) -> None:
        self.counts.update(step.changes)
        self.writes += step.put is not None
        if step.bad:
            self.bad += 1
            if len(self.malformed) < MOST_TOLD:
                self.malformed.append(f"{step.bad.table} {step.bad.item['PK']}: {'; '.join(step.bad.reasons)}")


@dataclass(frozen=True, slots=True)
class Migrated:
    plan: Plan
    backup: Path | None  # None when there was nothing to do


async def plan_migration(
    store: Store,
    now: datetime,
    dnis: Mapping[str, str] | None = None,
    mended: Mended = NONE_MENDED,
    progress: Progress = no_progress,
) -> Plan:
    """Look at everything and change nothing. `dnis` gives the DNI of orders by id."""
    plan = Plan()
    async for step in _steps(store, now, dnis or {}, mended, "looked at", progress):
        plan.add(step)
    return plan


async def migrate(
    store: Store,
    now: datetime,
    backups: Path,
    dnis: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
    *,
    quarantine: Path | None = None,
    mended: Mended = NONE_MENDED,
    plan: Plan | None = None,
) -> Migrated:
    """Do it, as a `plan` of the store as it is now says, or one that is made here.

    Items that cannot be mended go from their tables into the file `quarantine`; without one nothing is done if there
    are any. Raises MigrationFailed; then the store is as it was, or the text says which backup restores it.
    """
    plan = plan or await plan_migration(store, now, dnis, mended, progress)
    if plan.bad and quarantine is None:
        rest = f", and {plan.bad - len(plan.malformed)} more" if plan.bad > len(plan.malformed) else ""
        raise MigrationFailed(f"{plan.bad} items cannot be mended: {'; '.join(plan.malformed)}{rest}")
    if not (plan.writes or plan.bad):
        return Migrated(plan, None)
    aside = Quarantine(quarantine) if quarantine and plan.bad else None
    try:
        folder = await _migrate(store, now, backups, dnis or {}, mended, plan, aside, progress)
    except BaseException:
        if aside:
            aside.discard()
        raise
    if aside:
        aside.close()
    return Migrated(plan, folder)


async def _migrate(
    store: Store,
    now: datetime,
    backups: Path,
    dnis: Mapping[str, str],
    mended: Mended,
    plan: Plan,
    aside: Quarantine | None,
    progress: Progress,
) -> Path:
    """Return the folder of the backup."""
    before = await digest(store, progress)
    folder = await asyncio.to_thread(_new_folder, backups, f"{now:%Y%m%dT%H%M%SZ}-before-migration")
    await backup(store, folder, now, progress)
    try:
        await _write(store, _steps(store, now, dnis, mended, "gone through", progress), plan, aside, progress)
        await _check(store, now, dnis)
    except BaseException as error:
        await _undo(store, folder, before, progress)
        raise MigrationFailed(f"undone after {type(error).__name__}; the store is as it was") from error
    return folder


def _new_folder(parent: Path, name: str) -> Path:
    """One that is not there yet: of two migrations in one second, each has its own."""
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(parent / each for each in names if not (parent / each).exists())


async def _write(
    store: Store, steps: AsyncIterator[Step], plan: Plan, aside: Quarantine | None, progress: Progress
) -> None:
    total = Total(plan.writes + plan.bad)
    batch: list[Step] = []

    async def do() -> None:
        if batch:
            await _do(store, batch, aside)
            progress("items migrated", len(batch), total)
            batch.clear()

    async for step in steps:
        if step.writes:
            if len(batch) == _CHUNK or (batch and batch[0].table is not step.table):
                await do()
            batch.append(step)
    await do()


async def _do(store: Store, batch: Sequence[Step], aside: Quarantine | None) -> None:
    """What leaves its table is in the file before."""
    bad = [step.bad for step in batch if step.bad]
    if bad and not aside:
        raise MigrationFailed("items have become unmendable meanwhile")
    if bad and aside:
        aside.keep(bad)
    puts = [step.put for step in batch if step.put]
    await store.backend.replace(batch[0].table, puts, [each.key for each in bad if each.is_stored])


async def _check(store: Store, now: datetime, dnis: Mapping[str, str] | None) -> None:
    """Everything reads as ours, and a second run would find nothing to do."""
    left = await plan_migration(store, now, dnis)
    if left.writes or left.bad:
        raise MigrationFailed("the migrated store still holds items of the original")


async def _undo(store: Store, folder: Path, before: str, progress: Progress) -> None:
    try:
        await restore(store, folder, progress)
        same = await digest(store) == before
    except DataError as error:
        raise MigrationFailed(f"could not be undone: run `carlos restore {folder}`") from error
    if not same:
        raise MigrationFailed(f"undoing left a difference: run `carlos restore {folder}`")


async def _steps(
    store: Store, now: datetime, dnis: Mapping[str, str], mended: Mended, done: str, progress: Progress
) -> AsyncIterator[Step]:
    async for step in _order_steps(store, dnis, mended, done, progress):
        yield step
    async for step in _appointment_steps(store, now, mended, done, progress):
        yield step
    async for step in _call_steps(store, done, progress):
        yield step


@dataclass(slots=True)
class _Ids:
    """The highest id that is in use, kept aside ones included, and the counter as it stands."""

    record_type: RecordType[Any]
    highest: int = 0
    counter: int = 0

    def learn(self, item: Item) -> None:
        if self.record_type.owns(item):
            self.highest = max(self.highest, _number(str(item["PK"]).removeprefix(self.record_type.prefix)))
        elif item["PK"] == self.record_type.counter_key:
            try:
                self.counter = whole(item["n"])
            except MISSHAPEN:
                self.counter = 0

    def steps(self) -> Iterator[Step]:
        if self.counter < self.highest:
            key, table = self.record_type.counter_key, self.record_type.table
            yield Step(table, {"PK": key, "SK": key, "n": self.highest}, (f"{table} counter raised",))


async def _order_steps(
    store: Store, dnis: Mapping[str, str], mended: Mended, done: str, progress: Progress
) -> AsyncIterator[Step]:
    ids = _Ids(ORDERS)
    async for item, is_new in _items(store, TableName.ORDERS, mended, done, progress):
        ids.learn(item)
        if not ORDERS.owns(item):
            continue
        try:
            order, changes = mend_order(item, dnis)
            await _require_free(store, TableName.ORDERS, item, is_new)
        except Unmendable as error:
            yield Step(TableName.ORDERS, bad=BadItem(TableName.ORDERS, item, error.reasons, not is_new))
            continue
        yield _changed(TableName.ORDERS, "order", order, changes, is_new)
        if not order.get("dni"):
            yield Step(TableName.ORDERS, changes=("orders without a DNI (opened by name only)",))
    for step in ids.steps():
        yield step


async def _appointment_steps(
    store: Store, now: datetime, mended: Mended, done: str, progress: Progress
) -> AsyncIterator[Step]:
    table, ids = TableName.APPOINTMENTS, _Ids(APPOINTMENTS)
    listed: set[str] = set()
    doctors: dict[str, str] = {}
    with Spool() as taken, Spool() as coming:
        async for item, is_new in _items(store, table, mended, done, progress):
            ids.learn(item)
            if str(item["PK"]).startswith("SLOTS#"):
                taken[joined(item["PK"], item["SK"])] = str(item.get("appointmentId"))
            if item["PK"] == "DOCTORS":
                listed.add(item["SK"])
            if not APPOINTMENTS.owns(item):
                continue
            try:
                made, changes = mend_appointment(item)
                await _require_free(store, table, item, is_new)
            except Unmendable as error:
                yield Step(table, bad=BadItem(table, item, error.reasons, not is_new))
                continue
            appointment = to_appointment(made)
            doctor = doctor_key(appointment.doctor_name)
            doctors[doctor] = min(appointment.doctor_name, doctors.get(doctor, appointment.doctor_name))
            if appointment.start >= now and appointment.is_active:
                coming[f"{_number(appointment.id):0{ID_DIGITS}}"] = to_line(made)
            yield _changed(table, "appointment", made, changes, is_new)
        for step in _slot_steps(taken, coming):
            yield step
    for key in sorted(doctors.keys() - listed):
        yield Step(table, {"PK": "DOCTORS", "SK": key, "name": doctors[key]}, ("doctors listed",))
    for step in ids.steps():
        yield step


def _slot_steps(taken: Spool, coming: Spool) -> Iterator[Step]:
    """Coming appointments take their doctors' time; where the original had sold it twice, the lower id has it."""
    for _, line in coming.items():
        appointment = to_appointment(from_line(line))
        wanted = slot_items(appointment)
        holders = {key: taken.get(joined(*key)) for key in wanted}
        if any(holder not in (None, appointment.id) for holder in holders.values()):
            yield _told("appointments that overlap another (kept; see `carlos doctor`)")
        missing = [key for key, holder in holders.items() if holder is None]
        for key in missing:
            taken[joined(*key)] = appointment.id
            yield Step(TableName.APPOINTMENTS, wanted[key])
        if missing:
            yield _told("appointments that take their doctor's time")


async def _call_steps(store: Store, done: str, progress: Progress) -> AsyncIterator[Step]:
    """Calls that earlier versions kept are filed under their customers (data.references)."""
    with Spool() as present, Spool() as wanted:
        async for page in pages(store, TableName.CALLS, done, progress):
            for item in page:
                if str(item["PK"]).startswith(PREFIX):
                    present[joined(item["PK"], item["SK"])] = ""
            heads = {call_id_of(item): item for item in page if item["SK"] == HEAD}
            read = await store.whole_calls(heads)
            for _ in read.unreadable:
                yield Step(TableName.CALLS, changes=("calls that cannot be read (kept; see `carlos doctor`)",))
            for call in read.records:
                for each in reference_items(call, references(call), whole(heads[call.id][TTL_ATTRIBUTE])):
                    wanted[joined(each["PK"], each["SK"])] = to_line(each)
        for key, line in wanted.items():
            if key not in present:
                yield Step(TableName.CALLS, from_line(line), ("calls filed under a customer",))


async def _items(
    store: Store, table: TableName, mended: Mended, done: str, progress: Progress
) -> AsyncIterator[tuple[Item, bool]]:
    """Those of a table, and after them those that are new to it."""
    async for page in pages(store, table, done, progress):
        for item in page:
            yield item, False
    for item in mended.items(table):
        yield item, True


async def _require_free(store: Store, table: TableName, item: Item, is_new: bool) -> None:
    """Raise Unmendable for an item that would overwrite another."""
    if is_new and await store.backend.get(table, item["PK"], item["SK"]):
        raise Unmendable(item["PK"], ["id: there is another item under it"])


def _changed(table: TableName, noun: str, item: Item, changes: Sequence[str], is_new: bool) -> Step:
    told = (f"{noun}: {each}" for each in changes)
    if is_new:
        return Step(table, item, (f"{table} put back", *told))
    return Step(table, item, (f"{table} changed", *told)) if changes else Step(table)


def _told(what: str) -> Step:
    return Step(TableName.APPOINTMENTS, changes=(what,))


def _number(record_id: str) -> int:
    """0 for an id that the counter does not know of."""
    return int(record_id) if record_id.isdecimal() and len(record_id) <= ID_DIGITS else 0
