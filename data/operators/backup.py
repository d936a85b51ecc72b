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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from common.times import to_iso
from data.backends.base import Item
from data.backends.encoding import decode, encode
from data.errors import DataError
from data.store import Store
from data.tables import TableName

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 500

Progress = Callable[[str, int], None]  # what is being done, and how many items more are done


def no_progress(what: str, more: int) -> None:
    pass


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
    """Make every table what it was. The whole backup is checked before anything is written."""
    manifest = await asyncio.to_thread(verify, folder)
    for table in TableName:
        await _load(store, table, folder / manifest.tables[table].file, progress)
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


async def digest(store: Store) -> str:
    """Return one sum over all items of all tables, whatever order they are stored in."""
    lines: list[str] = []
    for table in TableName:
        async for page in store.backend.scan(table):
            lines += [f"{table} {_canonical(item)}" for item in page]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


async def _save(store: Store, table: TableName, folder: Path, progress: Progress) -> Part:
    path = folder / f"{table}.jsonl.gz"
    count = 0
    with _private_gzip(path) as out:
        async for page in store.backend.scan(table):
            text = "".join(f"{encode(item)}\n" for item in page)
            await asyncio.to_thread(out.write, text.encode())
            count += len(page)
            progress(f"{table} saved", len(page))
    return Part(path.name, count, await asyncio.to_thread(_sum, path))


async def _load(store: Store, table: TableName, path: Path, progress: Progress) -> None:
    wanted: set[tuple[str, str]] = set()
    for chunk in _chunks(path):
        wanted |= {(item["PK"], item["SK"]) for item in chunk}
        await store.backend.replace(table, chunk, [])
        progress(f"{table} restored", len(chunk))
    extra = [
        key
        async for page in store.backend.scan(table)
        for key in ((item["PK"], item["SK"]) for item in page)
        if key not in wanted
    ]
    await store.backend.replace(table, [], extra)


def _chunks(path: Path) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            chunk.append(decode(line))
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


@contextmanager
def _private_gzip(path: Path) -> Iterator[gzip.GzipFile]:
    """Open a new compressed file that only its owner may read; it is on the disk when the block ends."""
    with _private(path) as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
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


def _canonical(item: Item) -> str:
    return json.dumps(json.loads(encode(item)), ensure_ascii=False, sort_keys=True)
