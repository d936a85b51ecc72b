"""A store's backend in memory that takes its time, counts what is written to which item, and can be away."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from data.backends.base import Absent, Add, Condition, ConditionFailed, HeldBy, Item, Key, NotLater, Put, Version, Write
from data.errors import Unavailable
from data.tables import TableName


class MemoryBackend:
    """data.backends.base.Backend, for one event loop. `latency_s` passes before an operation is done. What is in an
    item is not copied: nobody may change what he has written or read."""

    name = "memory"

    def __init__(self, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.is_away = False
        self.writes: Counter[Key] = Counter()  # that were tried: one that is refused is paid as well
        self.conflicts = 0
        self._items: dict[TableName, dict[str, dict[str, Item]]] = {table: defaultdict(dict) for table in TableName}

    async def get(self, table: TableName, pk: str, sk: str) -> Item | None:
        await self._answer()
        item = self._items[table][pk].get(sk)
        return dict(item) if item else None

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        return [await self.get(table, *key) for key in keys]

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
        if index is not None:
            raise NotImplementedError("no indexes here")
        await self._answer()
        found = self._items[table][value]
        keys = [sk for sk in sorted(found, reverse=descending) if (low or "") <= sk and (high is None or sk <= high)]
        return [dict(found[sk]) for sk in keys[:limit]]

    async def put(self, put: Put) -> None:
        await self.transact([put])

    async def transact(self, writes: Sequence[Write]) -> None:
        await self._answer()
        self.writes.update(write.key for write in writes)
        failed = frozenset(n for n, write in enumerate(writes) if not self._allows(write))
        if failed:
            self.conflicts += 1
            raise ConditionFailed(failed)
        for write in writes:
            pk, sk = write.key
            if isinstance(write, Put):
                self._items[write.table][pk][sk] = dict(write.item)
            elif isinstance(write, Add):
                item = self._items[write.table][pk].setdefault(sk, {"PK": pk, "SK": sk})
                item.update({name: item.get(name, 0) + amount for name, amount in write.amounts.items()})
            else:
                self._items[write.table][pk].pop(sk, None)

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        await self._answer()
        self.writes[pk, sk] += 1
        item = self._items[table][pk].setdefault(sk, {"PK": pk, "SK": sk, "n": 0})
        item["n"] += amount
        return int(item["n"])

    async def scan(self, table: TableName) -> AsyncIterator[Sequence[Item]]:
        await self._answer()
        yield [dict(item) for partition in self._items[table].values() for item in partition.values()]

    async def count(self, table: TableName) -> int:
        return sum(map(len, self._items[table].values()))

    async def replace(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        await self._answer()
        for pk, sk in deletes:
            self._items[table][pk].pop(sk, None)
        for item in puts:
            self._items[table][item["PK"]][item["SK"]] = dict(item)

    async def check(self) -> Mapping[str, str]:
        return {}

    async def close(self) -> None: ...

    async def _answer(self) -> None:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if self.is_away:
            raise Unavailable("memory: away")

    def _allows(self, write: Write) -> bool:
        pk, sk = write.key
        return write.when is None or _holds(write.when, self._items[write.table][pk].get(sk))


def _holds(condition: Condition, item: Item | None) -> bool:
    match condition:
        case Absent():
            return item is None
        case Version(number):
            return item is not None and item.get("version", 0) == number
        case HeldBy(appointment_id):
            return item is None or item.get("appointmentId") == appointment_id
        case NotLater(resumed):
            return item is None or item.get("resumed", 0) <= resumed
