"""Texts by their keys, on the disk: what an operator's command must remember of a store of any size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Self

_CACHE_KB = 2048


class Spool:
    """A context manager. The file is SQLite's own temporary one: private to this process, and gone with it."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KB}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE spool (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def __setitem__(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO spool VALUES (?, ?)", (key, value))

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM spool WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def items(self) -> Iterator[tuple[str, str]]:
        """By their keys' order; nothing may be put in meanwhile."""
        yield from self._db.execute("SELECT key, value FROM spool ORDER BY key")


def joined(pk: str, sk: str) -> str:
    """An item's key as one text."""
    return f"{pk}\n{sk}"


def parted(key: str) -> tuple[str, str]:
    """PK and SK of such a text."""
    pk, _, sk = key.partition("\n")
    return pk, sk
