"""The sample records that each type of record declares and a sample business, put into a store."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from data.errors import Conflict, SlotTaken
from data.kept_facts import SAMPLE as SAMPLE_FACTS
from data.models import Record
from data.records import record_types
from data.samples import sample_appointments
from data.store import Change, Store


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many records were added, and how many were left alone: there already, or their time was taken."""

    added: int
    kept: int


async def seed(store: Store, today: date) -> Seeded:
    """Add what is missing and never overwrite. May be run any number of times."""
    records: list[Record] = []
    for each in record_types():
        samples = each.samples(today)
        await store.raise_counter(each.kind, len(samples))
        records += samples
    await _add_facts(store)
    for doctor in sorted({appointment.doctor_name for appointment in sample_appointments(today)}):
        await store.add_doctor(doctor)
    results = [await _add(store, record) for record in records]
    return Seeded(added=results.count(True), kept=results.count(False))


async def _add_facts(store: Store) -> None:
    """The sample business, where nothing is written down of one."""
    _, version = await store.facts_text()
    if version is None:
        with suppress(Conflict):  # somebody else's came first
            await store.save_facts(SAMPLE_FACTS.read_text(encoding="utf-8"), None)


async def _add(store: Store, record: Record) -> bool:
    try:
        await store.commit(Change(None, record), tell=False)
    except (Conflict, SlotTaken):
        return False
    return True
