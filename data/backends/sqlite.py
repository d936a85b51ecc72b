"""Items in one SQLite file: the embedded default.

One connection on one thread does all the work, so the event loop never waits for the disk and writes never
contend within the process; between processes `BEGIN IMMEDIATE` and the busy time-out keep the order. WAL with
`synchronous=FULL`: what a caller was told survives a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from common.times import Clock, utcnow
from data.backends.base import Absent, Add, Condition, ConditionFailed, HeldBy, Item, Key, NotLater, Put, Version, Write
from data.backends.encoding import decode, encode
from data.errors import Unavailable
from data.records import TABLES
from data.tables import PRIMARY, TTL_ATTRIBUTE, Index, TableName

BUSY_TIMEOUT_S = 2.0  # below a tool's time limit, so that a caller hears a refusal and not silence
_PAGE = 200
_PURGE_EVERY = 256  # transactions
_PURGED = 2 * _PURGE_EVERY  # items at a time: more than a call's writes leave behind


class SqliteBackend:
    """Made by `SqliteBackend.open`. Only one process should write steadily; a few may."""

    name = "sqlite"

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._transactions = 0
        self._db: sqlite3.Connection

    @classmethod
    async def open(cls, path: Path, clock: Clock = utcnow) -> SqliteBackend:
        """Open or create the file; its folder is made if missing. Unavailable if it cannot be."""
        backend = cls(path, clock)
        try:
            await backend._run(backend._connect)
        except Unavailable:
            backend._thread.shutdown()
            raise
        return backend

    async def get(self, table: TableName, pk: str, sk: str) -> Item | None:
        return await self._run(lambda: self._read(table, (pk, sk)))

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        return await self._run(lambda: [self._read(table, key) for key in keys])

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
        sql, arguments = _select(table, keys, value, low, high, descending, limit)
        names = [name for name in ("PK", "SK", keys.hash, keys.range) if name]

        def work() -> list[Item]:
            rows = self._db.execute(sql, arguments)
            return [dict(zip(names, row, strict=True)) if keys.keys_only else decode(row[0]) for row in rows]

        return await self._run(work)

    async def put(self, put: Put) -> None:
        await self.transact([put])

    async def transact(self, writes: Sequence[Write]) -> None:
        await self._run(lambda: self._transact(writes))

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        return await self._run(lambda: self._add(table, (pk, sk), amount, expires))

    async def scan(self, table: TableName) -> AsyncIterator[Sequence[Item]]:
        position = ("", "")
        while page := await self._run(lambda position=position: self._page(table, position)):  # type: ignore[misc]
            yield page
            position = (page[-1]["PK"], page[-1]["SK"])

    async def count(self, table: TableName) -> int:
        sql = f"SELECT COUNT(*) FROM {table}"  # noqa: S608 - an enum
        return await self._run(lambda: int(self._db.execute(sql).fetchone()[0]))

    async def replace(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        def work() -> None:
            with self._transaction():
                for key in deletes:
                    self._delete(table, key)
                for item in puts:
                    self._write(table, item)

        await self._run(work)

    async def check(self) -> Mapping[str, str]:
        def work() -> dict[str, str]:
            with self._transaction():
                writable = "ok"
            names = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
            wanted = {_index_name(table.name, index) for table in TABLES.values() for index in table.indexes}
            integrity = self._db.execute("PRAGMA quick_check").fetchone()[0]
            return {
                "connection": "ok",
                "write permission": writable,
                "file integrity": integrity,
                "indexes": "ok" if wanted <= names else f"missing: {', '.join(sorted(wanted - names))}",
            }

        return await self._run(work)

    async def close(self) -> None:
        await self._run(lambda: self._db.close())
        self._thread.shutdown()

    async def _run[T](self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError, RuntimeError) as error:
            raise Unavailable(f"sqlite: {type(error).__name__}") from error

    # On the thread.

    def _connect(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)  # it holds personal data; the WAL beside it gets the same mode
        self._db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.Error:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            known = dict(self._db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'").fetchall())
            for statement in _schema(known):
                self._db.execute(statement)
            self._purge()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _transact(self, writes: Sequence[Write]) -> None:
        with self._transaction():
            failed = frozenset(n for n, write in enumerate(writes) if not self._allows(write))
            if failed:
                raise ConditionFailed(failed)
            for write in writes:
                self._do(write)
            self._transactions += 1
            if self._transactions % _PURGE_EVERY == 0:
                self._purge()

    def _do(self, write: Write) -> None:
        match write:
            case Put():
                self._write(write.table, write.item)
            case Add():
                item = self._read(write.table, write.key) or {"PK": write.key[0], "SK": write.key[1]}
                sums = {name: int(item.get(name, 0)) + amount for name, amount in write.amounts.items()}
                self._write(write.table, item | sums | {TTL_ATTRIBUTE: write.expires})
            case _:
                self._delete(write.table, write.key)

    def _allows(self, write: Write) -> bool:
        return write.when is None or _holds(write.when, self._read(write.table, write.key))

    def _add(self, table: TableName, key: tuple[str, str], amount: int, expires: datetime | None) -> int:
        with self._transaction():
            item = self._read(table, key) or {"PK": key[0], "SK": key[1], "n": 0}
            item["n"] += amount
            if expires is not None:
                item[TTL_ATTRIBUTE] = int(expires.timestamp())
            self._write(table, item)
            return int(item["n"])

    def _read(self, table: TableName, key: tuple[str, str]) -> Item | None:
        row = self._db.execute(f"SELECT body FROM {table} WHERE pk = ? AND sk = ?", key).fetchone()  # noqa: S608 - an enum
        return decode(row[0]) if row else None

    def _write(self, table: TableName, item: Item) -> None:
        row = (item["PK"], item["SK"], encode(item), item.get(TTL_ATTRIBUTE))
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)", row)  # noqa: S608 - an enum

    def _delete(self, table: TableName, key: tuple[str, str]) -> None:
        self._db.execute(f"DELETE FROM {table} WHERE pk = ? AND sk = ?", key)  # noqa: S608 - an enum

    def _page(self, table: TableName, after: tuple[str, str]) -> list[Item]:
        sql = f"SELECT body FROM {table} WHERE (pk, sk) > (?, ?) ORDER BY pk, sk LIMIT {_PAGE}"  # noqa: S608 - an enum
        return [decode(row[0]) for row in self._db.execute(sql, after)]

    def _purge(self) -> None:
        """Delete what has expired, some of it at a time: whoever writes next waits for it."""
        table, now = TableName.CALLS, int(self._clock().timestamp())
        expired = f"SELECT pk, sk FROM {table} WHERE expires_at <= ? LIMIT {_PURGED}"  # noqa: S608 - an enum
        self._db.execute(f"DELETE FROM {table} WHERE (pk, sk) IN ({expired})", (now,))  # noqa: S608 - an enum


def _schema(known: Mapping[str, str | None]) -> Iterator[str]:
    """What makes the tables, and those of their indexes that are not `known` as they should be."""
    for table in TABLES.values():
        yield (
            f"CREATE TABLE IF NOT EXISTS {table.name} (pk TEXT NOT NULL, sk TEXT NOT NULL,"
            " body TEXT NOT NULL, expires_at INTEGER, PRIMARY KEY (pk, sk)) WITHOUT ROWID"
        )
        for index in table.indexes:
            columns = ", ".join(_column(index, name) for name in (index.hash, index.range) if name)
            # Only what has the key is in it, as in DynamoDB: most of a call's items are in none.
            where = f"{_column(index, index.hash)} IS NOT NULL"
            yield from _made(known, _index_name(table.name, index), f"{table.name} ({columns}) WHERE {where}")
        if table.has_ttl:
            yield from _made(known, f"{table.name}_expires", f"{table.name} (expires_at) WHERE expires_at IS NOT NULL")


def _made(known: Mapping[str, str | None], name: str, what: str) -> Iterator[str]:
    statement = f"CREATE INDEX {name} ON {what}"
    if known.get(name) != statement:
        yield f"DROP INDEX IF EXISTS {name}"
        yield statement


def _index_name(table: TableName, index: Index) -> str:
    return f"{table}_{index.name}"


def _column(index: Index, attribute: str) -> str:
    return attribute.lower() if index is PRIMARY else f"body ->> '{attribute}'"


def _select(
    table: TableName,
    keys: Index,
    value: str,
    low: str | None,
    high: str | None,
    descending: bool,
    limit: int | None,
) -> tuple[str, list[str | int]]:
    columns = [_column(keys, name) for name in (keys.hash, keys.range) if name]
    given = ", ".join(("pk", "sk", *columns)) if keys.keys_only else "body"
    sql = f"SELECT {given} FROM {table} WHERE {columns[0]} = ?"  # noqa: S608 - an enum
    bounds: list[str | int] = [value]
    if keys is not PRIMARY and keys.range:
        sql += f" AND {_column(keys, keys.range)} IS NOT NULL"  # as DynamoDB's: an item without the key is in no index
    for operator, bound in ((">=", low), ("<=", high)):
        if bound is not None and keys.range:
            sql += f" AND {_column(keys, keys.range)} {operator} ?"
            bounds.append(bound)
    if keys.range:
        sql += f" ORDER BY {_column(keys, keys.range)} {'DESC' if descending else 'ASC'}"
    if limit is not None:
        sql += " LIMIT ?"
        bounds.append(limit)
    return sql, bounds


def _holds(condition: Condition, item: Item | None) -> bool:
    match condition:
        case Absent():
            return item is None
        case Version(number):
            return item is not None and item.get("version", 0) == number
        case HeldBy(appointment_id):
            return item is None or item.get("appointmentId") == appointment_id
        case NotLater(resumed):
            return item is None or int(item.get("resumed", 0)) <= resumed
