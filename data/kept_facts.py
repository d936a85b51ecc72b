"""Where the facts of a business are kept, and the facts as they are now.

With SQLite they are a file beside the database, which its owner may edit by any means; with DynamoDB an item, which a
fleet shares. A change counts for whoever asks next: each asking costs one look at a version, and no more than that
while nothing has changed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

from loguru import logger

from data.backends.base import Absent, Backend, ConditionFailed, Put, Version
from data.errors import Conflict, Unavailable
from data.facts import Facts
from data.facts_file import TEXT_LIMIT, FactsError, read
from data.tables import TableName

FILE = "facts.yaml"  # in CARLOS_HOME
SAMPLE = Path(__file__).with_name("sample-facts.yaml")  # of the sample records
UNTOLD = Facts("Carlos")  # of a business that has written nothing down
_PK = "FACTS"
_TEXT, _VERSION = "FACTS#TEXT", "FACTS#VERSION"


class Home(Protocol):
    """Every method may raise Unavailable."""

    async def version(self) -> str | None:
        """What changes whenever the text does; None while there is none."""
        ...

    async def text(self) -> str: ...

    async def put(self, text: str, based_on: str | None) -> None:
        """Raise Conflict if the version is no longer `based_on`."""
        ...


class FileHome:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def version(self) -> str | None:
        return await self._do(self._look)

    async def text(self) -> str:
        return await self._do(self._read)

    async def put(self, text: str, based_on: str | None) -> None:
        await self._do(lambda: self._put(text, based_on))

    async def _do[T](self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Unavailable(f"{self._path.name}: {type(error).__name__}") from error

    def _look(self) -> str | None:
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            return None
        return f"{seen.st_mtime_ns}-{seen.st_size}-{seen.st_ino}"

    def _read(self) -> str:
        """Of bytes that are no UTF-8, U+FFFD, which no fact needs and a reader of the text sees."""
        with self._path.open("rb") as file:
            return file.read(4 * TEXT_LIMIT + 1).decode("utf-8", errors="replace")

    def _put(self, text: str, based_on: str | None) -> None:
        """Whole or not at all: whoever looks meanwhile sees the old file. Of two at once, in whatever processes, one
        is too late: the folder is locked from the look to the replacement."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if self._look() != based_on:
                raise Conflict
            with NamedTemporaryFile("w", encoding="utf-8", dir=self._path.parent, delete=False) as new:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            os.replace(new.name, self._path)
        finally:
            os.close(folder)


class ItemHome:
    def __init__(self, backend: Callable[[], Backend]) -> None:
        self._backend = backend

    async def version(self) -> str | None:
        item = await self._backend().get(TableName.CALLS, _PK, _VERSION)
        return str(item["version"]) if item else None

    async def text(self) -> str:
        item = await self._backend().get(TableName.CALLS, _PK, _TEXT)
        return str(item["text"]) if item else ""

    async def put(self, text: str, based_on: str | None) -> None:
        number = int(based_on or 0)
        version = {"PK": _PK, "SK": _VERSION, "version": number + 1}
        writes = (
            Put(TableName.CALLS, version, Version(number) if number else Absent()),
            Put(TableName.CALLS, {"PK": _PK, "SK": _TEXT, "text": text}),
        )
        try:
            await self._backend().transact(writes)
        except ConditionFailed:
            raise Conflict from None


class KeptFacts:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.last = UNTOLD
        self._version: str | None = None

    async def now(self) -> Facts:
        """Return the facts as they are kept. Where they cannot be read, the last ones that could be: then the log says
        so, once for each version."""
        try:
            version = await self.home.version()
            if version != self._version:
                facts = UNTOLD if version is None else await self._read()
                self.last, self._version = facts, version
        except Unavailable as error:
            logger.error("the facts of the business cannot be looked at, the last known ones go on: {}", error)
        except FactsError as error:
            self._version = version
            logger.error("the facts of the business have faults, the last good ones go on: {}", error)
        return self.last

    async def _read(self) -> Facts:
        """In a thread, with YAML's parser in Python: it lets the event loop go on, which the one in C does not."""
        text = await self.home.text()
        return await asyncio.to_thread(read, text)
