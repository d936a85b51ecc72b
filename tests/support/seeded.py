"""The sample records of a day in a store, without the hundred requests that `seed` makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from data.backends.base import Item
from data.backends.sqlite import SqliteBackend
from data.kept_facts import SAMPLE
from data.operators.seed import seed
from data.store import Store
from data.tables import TableName

_seeded: dict[date, Mapping[TableName, Sequence[Item]]] = {}  # items, as `seed` wrote them into an empty store


async def fill(store: Store, today: date) -> Store:
    """Return the store, which was empty, with what `seed` puts into one. For tests of something else."""
    if today not in _seeded:
        _seeded[today] = await _items(today)
    for table, items in _seeded[today].items():
        await store.backend.replace(table, items, [])
    if (await store.facts_text())[1] is None:  # beside a SQLite file the facts are a file
        await store.save_facts(SAMPLE.read_text(encoding="utf-8"), None)
    return store


async def _items(today: date) -> Mapping[TableName, Sequence[Item]]:
    with TemporaryDirectory() as folder:
        store = Store(await SqliteBackend.open(Path(folder) / "seeded.db"))
        try:
            await seed(store, today)
            return {table: [item async for page in store.backend.scan(table) for item in page] for table in TableName}
        finally:
            await store.close()
