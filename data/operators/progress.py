"""Whole tables, page by page, and how far that is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from data.backends.base import Item
from data.errors import Unavailable
from data.store import Store
from data.tables import TableName


@dataclass(frozen=True, slots=True)
class Total:
    """How many items there are to do. DynamoDB counts its items now and then only: about as many."""

    items: int
    is_exact: bool = True


class Progress(Protocol):
    def __call__(self, what: str, more: int, total: Total | None = None) -> None:
        """`more` items are done of what there is to do."""
        ...


def no_progress(what: str, more: int, total: Total | None = None) -> None:
    pass


async def pages(store: Store, table: TableName, done: str, progress: Progress) -> AsyncIterator[Sequence[Item]]:
    """Every page of a table; `done` says what is done with its items ("saved"). One page is held at a time."""
    total = await _total(store, table)
    async for page in store.backend.scan(table):
        yield page
        progress(f"{table} {done}", len(page), total)


async def _total(store: Store, table: TableName) -> Total | None:
    """None where the store does not tell: that is no reason not to go on."""
    try:
        return Total(await store.backend.count(table), is_exact=store.name == "sqlite")
    except Unavailable:
        return None
