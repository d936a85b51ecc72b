"""Make the tables in a local store, and the demo's records in them: what is there already is left as it is.

On AWS Terraform makes the tables. The store and the names of the tables are the settings'.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import tools.catalogue  # noqa: F401 - its tools may declare records
from common.settings import Settings
from common.times import BUENOS_AIRES
from data.backends.dynamo import DynamoBackend
from data.errors import Unavailable
from data.open import open_store
from data.operators.seed import seed

TRIES, PAUSE_S = 60, 1.0  # the store has just been started


async def make(backend: DynamoBackend) -> None:
    """Raises Unavailable when the store does not answer."""
    for _ in range(TRIES - 1):
        try:
            return await backend.create_tables()
        except Unavailable:
            await asyncio.sleep(PAUSE_S)
    await backend.create_tables()


async def main() -> None:
    settings = Settings()
    if settings.store != "dynamodb" or not settings.dynamodb_endpoint:
        raise SystemExit("this is for a local store: set STORE=dynamodb and DYNAMODB_ENDPOINT")
    store = await open_store(settings)
    try:
        assert isinstance(store.backend, DynamoBackend)  # noqa: S101 - the settings say so
        await make(store.backend)
        done = await seed(store, datetime.now(BUENOS_AIRES).date())
    finally:
        await store.close()
    print(f"tables are there; {done.added} records added, {done.kept} left as they were")


if __name__ == "__main__":
    asyncio.run(main())
