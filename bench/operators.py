"""`python -m bench.operators --items 200000`: what operators' commands cost on a store of that size.

Half of the items are orders, half appointments, as the original wrote them, one in a thousand of them beyond mending.
Each step is done by a process of its own, so that its peak of memory is its own. Prints a line for each step; the last
line is one JSON object. `--dynamodb` takes a local AWS instead of SQLite: its times are not DynamoDB's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from bench.stores import fresh_tables
from common.times import BUENOS_AIRES, to_iso, utcnow
from data.backends.base import Item
from data.backends.dynamo import DynamoBackend
from data.open import SQLITE_FILE, open_dynamodb, open_sqlite
from data.operators.backup import backup, digest, restore
from data.operators.check import examine
from data.operators.migrate import migrate, plan_migration
from data.store import Store
from data.tables import TableName
from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION, ministack

DOCTORS = 40
BAD_EVERY = 1000
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is; `endpoint` None for SQLite."""

    folder: Path
    items: int
    endpoint: str | None
    tables: dict[TableName, str]

    async def open(self) -> Store:
        if self.endpoint is None:
            return await open_sqlite(self.folder / SQLITE_FILE)
        return await open_dynamodb(
            self.tables, region=REGION, endpoint=self.endpoint, credentials=CREDENTIALS, timeout_s=HANG_S
        )


type Step = Callable[[Store, Place], Coroutine[Any, Any, object]]


async def _fill(store: Store, place: Place) -> None:
    if isinstance(store.backend, DynamoBackend):
        await store.backend.create_tables()
    for table, items in (
        (TableName.ORDERS, _orders(place.items // 2)),
        (TableName.APPOINTMENTS, _appointments(place.items - place.items // 2)),
    ):
        for chunk in batched(items, _CHUNK):
            await store.backend.replace(table, chunk, [])


def _orders(count: int) -> Iterator[Item]:
    for number in range(1, count + 1):
        key = f"ORDER#{number}"
        line = {"id": "1", "name": "Mouse", "quantity": 2, "price": 30, "description": "Óptico"}
        yield {
            "PK": key, "SK": key, "GSI1PK": "x", "id": str(number), "customerName": "María González",
            "customerEmail": f"Customer{number % 9973}@email.com", "items": [line] * 2, "total": 120,
            "status": "perdido" if number % BAD_EVERY == 0 else "pending",
            "createdAt": "2025-07-15T10:30:00.000-03:00", "updatedAt": "2025-07-15T10:30:00.000-03:00",
        }  # fmt: skip


def _appointments(count: int) -> Iterator[Item]:
    """Every second one is to come, and takes its doctor's time."""
    first = datetime.now(BUENOS_AIRES).replace(hour=8, minute=0, second=0, microsecond=0)
    for number in range(1, count + 1):
        key, (slot, doctor) = f"APPOINTMENT#{number}", divmod(number, DOCTORS)
        start = first + timedelta(minutes=30 * (slot - count // DOCTORS // 2))
        yield {
            "PK": key, "SK": key, "GSI1PK": "x", "id": str(number), "patientName": "Juan Pérez",
            "patientEmail": f"Patient{number % 9973}@email.com", "doctorName": f"Dra. Ana López {doctor}",
            "date": to_iso(start), "duration": 600 if number % BAD_EVERY == 0 else 30, "type": "consultation",
            "notes": "Control", "status": "scheduled",
        }  # fmt: skip


async def _migrated(store: Store, place: Place) -> None:
    await migrate(store, utcnow(), place.folder / "backups", quarantine=place.folder / "bad.jsonl")


STEPS: dict[str, Step] = {
    "fill": _fill,
    "migrate --dry-run": lambda store, place: plan_migration(store, utcnow()),
    "migrate --quarantine": _migrated,
    "doctor": lambda store, place: examine(store, utcnow()),
    "digest": lambda store, place: digest(store),
    "backup": lambda store, place: backup(store, place.folder / "saved", utcnow()),
    "restore": lambda store, place: restore(store, place.folder / "saved"),
}


def _do(name: str, place: Place) -> dict[str, float]:
    """Run a step in this process, which does nothing else."""

    async def run() -> None:
        store = await place.open()
        try:
            await STEPS[name](store, place)
        finally:
            await store.close()

    began = monotonic()
    asyncio.run(run())
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(monotonic() - began, 1), "peak_rss_mb": round(peak_kb / 1024)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.operators", description=__doc__)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--dynamodb", action="store_true", help="on a local AWS")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="operators-")))
        endpoint = stack.enter_context(ministack("dynamodb")) if asked.dynamodb else None
        place = Place(folder, asked.items, endpoint, fresh_tables())
        figures: dict[str, dict[str, float]] = {}
        for name in STEPS:
            with multiprocessing.get_context("spawn").Pool(1) as alone:
                figures[name] = alone.apply(_do, (name, place))
            print(f"{name:22} {figures[name]['seconds']:8} s {figures[name]['peak_rss_mb']:6} MB", file=sys.stderr)
    store = "dynamodb" if asked.dynamodb else "sqlite"
    print(json.dumps({"store": store, "items": asked.items, "steps": figures}))


if __name__ == "__main__":
    main()
