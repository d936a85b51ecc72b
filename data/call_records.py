"""The records of calls in the store: kept as calls go on, read whole or as heads, listed, searched and erased.

What is new of a record is written as it comes: turns and tool uses as items of their own (data.call_items), and the
head when it changes. Only the head has a version. It is written last, so that whoever reads a new one finds what it
tells of, and so that a call that was erased meanwhile is found to be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched, islice
from typing import Any

from common.spanish.names import plain
from common.times import Clock
from data import day_counts, events
from data.backends.base import Absent, Backend, ConditionFailed, Delete, Item, NotLater, Put, Version, Write
from data.call_indexes import ALL_SHARDS, BY_BEGIN, OLDER, OLDER_CALLS, OPEN, OPEN_SHARDS
from data.call_items import (
    FIRST,
    HEAD,
    LAST,
    beyond,
    call_id_of,
    call_key,
    head_item,
    said,
    story_items,
    to_call,
    to_head,
)
from data.calls import CallHead, changes_head, merged, part
from data.errors import Conflict, Malformed
from data.findings import Findings
from data.items import optional_iso
from data.labels import CallSearch, filed_keys, label_items, label_key, labels, outcome_label
from data.models import CallRecord
from data.pages import Listing, Load, Page, read_page, readable
from data.references import of_number, reference_items, reference_key, references
from data.tables import TTL_ATTRIBUTE, TableName
from data.webhooks import Webhooks

KEEP_CALLS = timedelta(days=90)
KEEP_STATE = timedelta(hours=2)  # longer than a call may last
ERASED = "ERASED"  # the partition of the ids of erased calls
MERGES = 8  # writes of one record that may come between
_TRANSACTION = 100  # writes: DynamoDB's limit
_AT_ONCE = 16  # writes, and reads of whole records
_SEARCHED = 50_000  # characters of a call
_ITEMS_SEARCHED = 400  # turns and tool uses of it, which mostly have more
_FILED_A_PAGE = 25  # calls of versions before
_MOST_SEARCHED = 500  # calls; each is read for it


@dataclass(frozen=True, slots=True)
class CallsFound:
    """A customer's calls, and the ids of those that cannot be read."""

    records: tuple[CallRecord, ...]
    unreadable: tuple[str, ...]


