"""The REST application on an empty store of each kind, and on a seeded one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from data.open import open_sqlite
from data.store import Store
from tests.api.rest_stage import Rest, seeded, serving
from tests.support.clocks import Clock


@pytest.fixture
async def rest(store: Store, tmp_path: Path, clock: Clock) -> AsyncIterator[Rest]:
    """The demo's records, on each store."""
    await seeded(store, clock)
    async with serving(store, tmp_path, clock) as made:
        yield made


@pytest.fixture
async def quick_rest(tmp_path: Path, clock: Clock) -> AsyncIterator[Rest]:
    """The same on SQLite only, for what no store has a part in."""
    store = await open_sqlite(tmp_path / "carlos.db", clock)
    try:
        await seeded(store, clock)
        async with serving(store, tmp_path, clock) as made:
            yield made
    finally:
        await store.close()
