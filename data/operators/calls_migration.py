"""Call records of versions before, written anew: a small head, and each turn beside it (data.call_items).

What is in the old form is saved to a file first, whole, and then written anew, one record at a time, each on the
condition that nobody has changed it in between. So servers may go on meanwhile, a run that was stopped is simply run
again (with another file), and no table is held in memory. A rollback puts each saved item back where nobody has written
to it since.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path

from data import callbacks
from data.backends.base import ConditionFailed, Delete, Item, Put, Version
from data.backends.encoding import decode, encode
from data.call_items import FIRST, HEAD, LAST, call_id_of, to_call, to_head
from data.errors import DataError, Malformed
from data.models import CallRecord
from data.store import Store
from data.tables import TableName

FORMAT = {"format": 1, "holds": "call records in the old form"}
_AT_ONCE = 16
_TRANSACTION = 100  # writes: DynamoDB's limit

Told = Callable[[int], None]  # so many more are done


class CallsMigrationError(DataError):
    """Nothing was done with the file, or not all of it; the text says which."""


@dataclass(slots=True)
class Report:
    """How many records of each kind, and by their keys those that need a look. Nothing personal."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def note(self, what: str, item: Item, *, bad: bool = False) -> None:
        self.counts[what] += 1
        if bad:
            self.bad.append(f"{item['PK']} {item['SK']}: {what}")


async def look(store: Store) -> Report:
    """What there is in the old form and in the new one; bad is what cannot be read."""
    report = Report()
    async for page in store.backend.scan(TableName.CALLS):
        for item in page:
            if (noun := _noun(item)) is None:
                continue
            form = "old" if _is_old(item) else "new"
            report.note(f"{noun} in the {form} form", item)
            if noun == "call" and _unreadable(item):
                report.note("head that cannot be read", item, bad=True)
    return report


async def save(store: Store, file: Path, told: Told = lambda more: None) -> int:
    """Write all that is in the old form to a new file, which is there when it is whole; return how many items. Raise
    CallsMigrationError if it exists: it may hold what another run has changed."""
    if await asyncio.to_thread(file.exists):
        raise CallsMigrationError(f"{file} exists already: name another file, and keep this one for its rollback")
    part, saved = file.with_name(f"{file.name}.part"), 0
    await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(part.unlink, missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
            await asyncio.to_thread(out.write, f"{json.dumps(FORMAT)}\n".encode())
            async for some in _old(store):
                await asyncio.to_thread(out.write, "".join(f"{encode(item)}\n" for item in some).encode())
                saved += len(some)
                told(len(some))
        raw.flush()
        os.fsync(raw.fileno())
    part.rename(file)
    return saved


async def migrate(store: Store, file: Path, told: Told = lambda more: None) -> Report:
    """Write anew what `save` has put into the file; bad is what could not be."""
    return await _with_each(_anew, store, file, told)


async def compare(store: Store, file: Path) -> Report:
    """What has become of what the file holds: bad is a record that nobody changed since, and that is another one."""
    return await _with_each(_compare, store, file)


async def rollback(store: Store, file: Path, told: Told = lambda more: None) -> Report:
    """Put back what the file holds, where nobody has written to it since; bad is what was left in the new form."""
    return await _with_each(_back, store, file, told)


async def _with_each(
    does: Callable[[Store, Item, Report], Awaitable[None]], store: Store, file: Path, told: Told = lambda more: None
) -> Report:
    report = Report()
    for some in batched(_saved(file), _AT_ONCE):
        await asyncio.gather(*(does(store, item, report) for item in some))
        told(len(some))
    return report


async def _anew(store: Store, item: Item, report: Report) -> None:
    if _noun(item) == "call-back":
        await _callback_anew(store, item, report)
        return
    try:
        done = await store.modernize_call(call_id_of(item))
    except Malformed:
        report.note("cannot be read, left as it was", item, bad=True)
    else:
        report.note("gone meanwhile" if done is None else "written anew", item)


async def _callback_anew(store: Store, item: Item, report: Report) -> None:
    version = int(item["version"])
    anew = {name: value for name, value in item.items() if name != "kind"}
    anew |= {"shard": callbacks.KIND, "version": version + 1}
    try:
        await store.backend.put(Put(TableName.CALLS, anew, Version(version)))
    except ConditionFailed:
        report.note("written anew by others, or gone meanwhile", item)
    else:
        report.note("written anew", item)


async def _compare(store: Store, item: Item, report: Report) -> None:
    now = await store.backend.get(TableName.CALLS, str(item["PK"]), str(item["SK"]))
    if now is None:
        report.note("gone since: erased or expired", item)
    elif _is_old(now):
        report.note("in the old form", item)
    elif int(now["version"]) > int(item.get("version", 0)) + 1:
        report.note("changed since, by calls", item)
    elif _noun(item) == "call" and await _record([item]) != await store.call(call_id_of(item)):
        report.note("another record than before", item, bad=True)
    else:
        report.note("as it was, in the new form", item)


async def _back(store: Store, item: Item, report: Report) -> None:
    key = str(item["PK"]), str(item["SK"])
    now = await store.backend.get(TableName.CALLS, *key)
    if now is None:
        report.note("gone since: erased or expired", item)
        return
    if now != item:
        try:
            await store.backend.put(Put(TableName.CALLS, item, Version(int(item.get("version", 0)) + 1)))
        except ConditionFailed:
            report.note("changed since, left in the new form", item, bad=True)
            return
    if _noun(item) == "call":
        beside = await store.backend.query(TableName.CALLS, key[0], low=FIRST, high=LAST)
        deletes = [Delete(TableName.CALLS, (key[0], each["SK"])) for each in beside if "resumed" in each]
        deletes = [each for each in deletes if each.key[1] != "STATE"]
        for some in batched(deletes, _TRANSACTION):
            await store.backend.transact(some)
    report.note("put back", item)


async def _old(store: Store) -> AsyncIterator[Sequence[Item]]:
    async for page in store.backend.scan(TableName.CALLS):
        if some := [item for item in page if _noun(item) and _is_old(item)]:
            yield some


def _saved(file: Path) -> Iterator[Item]:
    """Raise CallsMigrationError for a file that is none of ours, or damaged."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            if json.loads(next(lines, "null")) != FORMAT:
                raise CallsMigrationError(f"{file} is no file of this command")
            yield from map(decode, lines)
    except (OSError, EOFError, ValueError) as error:
        raise CallsMigrationError(f"{file} cannot be read: {type(error).__name__}") from error


def _noun(item: Item) -> str | None:
    if not str(item["PK"]).startswith("CALL#"):
        return None
    return {HEAD: "call", callbacks.SK: "call-back"}.get(str(item["SK"]))


def _is_old(item: Item) -> bool:
    return "shard" not in item


def _unreadable(item: Item) -> bool:
    try:
        to_head(item)
    except Malformed:
        return True
    return False


async def _record(items: Sequence[Item]) -> CallRecord | None:
    try:
        return await to_call(items)
    except Malformed:
        return None
