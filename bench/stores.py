"""Fresh, empty stores of both kinds, for the contract suite and the races."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from common.times import Clock, utcnow
from data.backends.dynamo import DynamoBackend
from data.open import open_sqlite
from data.records import TABLES
from data.store import Store
from data.tables import TTL_ATTRIBUTE, TableName, create_request
from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION


@asynccontextmanager
async def fresh_sqlite(folder: Path, clock: Clock = utcnow) -> AsyncIterator[Store]:
    store = await open_sqlite(folder / f"{uuid.uuid4().hex}.db", clock)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def fresh_dynamodb(endpoint: str, clock: Clock = utcnow) -> AsyncIterator[Store]:
    """New tables on a local AWS at `endpoint`."""
    backend = await DynamoBackend.open(
        fresh_tables(), region=REGION, endpoint=endpoint, credentials=CREDENTIALS, timeout_s=HANG_S
    )
    await asyncio.to_thread(_create_tables, backend)
    store = Store(backend, clock)
    try:
        yield store
    finally:
        await store.close()


def _create_tables(backend: DynamoBackend) -> None:
    """A local AWS has them at once, and nobody need wait. Items expire by the store's clock: the service's own sweep is
    off, or it would delete those of a clock that is behind it, in the middle of a test."""
    for table in TABLES.values():
        name = backend.tables[table.name]
        backend.client.create_table(**create_request(table, name))
        if table.has_ttl:
            backend.client.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"Enabled": False, "AttributeName": TTL_ATTRIBUTE}
            )


def fresh_tables() -> dict[TableName, str]:
    prefix = uuid.uuid4().hex[:12]
    return {table: f"{prefix}-{table}" for table in TableName}
