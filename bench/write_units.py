"""`python -m bench.write_units`: what a call's record costs to keep, in DynamoDB's write units.

The store is SQLite's; a meter before it counts as DynamoDB would bill the same writes on demand. A call is told to the
product's own record writer, event by event, each of them written before the next comes: what comes together in a real
call is one write, so this is the most. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from loguru import logger

from agent.answer_times import AnswerTime
from agent.playout import Played
from agent.record_writer import CallRecordWriter
from agent.sonic.events import Usage
from agent.transcript import CallTranscript
from bench.stores import fresh_sqlite
from common.times import utcnow
from data.backends.base import Backend, Item, Put, Write
from data.changes import receipt_writes
from data.models import Line
from data.records import TABLES
from data.store import IdempotencyRecord, Store
from data.tables import Index, TableName

UNIT_BYTES = 1024
HEARD = "Hola, quería saber si mi pedido ya salió para mi casa."
SAID = "Tu pedido uno está en camino y llega el jueves que viene. ¿Necesitás que te ayude con algo más?"
TOOLS = (
    ("consultarOrder", {"orderId": "1", "dni": "28456789"}, {"success": True, "order": {"id": "1", "total": 899.99}}),
    ("cancelarOrder", {"orderId": "1"}, {"success": False, "confirmation_required": True, "proposal": SAID}),
    ("cancelarOrder", {"orderId": "1"}, {"success": True, "orderId": "1", "message": "Pedido #1 cancelado"}),
)


class Metered:
    """A backend that adds up write units as DynamoDB does.

    A write is one unit for each KB of the item, the larger of before and after, begun ones whole; twice that in a
    transaction; a write whose condition fails is charged as well. Each index is written where an item comes into it,
    leaves it, or changes in what it projects: one unit for each KB, two writes where its key changes. Sources: Amazon
    DynamoDB Developer Guide, "DynamoDB on-demand capacity mode", "DynamoDB item sizes and formats" and "Using Global
    Secondary Indexes in DynamoDB: provisioned throughput considerations".
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.units = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    async def put(self, put: Put) -> None:
        await self._bill([put], self._backend.put, put, times=1)

    async def transact(self, writes: Sequence[Write]) -> None:
        await self._bill(writes, self._backend.transact, writes, times=2)

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        self.units += 1
        return await self._backend.add(table, pk, sk, amount, expires)

    async def _bill(self, writes: Sequence[Write], do: Any, *arguments: Any, times: int) -> None:
        before = [await self._backend.get(write.table, *write.key) for write in writes]
        after = [write.item if isinstance(write, Put) else None for write in writes]
        self.units += times * sum(max(_units(old), _units(new)) for old, new in zip(before, after, strict=True))
        await do(*arguments)
        for write, old, new in zip(writes, before, after, strict=True):
            self.units += sum(_index_units(index, old, new) for index in TABLES[write.table].indexes)


