"""What a store is built on: items in three tables, and transactions of conditional writes.

Two backends exist, SQLite and DynamoDB. Everything that gives items a meaning is written once above them, in
`data.store`, so the two cannot come to differ in a rule; what remains of difference is tested by one suite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from data.errors import DataError
from data.tables import TableName

# Attribute values are str, int, Decimal, bool, list and dict, as DynamoDB has them; None is left out.
Item = dict[str, Any]
type Key = tuple[str, str]  # PK and SK


@dataclass(frozen=True, slots=True)
class Absent:
    """No such item."""


@dataclass(frozen=True, slots=True)
class Version:
    """The item exists with this version; 0 means that it has none (the original's items)."""

    number: int


@dataclass(frozen=True, slots=True)
class HeldBy:
    """No such item, or it belongs to this appointment already."""

    appointment_id: str


@dataclass(frozen=True, slots=True)
class NotLater:
    """No such item, or one of this part of a call (how often it had been resumed) or of an earlier one."""

    resumed: int


Condition = Absent | Version | HeldBy | NotLater


@dataclass(frozen=True, slots=True)
class Put:
    table: TableName
    item: Item
    when: Condition | None = None

    @property
    def key(self) -> Key:
        return self.item["PK"], self.item["SK"]


@dataclass(frozen=True, slots=True)
class Delete:
    table: TableName
    key: Key
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """Add to whole numbers of an item, which is made where it is not there; `expires` in epoch seconds."""

    table: TableName
    key: Key
    amounts: Mapping[str, int]
    expires: int
    when: None = None


Write = Put | Delete | Add


class ConditionFailed(DataError):
    """Nothing was written, because the conditions at these positions of the transaction did not hold."""

    def __init__(self, positions: frozenset[int]) -> None:
        super().__init__(f"conditions {sorted(positions)} did not hold")
        self.positions = positions


class Backend(Protocol):
    """Every method may raise `Unavailable`; then a write may or may not have happened."""

    name: str

    async def get(self, table: TableName, pk: str, sk: str) -> Item | None:
        """Read what was last written."""
        ...

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        """Read what was last written under each key, in their order; None for what is not there."""
        ...

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
        """Items with this hash key, by sort key, both bounds inclusive. An index may lag behind writes; one with keys
        only gives no more than the keys, its own and the table's."""
        ...

    async def put(self, put: Put) -> None:
        """Write one item, at half of a transaction's price. Raise ConditionFailed, and that, where an answer was lost
        and the write was tried again, also for what this very write has done: for writes that can tell."""
        ...

    async def transact(self, writes: Sequence[Write]) -> None:
        """Do all of it or nothing (ConditionFailed). At most 100 writes, one to each item."""
        ...

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        """Add to the item's number `n` atomically and return it; a retry after a time-out may add twice."""
        ...

    def scan(self, table: TableName) -> AsyncIterator[Sequence[Item]]:
        """Every item, in pages: for operators only."""
        ...

    async def count(self, table: TableName) -> int:
        """How many items there are; on DynamoDB about, as it counted them some hours ago. For operators only."""
        ...

    async def replace(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        """Write and delete without conditions, in as many steps as it takes: for operators only."""
        ...

    async def check(self) -> Mapping[str, str]:
        """Connection, permissions, keys and indexes: what was looked at -> "ok" or what is wrong."""
        ...

    async def close(self) -> None: ...
