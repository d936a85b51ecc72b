"""Fresh, empty stores of both kinds, for the contract suite and the races."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from common.times import Clock, utcnow
from data.backends.dynamo import DynamoBackend
from data.open import open_sqlite
from data.store import Store
from data.tables import TableName
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
    await backend.create_tables()
    store = Store(backend, clock)
    try:
        yield store
    finally:
        await store.close()


def fresh_tables() -> dict[TableName, str]:
    prefix = uuid.uuid4().hex[:12]
    return {table: f"{prefix}-{table}" for table in TableName}
