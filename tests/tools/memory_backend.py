"""A store's backend in dictionaries, for tests that ask it tens of thousands of times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from data.backends.base import Absent, Condition, ConditionFailed, HeldBy, Item, Key, Put, Version, Write
from data.records import TABLES
from data.tables import PRIMARY, Index, TableName


class MemoryBackend:
    name = "memory"

    def __init__(self) -> None:
        self._tables: dict[TableName, dict[str, dict[str, Item]]] = {name: {} for name in TableName}  # by PK and SK

    async def get(self, table: TableName, pk: str, sk: str) -> Item | None:
        return self._tables[table].get(pk, {}).get(sk)

    async def query(
        self,
        table: TableName,
        value: str,
        *,
        index: str | None = None,
        low: str | None = None,
        high: str | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        keys = TABLES[table].index(index) if index else PRIMARY
        sort = keys.range or ""
        found = [
            item
            for item in self._partition(table, keys, value)
            if sort in item and (low is None or item[sort] >= low) and (high is None or item[sort] <= high)
        ]
        return sorted(found, key=lambda item: str(item[sort]), reverse=descending)[:limit]

    async def transact(self, writes: Sequence[Write]) -> None:
        failed = frozenset(n for n, write in enumerate(writes) if not self._allows(write))
        if failed:
            raise ConditionFailed(failed)
        for write in writes:
            if isinstance(write, Put):
                self._put(write.table, write.item)
            else:
                self._delete(write.table, write.key)

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        item = await self.get(table, pk, sk)
        number = (item["n"] if item else 0) + amount
        self._put(table, {"PK": pk, "SK": sk, "n": number})
        return int(number)

    async def scan(self, table: TableName) -> AsyncIterator[Sequence[Item]]:
        yield [item for partition in self._tables[table].values() for item in partition.values()]

    async def replace(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        for key in deletes:
            self._delete(table, key)
        for item in puts:
            self._put(table, item)

    async def check(self) -> Mapping[str, str]:
        return {}

    async def close(self) -> None:
        pass

    def _partition(self, table: TableName, keys: Index, value: str) -> list[Item]:
        if keys is PRIMARY:
            return list(self._tables[table].get(value, {}).values())
        return [
            item for items in self._tables[table].values() for item in items.values() if item.get(keys.hash) == value
        ]

    def _put(self, table: TableName, item: Item) -> None:
        self._tables[table].setdefault(item["PK"], {})[item["SK"]] = item

    def _delete(self, table: TableName, key: Key) -> None:
        self._tables[table].get(key[0], {}).pop(key[1], None)

    def _allows(self, write: Write) -> bool:
        return write.when is None or _holds(
            write.when, self._tables[write.table].get(write.key[0], {}).get(write.key[1])
        )


def _holds(condition: Condition, item: Item | None) -> bool:
    match condition:
        case Absent():
            return item is None
        case Version(number):
            return item is not None and item.get("version", 0) == number
        case HeldBy(appointment_id):
            return item is None or item.get("appointmentId") == appointment_id
