"""Items that cannot become records of ours, kept in a file of JSON lines until somebody has corrected them.

A line is `{"table": …, "reason": …, "item": …}`, the whole item as it was. Corrected lines are given back to
`carlos migrate --mended`. The file holds personal data, so only its owner may read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from data.backends.base import Item, Key
from data.errors import DataError
from data.operators.lines import from_line, to_line
from data.records import APPOINTMENTS, ORDERS, RecordType
from data.tables import TableName

_RECORDS: dict[TableName, RecordType[Any]] = {ORDERS.table: ORDERS, APPOINTMENTS.table: APPOINTMENTS}


class QuarantineError(DataError):
    """The file is there already, or holds a line that is none."""


@dataclass(frozen=True, slots=True)
class BadItem:
    table: TableName
    item: Item
    reasons: tuple[str, ...]
    is_stored: bool = True  # False for one that somebody wants to put back

    @property
    def key(self) -> Key:
        return self.item["PK"], self.item["SK"]


class Quarantine:
    """A new file that is being written."""

    def __init__(self, path: Path) -> None:
        """Raise QuarantineError where the file is there already: its items may be nowhere else."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise QuarantineError(f"{path} exists already") from error
        self._path = path
        self._out = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass")

    def keep(self, items: Sequence[BadItem]) -> None:
        """Write them; they are on the disk on return."""
        for each in items:
            said = json.dumps({"table": each.table, "reason": "; ".join(each.reasons)}, ensure_ascii=False)
            self._out.write(f'{said[:-1]}, "item": {to_line(each.item)}}}\n')
        self._out.flush()
        os.fsync(self._out.fileno())

    def close(self) -> None:
        self._out.close()

    def discard(self) -> None:
        """The items are back where they were."""
        self._out.close()
        self._path.unlink()


@dataclass(frozen=True, slots=True)
class Mended:
    """The lines of a quarantine that somebody has corrected."""

    path: Path | None

    @classmethod
    def checked(cls, path: Path) -> Self:
        """Raise QuarantineError for a file that holds something else, by the line, or one item twice."""
        mended, keys = cls(path), set[Key]()
        for item in mended.items(None):
            if (key := (item["PK"], item["SK"])) in keys:
                raise QuarantineError(f"{path} holds {key[0]} twice")
            keys.add(key)
        return mended

    def items(self, table: TableName | None) -> Iterator[Item]:
        """Those of one table, or all."""
        if self.path is None:
            return
        with self.path.open(encoding="utf-8", errors="surrogatepass") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    where, item = self._read(number, line)
                    if table in (None, where):
                        yield item

    def _read(self, number: int, line: str) -> tuple[TableName, Item]:
        try:
            read = from_line(line)
            where, item = TableName(read["table"]), from_line(to_line(read["item"]))
            if not (isinstance(item["PK"], str) and isinstance(item["SK"], str) and _RECORDS[where].owns(item)):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise QuarantineError(f"{self.path}, line {number}: no line of a quarantine") from error
        return where, item


NONE_MENDED = Mended(None)
