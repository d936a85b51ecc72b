"""Lists in pages, read from an index in the order of its time.

A list is one partition of an index or several side by side: all orders are the orders of each status. Each partition
is read in chunks from where the page begins, and only as far as it takes to know what comes first. The cursor is the
position of the last item that was looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from loguru import logger

from data.backends.base import Backend, Item
from data.errors import Malformed
from data.records import TABLES
from data.slices import sliced
from data.tables import PRIMARY, TableName

MOST_READ = 2000  # items; a search that has found too few in so many ends its page early
_CHUNK = 250  # items that are asked for at once when the first were not enough

type Load = Callable[[Sequence[Item]], Awaitable[Sequence[Item | None]]]
type Position = tuple[str, str]  # an item's sort key in the index, which begins with a time, and its own key


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Some records in order, the cursor for the next ones, or None at the end, and how many of the stored items that
    were looked at could not be read. A search may give fewer than were asked for, and still a cursor."""

    items: tuple[T, ...]
    next: str | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """Which items: those of `partitions` of an index, or of the table itself, `since` <= sort key < `until`, and of
    them those that `keep` takes. `also` are partitions of other indexes that sort by the same attribute. Where the
    index has keys only, `load` gives for each of its entries the item that is listed, None for one that is not."""

    table: TableName
    index: str | None
    partitions: tuple[str, ...]
    since: str | None = None
    until: str | None = None
    descending: bool = False
    keep: Callable[[Item], bool] = lambda _: True
    also: tuple[tuple[str, str], ...] = ()  # an index, and a partition of it
    load: Load | None = None
    most_read: int | None = None  # instead of MOST_READ

    def position(self, item: Item) -> Position:
        keys = TABLES[self.table].index(self.index) if self.index else PRIMARY
        return str(item.get(keys.range or "", "")), item["PK"]

    def follows[K: (str, Position)](self, one: K, other: K) -> bool:
        """Whether `one` comes later in the list."""
        return one < other if self.descending else one > other


@dataclass(frozen=True, slots=True)
class Found:
    """A page's items, and the cursor for the page after."""

    items: list[Item]
    next: str | None = None


async def read_page(backend: Backend, listing: Listing, limit: int | None, after: str | None) -> Found:
    """The page after the cursor, or without a `limit` all that follows it. ValueError for a cursor that is none."""
    start = None if after is None else _position(after)
    places = [*((listing.index, value) for value in listing.partitions), *listing.also]
    parts = [_Partition(backend, listing, index, value, start) for index, value in places]
    size, behind = None if limit is None else -(-(limit + 1) // len(parts)), parts
    while True:
        await asyncio.gather(*(part.read(size) for part in behind))
        unread = [part.edge for part in parts if part.edge is not None]
        edge = None if not unread else max(unread) if listing.descending else min(unread)
        known = {place: item for part in parts for place, item in part.items.items()}
        sure = [place for place in known if edge is None or listing.follows(edge, place[0])]
        sure.sort(reverse=listing.descending)
        kept = [(place, item) for place in sure if (item := known[place]) is not None]
        if limit is not None and (len(kept) > limit or (len(kept) == limit and edge is not None)):
            return Found([item for _, item in kept[:limit]], _cursor(kept[limit - 1][0]))
        if edge is None:
            return Found([item for _, item in kept])
        is_ahead = bool(sure) and (start is None or listing.follows(sure[-1], start))
        if is_ahead and sum(part.count for part in parts) >= (listing.most_read or MOST_READ):
            return Found([item for _, item in kept], _cursor(sure[-1]))
        behind = [part for part in parts if part.edge == edge]
        size = size and (min(2 * size, _CHUNK) if sure else 2 * size)


def is_cursor(text: str) -> bool:
    """Whether a list could have given it out."""
    try:
        _position(text)
    except ValueError:
        return False
    return True


class _Partition:
    """What is known of one partition: all up to `edge`, which is the sort key that was read last, or None where that
    was the end. Items of the edge itself may be missing: an index orders those of one instant as it likes."""

    def __init__(
        self, backend: Backend, listing: Listing, index: str | None, value: str, start: Position | None
    ) -> None:
        self._backend, self._listing, self._start = backend, listing, start
        self._index, self._value = index, value
        self.items: dict[Position, Item | None] = {}  # None for one that is not of the list
        self.edge: str | None = start[0] if start else None
        self.count = 0

    async def read(self, size: int | None) -> None:
        """Learn at least `size` more items, where there are as many."""
        again = sum(sort == self.edge for sort, _ in self.items)
        wanted = None if size is None else size + again
        found = await self._query(wanted)
        items = await self._listing.load(found) if self._listing.load and found else found
        async for entry, item in sliced(zip(found, items, strict=True)):
            self._learn(entry, item)
        self.count += len(found)
        self.edge = None if wanted is None or len(found) < wanted else self._listing.position(found[-1])[0]

    async def _query(self, limit: int | None) -> list[Item]:
        listing = self._listing
        low, high = listing.since, listing.until
        if self.edge is not None and listing.descending:
            high = self.edge if high is None else min(high, self.edge)
        elif self.edge is not None:
            low = self.edge if low is None else max(low, self.edge)
        if low is not None and high is not None and low > high:
            return []
        return await self._backend.query(
            listing.table,
            self._value,
            index=self._index,
            low=low,
            high=high,
            descending=listing.descending,
            limit=limit,
        )

    def _learn(self, entry: Item, item: Item | None) -> None:
        listing, place = self._listing, self._listing.position(entry)
        if self._start is not None and not listing.follows(place, self._start):
            # Counted among those of its instant, so that reading gets beyond them.
            self.items[place] = None
            return
        is_within = listing.until is None or place[0] < listing.until
        self.items[place] = item if is_within and item is not None and listing.keep(item) else None


async def readable[T](read: Callable[[Item], T], items: Sequence[Item]) -> tuple[list[T], int]:
    """A list goes on without an item that is not ours, and counts it; `carlos doctor` names it."""
    records: list[T] = []
    async for item in sliced(items):
        try:
            records.append(read(item))
        except Malformed as error:
            logger.warning("an item was left out of a list: {}", error)
    return records, len(items) - len(records)


def _cursor(position: Position) -> str:
    return "|".join(position)


def _position(cursor: str) -> Position:
    """Any place will do: a record with no time that deserves the name has one in the index, too."""
    sort, _, key = cursor.partition("|")
    if not (sort and key and cursor.isprintable()):
        raise ValueError("not a cursor of this list")
    return sort, key