class CallRecords:
    """Any method may raise `Unavailable`. `backend` is asked for each time: the store's may be replaced."""

    def __init__(self, backend: Callable[[], Backend], clock: Clock, keep: timedelta, webhooks: Webhooks) -> None:
        self._get_backend = backend
        self._clock = clock
        self._keep = keep
        self._webhooks = webhooks

    # One call.

    async def get(self, call_id: str) -> CallRecord | None:
        """Raise Malformed for one that cannot be read."""
        return await to_call(await self._items(call_id))

    async def save(self, call: CallRecord, state: Mapping[str, Any] | None, kept: CallRecord | None) -> CallRecord:
        """Write what is new in a record since it was `kept` last, and before it the `state` beside it. Return what
        stands, merged with what others have written (data.calls). May raise Conflict."""
        if kept is not None:
            call = merged(call, kept)
        await self._file(call, kept)
        if state is not None:
            await self._keep_state(call, state)
        await self._tell(call, kept)
        if kept is not None and not kept.legacy and not changes_head(call, kept):
            return call
        base = kept or (call if call.version else None)
        for _ in range(MERGES):
            await self._settle(call, base)
            try:
                return await self._put_head(call, base)
            except ConditionFailed:
                was_known = base is not None
                base = await self.get(call.id)
            if base is None:
                if was_known:  # and erased since: so is what was just written
                    await self._erase(call.id, call)
                    return call
                continue
            call = merged(call, base)
            await self._tell(call, base)
            await self._cut(call, base)
        raise Conflict

    async def amend(self, call_id: str, change: Callable[[CallRecord], CallRecord]) -> CallRecord | None:
        """Change the record as it stands, and return it; `change` is asked again where another write came between.
        None for a call that is not on record. May raise Conflict."""
        return await self._rewrite(call_id, change, even_if_same=False)

    async def modernize(self, call_id: str) -> CallRecord | None:
        """Write a record anew that a version before has stored. May raise Conflict."""
        return await self._rewrite(call_id, lambda record: record, even_if_same=True)

    async def erase(self, call_id: str) -> None:
        """Delete a call's record, state, receipts and references, and remember that it was erased: its recording may
        lie with another server."""
        await self._erase(call_id, None)

    async def erase_recording(self, call_id: str) -> None:
        """Remember that the recording of a call is to be deleted, wherever parts of it lie; its record stays."""
        await self._backend.put(self._erased(call_id))

    async def erased(self) -> tuple[str, ...]:
        """The calls that were erased, or whose recording was, as long as a recording of theirs may be kept anywhere."""
        items = await self._backend.query(TableName.CALLS, ERASED)
        return tuple(str(item["SK"]) for item in items if is_live(item, self._clock))

    # Many calls.

    async def page(
        self,
        *,
        number: str | None,
        search: CallSearch,
        words: Sequence[str],
        since: datetime | None,
        until: datetime | None,
        limit: int | None,
        after: str | None,
    ) -> Page[CallHead]:
        """Newest first; of `words` all are in what was said or what a tool was given."""

        async def load(entries: Sequence[Item]) -> list[Item | None]:
            ids = [str(item["callId"]) if "callId" in item else call_id_of(item) for item in entries]
            return await self._wanted(ids, search, words)

        within = optional_iso(since), optional_iso(until)
        if number is not None or search.filed:
            keys = map(label_key, search.filed) if number is None else (reference_key(of_number(number)),)
            listing = Listing(TableName.CALLS, None, tuple(keys), *within, descending=True)
        else:
            index, parts, also = BY_BEGIN.name, ALL_SHARDS, ((OLDER.name, OLDER_CALLS),)
            listing = Listing(TableName.CALLS, index, parts, *within, descending=True, also=also)
        if not search.filed and not words:
            return await self._with_findings(await self._heads(listing, limit, after, load))
        most_read = _MOST_SEARCHED if words else None
        found = await self._heads(replace(listing, load=load, most_read=most_read), limit, after)
        return await self._with_findings(found)

    async def open(self, limit: int, after: str | None = None) -> Page[CallHead]:
        """The calls without an end, of all processes. Those that versions before have stored are not among them."""

        async def load(entries: Sequence[Item]) -> list[Item | None]:
            heads = await self._wanted([call_id_of(item) for item in entries], CallSearch(), ())
            return [head if head and "endedAt" not in head else None for head in heads]

        return await self._heads(Listing(TableName.CALLS, OPEN.name, OPEN_SHARDS), limit, after, load)

    async def of(self, names: Collection[str]) -> CallsFound:
        """The calls that are filed under any of these names (data.references), newest first."""
        keys = [reference_key(name) for name in names]
        lists = await asyncio.gather(*(self._backend.query(TableName.CALLS, key) for key in keys))
        found = await self.whole(sorted({str(item["callId"]) for items in lists for item in items}))
        theirs = [record for record in found.records if not references(record).isdisjoint(names)]
        theirs.sort(key=lambda record: record.started_at, reverse=True)
        return CallsFound(tuple(theirs), found.unreadable)

    async def whole(self, ids: Iterable[str]) -> CallsFound:
        """These calls, as far as they are there."""
        records: list[CallRecord] = []
        unreadable: list[str] = []
        for some in batched(ids, _AT_ONCE):
            for call_id, items in zip(some, await asyncio.gather(*map(self._items, some)), strict=True):
                try:
                    record = await to_call(items)
                except Malformed:
                    unreadable.append(call_id)
                else:
                    records += [record] if record is not None else []
        return CallsFound(tuple(records), tuple(unreadable))

    # Inside.

    @property
    def _backend(self) -> Backend:
        return self._get_backend()

    async def _erase(self, call_id: str, known: CallRecord | None) -> None:
        """`known` is what may be filed of a record that is not there. The labels go first, since an item beside the
        head names them, the head after what lies beside it, and what leads to it last: where it takes several
        transactions, a second try finds what the first one left."""
        items = await self._backend.query(TableName.CALLS, call_key(call_id))
        keys = sorted(((str(item["PK"]), str(item["SK"])) for item in items), key=lambda key: key[1] == HEAD)
        filed = [key for item in items if item["SK"] == day_counts.COUNTED for key in filed_keys(item)]
        with suppress(Malformed):
            known = await to_call(items) or known
        if known is not None:
            keys += [(item["PK"], item["SK"]) for item in self._references(known, references(known))]
        writes: list[Write] = [self._erased(call_id), *(Delete(TableName.CALLS, key) for key in filed + keys)]
        await self._transact(writes)

    async def _items(self, call_id: str, limit: int | None = None) -> list[Item]:
        """Of the record, or the first of them; none of one that has expired."""
        items = await self._backend.query(TableName.CALLS, call_key(call_id), low=FIRST, high=LAST, limit=limit)
        return [item for item in items if is_live(item, self._clock)]

    async def _rewrite(
        self, call_id: str, change: Callable[[CallRecord], CallRecord], *, even_if_same: bool
    ) -> CallRecord | None:
        for _ in range(MERGES):
            base = await self.get(call_id)
            if base is None or ((changed := change(base)) == base and not (even_if_same and base.legacy)):
                return base
            await self._tell(changed, base)
            await self._settle(changed, base)
            try:
                return await self._put_head(changed, base)
            except ConditionFailed:
                continue
        raise Conflict

    async def _settle(self, call: CallRecord, base: CallRecord | None) -> None:
        """File a call that has ended under its labels, and count it for its day; `base` is as it was settled before."""
        found, before = Findings.of(call), None
        filed, counts = labels(call, found), day_counts.counts_of(call, found)
        if found is None or (base is not None and not base.legacy and _settled(base) == (filed, counts)):
            return
        expires = epoch(self._expires(call))
        await self._put_all(label_items(call, filed, expires))
        for _ in range(MERGES):
            try:
                if writes := day_counts.writes(call, counts, filed, before, expires):
                    await self._backend.transact(writes)
                break
            except ConditionFailed:
                before = await self._backend.get(TableName.CALLS, *day_counts.key(call.id))
        else:
            raise Conflict
        if before is not None:
            await self._transact([Delete(TableName.CALLS, key) for key in filed_keys(before, filed)])

    async def _put_all(self, items: Iterable[Item]) -> None:
        for some in batched(items, _AT_ONCE):
            await _all(self._backend.put(Put(TableName.CALLS, item)) for item in some)

    async def _with_findings(self, page: Page[CallHead]) -> Page[CallHead]:
        """Those that a version before has stored are read whole for it, and some of them filed and counted."""
        bare = [head.id for head in page.items if head.findings is None and head.record.ended_at is not None]
        if not bare:
            return page
        read = {record.id: record for record in (await self.whole(bare)).records}
        for record in islice(read.values(), _FILED_A_PAGE):
            await self._file_late(record)
        heads = {call_id: CallHead.of(record) for call_id, record in read.items()}
        return replace(page, items=tuple(heads.get(head.id, head) for head in page.items))

    async def _file_late(self, call: CallRecord) -> None:
        """What `_settle` does when a call ends, and its head, in one transaction; nothing where others write to it."""
        found, expires = Findings.of(call), self._expires(call)
        filed = labels(call, found)
        items = [*label_items(call, filed, epoch(expires)), head_item(replace(call, version=call.version + 1), expires)]
        puts = [Put(TableName.CALLS, item, Version(call.version) if item["SK"] == HEAD else None) for item in items]
        counted = day_counts.writes(call, day_counts.counts_of(call, found), filed, None, epoch(expires))
        with suppress(ConditionFailed):
            await self._backend.transact([*puts, *counted])

    async def _put_head(self, call: CallRecord, base: CallRecord | None) -> CallRecord:
        """Raise ConditionFailed where the stored head is not that of `base` any more, or there is one."""
        written = replace(call, version=base.version + 1 if base else 1, legacy=False)
        item = head_item(written, self._expires(call))
        put = Put(TableName.CALLS, item, Version(base.version) if base else Absent())
        told = self._webhooks.writes(events.of_call(base, written, self._clock()))
        try:
            await (self._backend.transact([put, *told]) if told else self._backend.put(put))
        except ConditionFailed:  # also of a write that was done, and whose answer was lost
            if await self._backend.get(TableName.CALLS, item["PK"], item["SK"]) != item:
                raise
        self._webhooks.added(told)
        return written

    async def _tell(self, call: CallRecord, kept: CallRecord | None) -> None:
        """Write the turns and tool uses that are not kept yet. Those of a later part of the call stay."""
        known = None if kept is None or kept.legacy else kept
        puts = [
            Put(TableName.CALLS, item, NotLater(part(call))) for item in story_items(call, known, self._expires(call))
        ]
        for some in batched(puts, _AT_ONCE):
            await _all(self._put_unless_later(put) for put in some)

    async def _cut(self, call: CallRecord, stored: CallRecord) -> None:
        """Delete what the stored record has beyond this one."""
        await self._transact([Delete(TableName.CALLS, key) for key in beyond(call, stored)])

    async def _keep_state(self, call: CallRecord, state: Mapping[str, Any]) -> None:
        """For `KEEP_STATE`. It is written before the record: of what was proven, and of failed proofs, nothing is
        forgotten by a process that dies in between."""
        item: Item = {"PK": call_key(call.id), "SK": "STATE", "state": json.dumps(state, ensure_ascii=False)}
        item |= {"resumed": part(call), TTL_ATTRIBUTE: epoch(self._clock() + KEEP_STATE)}
        await self._put_unless_later(Put(TableName.CALLS, item, NotLater(part(call))))

    async def _put_unless_later(self, put: Put) -> None:
        try:
            await self._backend.put(put)
        except ConditionFailed:
            return  # the part of the call that goes on has written its own

    async def _file(self, call: CallRecord, kept: CallRecord | None) -> None:
        """Write the references that the record as it was kept last had not yet. They never change."""
        if kept is not None and kept.tools == call.tools:
            return
        new = references(call) - (references(kept) if kept else frozenset())
        await self._put_all(self._references(call, new))

    async def _wanted(self, ids: Sequence[str], search: CallSearch, words: Sequence[str]) -> list[Item | None]:
        """The heads of these calls, None for those that are not asked for."""
        keys = [(call_key(call_id), HEAD) for call_id in ids]
        heads = await self._backend.get_many(TableName.CALLS, keys)
        heads = [head if head and is_live(head, self._clock) and _has(head, search) else None for head in heads]
        if not words:
            return heads
        found = {call_id for call_id, head in zip(ids, heads, strict=True) if head}
        holding: set[str] = set()
        for some in batched(sorted(found), _AT_ONCE):
            stories = await asyncio.gather(*(self._items(call_id, _ITEMS_SEARCHED) for call_id in some))
            holding |= {call_id for call_id, items in zip(some, stories, strict=True) if _holds(items, words)}
        return [head if call_id in holding else None for call_id, head in zip(ids, heads, strict=True)]

    async def _heads(
        self, listing: Listing, limit: int | None, after: str | None, load: Load | None = None
    ) -> Page[CallHead]:
        """`load` gives the heads of a whole page of keys; one of it that is gone makes the page shorter. A search loads
        while it looks (`Listing.load`)."""
        found = await read_page(self._backend, listing, limit, after)
        items = found.items if load is None else [item for item in await load(found.items) if item is not None]
        heads, unreadable = await readable(to_head, items)
        return Page(tuple(heads), found.next, unreadable)

    async def _transact(self, writes: Sequence[Write]) -> None:
        for some in batched(writes, _TRANSACTION):
            await self._backend.transact(some)

    def _references(self, call: CallRecord, names: Collection[str]) -> list[Item]:
        return reference_items(call, names, epoch(self._expires(call)))

    def _erased(self, call_id: str) -> Put:
        expires = epoch(self._clock() + max(self._keep, KEEP_CALLS))
        return Put(TableName.CALLS, {"PK": ERASED, "SK": call_id, TTL_ATTRIBUTE: expires})

    def _expires(self, call: CallRecord) -> datetime:
        return call.started_at + self._keep


