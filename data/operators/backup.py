"""All tables to compressed JSON lines and back, with a manifest that tells whether they are whole.

A backup is a folder: `<table>.jsonl.gz` for each table and `manifest.json` with counts and SHA-256 sums. It holds
personal data, so only its owner may read it.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import IO

from common.times import to_iso
from data.backends.base import Item
from data.errors import DataError
from data.operators.lines import canonical, from_line, to_line
from data.operators.progress import Progress, Total, no_progress, pages
from data.operators.spool import Spool, joined
from data.store import Store
from data.tables import TableName

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 500
_BITS = 512  # of the sum
_LEVEL = 6  # of gzip: 9 takes twice the time, and saves a hundredth


class BackupError(DataError):
    """The backup is not complete, or not one of ours."""


@dataclass(frozen=True, slots=True)
class Part:
    file: str
    items: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    format: int
    made_at: str
    store: str
    tables: dict[str, Part]

    @property
    def items(self) -> int:
        return sum(part.items for part in self.tables.values())


async def backup(store: Store, folder: Path, now: datetime, progress: Progress = no_progress) -> Manifest:
    """Write every item into a new `folder`. Raise BackupError if it exists already."""
    try:
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
    except FileExistsError as error:
        raise BackupError(f"{folder} exists already") from error
    parts = {table.value: await _save(store, table, folder, progress) for table in TableName}
    manifest = Manifest(FORMAT, to_iso(now), store.name, parts)
    text = json.dumps(asdict(manifest), indent=2)
    await asyncio.to_thread(_write_private, folder / MANIFEST, text.encode())
    return manifest


async def restore(store: Store, folder: Path, progress: Progress = no_progress) -> Manifest:
    """Make every table what it was. The whole backup is checked before anything is written; where it breaks off in
    between, it can be run again."""
    manifest = await asyncio.to_thread(verify, folder)
    for table in TableName:
        part = manifest.tables[table]
        await _load(store, table, folder / part.file, Total(part.items), progress)
    return manifest


def verify(folder: Path) -> Manifest:
    """Return the manifest of a backup that is complete. Raise BackupError."""
    try:
        raw = json.loads((folder / MANIFEST).read_text())
        parts = {name: Part(**part) for name, part in raw["tables"].items()}
        manifest = Manifest(raw["format"], raw["made_at"], raw["store"], parts)
        if manifest.format != FORMAT or set(parts) != set(TableName):
            raise BackupError(f"{folder} is not a backup of this version")
        for part in parts.values():
            if _sum(folder / part.file) != part.sha256:
                raise BackupError(f"{part.file} is damaged")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder} is no whole backup: {type(error).__name__}") from error
    return manifest


async def digest(store: Store, progress: Progress = no_progress) -> str:
    """Return one sum over all items of all tables, whatever order they are stored in: the sum of the items' digests, so
    that none of them is kept."""
    total = 0
    for table in TableName:
        async for page in pages(store, table, "compared", progress):
            total += await asyncio.to_thread(_sum_of_items, table, page)
    return f"{total % 2**_BITS:0{_BITS // 4}x}"


def _sum_of_items(table: TableName, items: Sequence[Item]) -> int:
    lines = (f"{table} {canonical(item)}" for item in items)
    return sum(int.from_bytes(hashlib.sha512(line.encode(errors="surrogatepass")).digest()) for line in lines)


async def _save(store: Store, table: TableName, folder: Path, progress: Progress) -> Part:
    path = folder / f"{table}.jsonl.gz"
    count = 0
    with _private_gzip(path) as out:
        async for page in pages(store, table, "saved", progress):
            await asyncio.to_thread(_append, out, page)
            count += len(page)
    return Part(path.name, count, await asyncio.to_thread(_sum, path))


def _append(out: gzip.GzipFile, items: Sequence[Item]) -> None:
    out.write("".join(f"{to_line(item)}\n" for item in items).encode())


async def _load(store: Store, table: TableName, path: Path, total: Total, progress: Progress) -> None:
    with Spool() as wanted:
        for chunk in batched(_items(path), _CHUNK):
            for item in chunk:
                wanted[joined(item["PK"], item["SK"])] = ""
            await _put(store, table, chunk)
            progress(f"{table} restored", len(chunk), total)
        async for page in pages(store, table, "looked through", progress):
            keys = [(item["PK"], item["SK"]) for item in page]
            if extra := [key for key in keys if joined(*key) not in wanted]:
                await store.backend.replace(table, [], extra)


async def _put(store: Store, table: TableName, items: Sequence[Item]) -> None:
    try:
        await store.backend.replace(table, items, [])
    except (TypeError, ValueError) as error:  # a set, say, of which SQLite knows nothing
        raise BackupError(f"{table} holds an item that {store.name} cannot keep: {type(error).__name__}") from error


def _items(path: Path) -> Iterator[Item]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(from_line, lines)


@contextmanager
def _private_gzip(path: Path) -> Iterator[gzip.GzipFile]:
    """Open a new compressed file that only its owner may read; it is on the disk when the block ends."""
    with _private(path) as raw, gzip.GzipFile("", "wb", _LEVEL, raw, 0) as out:
        yield out


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def _write_private(path: Path, data: bytes) -> None:
    with _private(path) as out:
        out.write(data)


def _sum(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