def _units(item: Item | None) -> int:
    return 1 if item is None else -(-_size(item) // UNIT_BYTES)


def _index_units(index: Index, old: Item | None, new: Item | None) -> int:
    was, becomes = _entry(index, old), _entry(index, new)
    if was == becomes:
        return 0
    if was is None or becomes is None:
        return _units(was or becomes)
    keys = [name for name in (index.hash, index.range) if name]
    if any(was[name] != becomes[name] for name in keys):
        return _units(was) + _units(becomes)
    return max(_units(was), _units(becomes))


def _entry(index: Index, item: Item | None) -> Item | None:
    """What the index has of an item."""
    keys = [name for name in (index.hash, index.range) if name]
    if item is None or any(name not in item for name in keys):
        return None
    return {name: item[name] for name in ("PK", "SK", *keys)} if index.keys_only else item


def _size(value: Any) -> int:
    """Bytes of a value, as the Developer Guide counts them."""
    match value:
        case bool() | None:
            return 1
        case str():
            return len(value.encode())
        case int() | Decimal():
            return len(str(value)) // 2 + 2
        case Mapping():
            return 3 + sum(len(name.encode()) + _size(each) + 1 for name, each in value.items())
        case _:
            return 3 + sum(_size(each) + 1 for each in value)


class _Tale:
    """One phone call, as its process tells it to the record."""

    def __init__(self, store: Store) -> None:
        self._store, self._writer = store, CallRecordWriter(store)
        self._log = CallTranscript("CA" + "0" * 32, Line.PHONE, "+5491155550100")
        self._memory: dict[str, Any] = {"identity": {"failures": 0, "proven": []}, "proposal": {}, "doubt": []}
        self._log.memory = lambda: dict(self._memory)
        self._answers = 0

    async def told(self, exchanges: int) -> None:
        """All of it: greeting, exchanges, of each eight three with a tool, one interruption, and the carrier's word."""
        log = self._log
        await self._store.consume_nonce("a stream's token", utcnow() + timedelta(minutes=1))
        log.note(process="ip-10-0-1-23.us-east-1.compute.internal:1")
        await self._changed()
        log.note(greeting_ms=640)
        await self._said()
        for number in range(exchanges):
            log.user_transcript(HEARD)
            await self._changed()
            if number % 8 in (2, 3, 4):
                await self._tool(*TOOLS[number % 8 - 2], number)
            await self._said(0.6 if number % 8 == 6 else 1.0)
        log.note(hung_up_by="caller")
        log.end("completed")
        await self._changed()
        facts = {"status": "completed", "duration_s": "180", "direction": "inbound"}
        await self._writer.carrier_said(log.id, log, "twilio", facts)
        await self._writer.settled()

    async def _changed(self) -> None:
        self._writer.changed(self._log)
        await self._writer.settled()

    async def _said(self, fraction: float = 1.0) -> None:
        self._answers += 1
        self._log.answered(AnswerTime(740, 720, 90))
        self._log.played(Played(self._answers, SAID, fraction, last=True))
        self._log.used(Usage(1200, 300, 900, 80, 1500, 980))
        if fraction < 1.0:
            self._log.interrupted()
        await self._changed()

    async def _tool(self, name: str, arguments: dict[str, Any], result: dict[str, Any], number: int) -> None:
        self._memory["identity"] = {"failures": 0, "proven": ["Order 1"]}
        self._memory["proposal"] = {"fingerprint": f"{name}:{number:032d}", "answer": None, "carried_out_as": None}
        if result.get("success") and name.startswith("cancelar"):
            intent = f"{name}:{number:032d}"
            receipt = IdempotencyRecord(self._log.id, f"use-{number}", intent, result, intent)
            await self._store.backend.transact(receipt_writes(receipt, utcnow() + timedelta(days=7)))
            self._memory["proposal"] = {}
        self._log.tool(name, f"use-{number}", arguments, result, ok=True, elapsed_ms=12)
        await self._changed()


async def units_of_a_call(store: Store, exchanges: int) -> int:
    """Tell a call to an empty store; return what its record, state, references, receipt and token cost."""
    metered = Metered(store.backend)
    store.backend = metered
    await _Tale(store).told(exchanges)
    return metered.units


@asynccontextmanager
async def _fresh() -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory(prefix="carlos-units-") as folder:
        async with fresh_sqlite(Path(folder)) as store:
            yield store


async def measure(exchanges: Sequence[int]) -> dict[str, int]:
    units = {}
    for number in exchanges:
        async with _fresh() as store:
            units[f"write_units_{number}_exchanges"] = await units_of_a_call(store, number)
    return units


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.write_units", description=__doc__)
    parser.add_argument("exchanges", type=int, nargs="*", default=[8, 80])
    logger.remove()
    print(json.dumps(asyncio.run(measure(parser.parse_args().exchanges))))


if __name__ == "__main__":
    main()