async def _all(writes: Iterable[Awaitable[None]]) -> None:
    """Wait for every one of them, whatever becomes of the others: what is tried again later must not be overtaken."""
    for outcome in await asyncio.gather(*writes, return_exceptions=True):
        if outcome is not None:
            raise outcome


def is_live(item: Item, clock: Clock) -> bool:
    """DynamoDB deletes expired items within days, not at once."""
    return TTL_ATTRIBUTE not in item or item[TTL_ATTRIBUTE] > epoch(clock())


def epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def _settled(call: CallRecord) -> tuple[frozenset[str], day_counts.Counts]:
    found = Findings.of(call)
    return labels(call, found), day_counts.counts_of(call, found)


def _has(item: Item, search: CallSearch) -> bool:
    """Whether a head is of a call that is looked for; of what a version before has stored its outcome tells."""
    known = item["labels"] if "labels" in item else [outcome_label(str(item.get("outcome")))]
    return search.finds(known)


def _holds(items: Sequence[Item], words: Sequence[str]) -> bool:
    """Whether all the words are in the first `_SEARCHED` characters of what was said and done."""
    texts, left = [], _SEARCHED
    for text in said(items):
        texts.append(text[:left])
        left -= len(text)
        if left <= 0:
            break
    spoken = plain(" ".join(texts))
    return all(word in spoken for word in words)
