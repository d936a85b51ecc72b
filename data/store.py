"""The store: every rule of keeping records, written once for both backends.

A write is one `Change` of one record, of whichever type (data.records). The slots of a doctor's time follow from the
record itself, so whoever books, moves, cancels or edits an appointment cannot forget them; a receipt written in the
same transaction makes the change happen once however often it is asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from common.spanish.names import doctor_key, plain
from common.times import Clock, from_iso, to_iso, utcnow
from data import callbacks, day_counts, events, outbox, questions
from data.backends.base import Absent, Backend, ConditionFailed, Delete, Item, Put, Version, Write
from data.call_indexes import BY_BEGIN, OLDER
from data.call_records import ERASED, KEEP_CALLS, KEEP_STATE, MERGES, CallRecords, CallsFound, epoch, is_live
from data.callbacks import CallBack, CallBackStatus, to_callback
from data.calls import CallHead
from data.changes import (
    Change,
    IdempotencyRecord,
    idempotency_keys,
    receipt_writes,
    to_idempotency_record,
    writes_of,
)
from data.day_counts import DayCounts
from data.errors import Conflict, SlotTaken, Unavailable
from data.facts import Facts
from data.facts_file import read as read_facts
from data.items import optional_iso, slots_key
from data.kept_facts import FileHome, ItemHome, KeptFacts
from data.labels import CallSearch
from data.models import (
    Appointment,
    AppointmentStatus,
    CallRecord,
    Order,
    OrderStatus,
    Record,
    dni_spellings,
    known_email,
)
from data.pages import Listing, Page, read_page, readable
from data.records import APPOINTMENTS, ORDERS, RecordType, type_of
from data.tables import TTL_ATTRIBUTE, Index, TableName
from data.webhooks import Webhooks

__all__ = ["ERASED", "KEEP_CALLS", "CallsFound", "Change", "IdempotencyRecord", "Page", "Store"]

KEEP_RECEIPTS = timedelta(days=7)


class Store:
    """Made by `open_sqlite` and `open_dynamodb`. Any method may raise `Unavailable`."""

    def __init__(
        self,
        backend: Backend,
        clock: Clock = utcnow,
        keep_calls: timedelta = KEEP_CALLS,
        facts_file: Path | None = None,  # None: they are an item of the store
    ) -> None:
        self.backend = backend
        self._clock = clock
        self._keep_calls = keep_calls
        self.webhooks = Webhooks(lambda: self.backend, clock)
        self._calls = CallRecords(lambda: self.backend, clock, keep_calls, self.webhooks)
        self._facts = KeptFacts(FileHome(facts_file) if facts_file else ItemHome(lambda: self.backend))

    @property
    def name(self) -> str:
        return self.backend.name

    async def close(self) -> None:
        await self.backend.close()

    # Records of any type.

    async def record[R: Record](self, record_type: RecordType[R], record_id: str) -> R | None:
        """Raises Malformed for one that cannot be read."""
        item = await self.backend.get(record_type.table, *record_type.key(record_id))
        return record_type.read(item) if item else None

    async def records[R: Record](
        self,
        record_type: RecordType[R],
        *,
        email: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Page[R]:
        """Those that are filed under an e-mail address, `since` <= time in the index < `until`; without a limit all."""
        partitions = (known_email(email),)
        return await self._records(record_type, record_type.by_email, partitions, since, until, limit=limit)

    async def records_of_dni[R: Record](self, record_type: RecordType[R], dni: str, limit: int) -> Page[R]:
        """Those that are filed under a DNI, leading zeros apart; none of a type that has no DNI."""
        if record_type.by_dni is None:
            return Page(())
        return await self._records(record_type, record_type.by_dni, dni_spellings(dni), limit=limit)

    # Orders and appointments.

    async def order(self, order_id: str) -> Order | None:
        return await self.record(ORDERS, order_id)

    async def appointment(self, appointment_id: str) -> Appointment | None:
        return await self.record(APPOINTMENTS, appointment_id)

    async def orders(
        self,
        *,
        email: str | None = None,
        status: OrderStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[Order]:
        """Newest first, `since` <= creation < `until`. `after` is the `next` of the page before."""
        index, partitions = ORDERS.index("StatusIndex"), tuple(map(str, [status] if status else OrderStatus))
        if email is not None:
            index, partitions = ORDERS.by_email, (known_email(email),)
        return await self._records(ORDERS, index, partitions, since, until, _with(status=status), limit, after)

    async def appointments(
        self,
        *,
        email: str | None = None,
        doctor: str | None = None,
        status: AppointmentStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[Appointment]:
        """Earliest first, `since` <= start < `until`. `doctor` is the name as the records have it."""
        patient = known_email(email) if email is not None else None
        index = APPOINTMENTS.index("StatusIndex")
        partitions = tuple(map(str, [status] if status else AppointmentStatus))
        if doctor is not None:
            index, partitions = APPOINTMENTS.index("DoctorDateIndex"), (doctor,)
        elif patient is not None:
            index, partitions = APPOINTMENTS.by_email, (patient,)
        keep = _with(status=status, patientEmail=patient)
        return await self._records(APPOINTMENTS, index, partitions, since, until, keep, limit, after)

    async def commit(
        self, change: Change, idempotency: IdempotencyRecord | None = None, *, tell: bool = True
    ) -> IdempotencyRecord | None:
        """Do the change once, and return the receipt that stands: the first one, if it was done before. Webhooks tell
        of it, unless told not to.

        Raises Conflict if the record is no longer as `change.before` (or the new id is taken), and SlotTaken
        if another appointment holds some of the time. After Unavailable the same call may be made again, with
        the same receipt, without doing anything twice.
        """
        now = self._clock()
        event = events.of_change(change, now, idempotency.call_id if idempotency else None) if tell else None
        told = self.webhooks.writes(event)
        try:
            await self._transact([*writes_of(change, idempotency, now + KEEP_RECEIPTS), *told])
        except ConditionFailed as failed:
            if idempotency and (stored := await self._standing(idempotency)):
                return stored
            raise (Conflict() if 0 in failed.positions else SlotTaken()) from failed
        except Unavailable:
            if idempotency and (stored := await self._standing(idempotency)):
                return stored
            raise
        self.webhooks.added(told)
        return idempotency

    async def idempotency(self, call_id: str, tool_use_id: str) -> IdempotencyRecord | None:
        item = await self._live(TableName.CALLS, f"CALL#{call_id}", f"DONE#{tool_use_id}")
        return to_idempotency_record(item) if item else None

    async def receipts(self, call_id: str) -> tuple[IdempotencyRecord, ...]:
        """What a call has done so far."""
        items = await self.backend.query(TableName.CALLS, f"CALL#{call_id}", low="DONE#", high="DONE$")
        return tuple(to_idempotency_record(item) for item in items if self._is_live(item))

    async def claim_message(self, writes: Sequence[str], receipt: IdempotencyRecord) -> IdempotencyRecord | None:
        """Mark writes of a call, by their fingerprints, as told of in a message that is sent next (data.outbox).
        Returns an earlier receipt that stands instead: then nothing is to be sent. Raises Conflict if one of them is
        told of already."""
        try:
            await outbox.claim(self.backend, writes, receipt, self._clock() + KEEP_RECEIPTS)
        except ConditionFailed as failed:
            if stored := await self._standing(receipt):
                return stored
            raise Conflict from failed
        return None

    async def settle_message(self, writes: Sequence[str], receipt: IdempotencyRecord, *, not_sent: bool) -> None:
        """Keep what came of a message that was claimed."""
        await outbox.settle(self.backend, writes, receipt, self._clock() + KEEP_RECEIPTS, not_sent=not_sent)

    async def told(self, call_id: str) -> frozenset[str]:
        """The fingerprints of a call's writes that a message has told of, or may have."""
        return await outbox.told(self.backend, call_id)

    async def next_id(self, kind: type[Record]) -> str:
        """The next id of a type of record: an atomic counter, never reused."""
        return str(await self._count(kind, 1))

    async def is_fresh(self) -> bool:
        """True as long as no order was ever made: what was seeded and then deleted stays deleted."""
        return await self._count(Order, 0) == 0

    async def raise_counter(self, kind: type[Record], at_least: int) -> None:
        """Make sure that ids up to `at_least` are not given out again."""
        present = await self._count(kind, 0)
        if present < at_least:
            await self._count(kind, at_least - present)

    # The business.

    async def facts(self) -> Facts:
        """The facts of the business as they are now; where they cannot be read, the last ones that could be."""
        return await self._facts.now()

    @property
    def last_facts(self) -> Facts:
        """The facts as they were when this process looked last."""
        return self._facts.last

    async def facts_text(self) -> tuple[str, str | None]:
        """The text of the facts, and its version to save another one on; empty and None while there is none."""
        version = await self._facts.home.version()
        return ("" if version is None else await self._facts.home.text()), version

    @property
    def facts_are_kept(self) -> Literal["file", "store"]:
        """In a file of this host, or in the store, for every host on it."""
        return "file" if isinstance(self._facts.home, FileHome) else "store"

    async def save_facts(self, text: str, based_on: str | None) -> None:
        """Raises FactsError, and Conflict if the version is no longer `based_on`."""
        await asyncio.to_thread(read_facts, text)
        await self._facts.home.put(text, based_on)

    async def note_question(self, question: str) -> None:
        """Keep a caller's question that the facts do not answer (data.questions)."""
        await questions.note(self.backend, question, self._clock())

    async def unanswered(self) -> tuple[questions.Unanswered, ...]:
        """The questions that the facts did not answer, those that are asked most first."""
        return await questions.unanswered(self.backend, self._clock())

    async def dismiss_question(self, question_id: str) -> None:
        """Forget one of them."""
        await questions.dismiss(self.backend, question_id)

    async def forget_questions(self) -> None:
        await questions.forget(self.backend)

    # Doctors and their time.

    async def doctors(self) -> tuple[str, ...]:
        """The doctors who take appointments, by name."""
        items = await self.backend.query(TableName.APPOINTMENTS, "DOCTORS")
        return tuple(sorted(item["name"] for item in items))

    async def add_doctor(self, name: str) -> None:
        item = {"PK": "DOCTORS", "SK": doctor_key(name), "name": name}
        await self.backend.transact([Put(TableName.APPOINTMENTS, item)])

    async def busy(self, doctor: str, since: datetime, until: datetime) -> dict[datetime, str]:
        """The doctor's taken grid cells, `since` <= cell < `until`, with the appointment that holds each."""
        items = await self.backend.query(
            TableName.APPOINTMENTS, slots_key(doctor), low=to_iso(since), high=to_iso(until)
        )
        taken = {from_iso(item["SK"]): str(item["appointmentId"]) for item in items}
        return {cell: holder for cell, holder in taken.items() if cell < until}

    # Calls.

    async def save_call(
        self, call: CallRecord, state: Mapping[str, Any] | None = None, kept: CallRecord | None = None
    ) -> CallRecord:
        """Keep a call's record, and before it what another process needs beside it to go on with the call: a JSON
        object, kept for `KEEP_STATE`. Before both the call is filed under its customers (data.references). Only what is
        new since the record was `kept` last is written. Returns what stands: merged with what others have written
        (data.calls). A record that was erased meanwhile stays so. May raise Conflict."""
        return await self._calls.save(call, state, kept)

    async def amend_call(self, call_id: str, change: Callable[[CallRecord], CallRecord]) -> CallRecord | None:
        """Change the record as it stands, and return it; `change` is asked again where another write came between.
        None for a call that is not on record. May raise Conflict."""
        return await self._calls.amend(call_id, change)

    async def modernize_call(self, call_id: str) -> CallRecord | None:
        """Write a record anew that a version before has stored. None if it is not there. May raise Conflict."""
        return await self._calls.modernize(call_id)

    async def call(self, call_id: str) -> CallRecord | None:
        """Raises Malformed for one that cannot be read."""
        return await self._calls.get(call_id)

    async def whole_calls(self, ids: Iterable[str]) -> CallsFound:
        """These calls, as far as they are there."""
        return await self._calls.whole(ids)

    async def open_calls(self, limit: int, after: str | None = None) -> Page[CallHead]:
        """The calls without an end, of all processes. Those that versions before have stored are not among them."""
        return await self._calls.open(limit, after)

    async def calls(
        self,
        *,
        number: str | None = None,
        outcome: str | None = None,
        disposition: str | None = None,
        tool: str | None = None,
        flag: str | None = None,
        fault: bool = False,
        unserved: bool = False,
        text: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[CallHead]:
        """Newest first, `since` <= begin < `until`. `after` is the `next` of the page before. What
        a call came to is known of calls that have ended, and `disposition` is any that it came to; of an `unserved`
        one nothing came (data.dispositions.NOTHING).

        `text` are words that were said or that a tool was given, in any order, case and accents apart. What a search
        looks through for one page is bounded: it may hold few, and yet have a `next`.
        """
        words = plain(text).split() if text else []
        search = CallSearch(fault, flag, tool, disposition, outcome, unserved)
        return await self._calls.page(
            number=number, search=search, words=words, since=since, until=until, limit=limit, after=after
        )

    async def days(self, first: date, last: date) -> tuple[DayCounts, ...]:
        """What the calls of each of these days came to, both included; a day without calls is left out."""
        low, high = day_counts.span(first, last)
        items = await self.backend.query(TableName.CALLS, day_counts.DAYS, low=low, high=high)
        return tuple(day_counts.summed(items).values())

    async def calls_of(self, names: Collection[str]) -> CallsFound:
        """The calls that are filed under any of these names (data.references), newest first."""
        return await self._calls.of(names)

    async def erase_call(self, call_id: str) -> None:
        """Delete a call's record, state, receipts and references, and remember that it was erased: its recording may
        lie with another server."""
        await self._calls.erase(call_id)

    async def erase_recording(self, call_id: str) -> None:
        """Remember that the recording of a call is to be deleted, wherever parts of it lie; its record stays."""
        await self._calls.erase_recording(call_id)

    async def erased_calls(self) -> tuple[str, ...]:
        """The calls that were erased, or whose recording was, as long as a recording of theirs may be kept anywhere."""
        return await self._calls.erased()

    async def recall(self, call_id: str) -> dict[str, Any] | None:
        """The state that was kept last with the call's record."""
        item = await self._live(TableName.CALLS, f"CALL#{call_id}", "STATE")
        return dict(json.loads(item["state"])) if item else None

    async def forget(self, call_id: str) -> None:
        """The call is over: nobody will go on with it."""
        await self.backend.transact([Delete(TableName.CALLS, (f"CALL#{call_id}", "STATE"))])

    # Callers who are passed on to a person, and who are called back.

    async def transfer(self, call_id: str) -> tuple[dict[str, Any], int] | None:
        """How far the call's last transfer is (telephony.transfer), and its version to save the next state on."""
        item = await self._live(TableName.CALLS, f"CALL#{call_id}", "TRANSFER")
        return (dict(json.loads(item["state"])), int(item["version"])) if item else None

    async def save_transfer(self, call_id: str, state: Mapping[str, Any], based_on: int) -> bool:
        """Keep a JSON object for `KEEP_STATE`. Return False where the version is no longer `based_on`; 0 is none."""
        item: Item = {"PK": f"CALL#{call_id}", "SK": "TRANSFER", "version": based_on + 1}
        item |= {"state": json.dumps(state, ensure_ascii=False), TTL_ATTRIBUTE: epoch(self._clock() + KEEP_STATE)}
        return await self._written(Put(TableName.CALLS, item, Version(based_on) if based_on else Absent()))

    async def ask_callback(self, callback: CallBack, idempotency: IdempotencyRecord) -> IdempotencyRecord:
        """Note it once, in place of one that was asked for earlier in the call; return the receipt that stands. Raises
        Conflict as `commit` does."""
        before = await self.callback(callback.call_id)
        written = replace(callback, version=before.version + 1 if before else 1)
        put = Put(TableName.CALLS, self._callback_item(written), Version(before.version) if before else Absent())
        told = self.webhooks.writes(events.of_callback(written, self._clock()))
        try:
            await self.backend.transact([put, *receipt_writes(idempotency, self._clock() + KEEP_RECEIPTS), *told])
        except (ConditionFailed, Unavailable) as failed:
            if stored := await self._standing(idempotency):
                return stored
            if isinstance(failed, ConditionFailed):
                raise Conflict from failed
            raise
        self.webhooks.added(told)
        return idempotency

    async def callback(self, call_id: str) -> CallBack | None:
        """Raises Malformed for one that cannot be read."""
        item = await self._live(TableName.CALLS, *callbacks.key(call_id))
        return to_callback(item) if item else None

    async def callbacks_of(self, calls: Sequence[str]) -> tuple[CallBack, ...]:
        """Those that were asked for in these calls, without any that cannot be read."""
        keys = [callbacks.key(call_id) for call_id in calls]
        found = await self.backend.get_many(TableName.CALLS, keys) if keys else []
        read, _ = await readable(to_callback, [item for item in found if item and self._is_live(item)])
        return tuple(read)

    async def callbacks(
        self, *, status: CallBackStatus | None = None, limit: int | None = None, after: str | None = None
    ) -> Page[CallBack]:
        """Newest first. `after` is the `next` of the page before."""

        async def load(entries: Sequence[Item]) -> list[Item | None]:
            keys = [(str(item["PK"]), callbacks.SK) for item in entries]
            found = await self.backend.get_many(TableName.CALLS, keys)
            return [
                item if item and self._is_live(item) and status in (None, item.get("status")) else None
                for item in found
            ]

        here, older = (callbacks.KIND,), ((OLDER.name, callbacks.KIND),)
        listing = Listing(TableName.CALLS, BY_BEGIN.name, here, descending=True, also=older, load=load)
        return await self._page(listing, to_callback, limit, after)

    async def close_callback(self, call_id: str, status: CallBackStatus) -> CallBack | None:
        """Mark a call-back, done or pending again, and return it; None if there is none. May raise Conflict."""
        for _ in range(MERGES):
            before = await self.callback(call_id)
            if before is None or before.status is status:
                return before
            done_at = self._clock() if status is CallBackStatus.DONE else None
            after = replace(before, status=status, done_at=done_at, version=before.version + 1)
            if await self._written(Put(TableName.CALLS, self._callback_item(after), Version(before.version))):
                return after
        raise Conflict

    # Nonces and failures.

    async def consume_nonce(self, nonce: str, expires: datetime) -> bool:
        """True for the first one who spends the nonce; it is remembered until `expires`."""
        key = f"NONCE#{_digest(nonce)}"
        item = {"PK": key, "SK": key, TTL_ATTRIBUTE: epoch(expires)}
        try:
            await self.backend.transact([Put(TableName.CALLS, item, Absent())])
        except ConditionFailed:
            return False
        return True

    async def record_failure(self, who: str, window: timedelta, amount: int = 1) -> int:
        """Count a failure of `who` (-1 takes one back), and return which one it is, counted as `failure_count` does.

        Failures at once get different numbers. `who` is stored as a digest only.
        """
        bucket = self._bucket(window)
        expires = datetime.fromtimestamp((bucket + 2) * window.total_seconds(), UTC)
        pk = _strikes_key(who, window)
        number = await self.backend.add(TableName.CALLS, pk, f"{bucket:012d}", amount, expires)
        before = await self.backend.get(TableName.CALLS, pk, f"{bucket - 1:012d}")
        return number + (int(before["n"]) if before else 0)

    async def failure_count(self, who: str, window: timedelta) -> int:
        """Failures of `who` in this window and the one before."""
        low = f"{self._bucket(window) - 1:012d}"
        items = await self.backend.query(TableName.CALLS, _strikes_key(who, window), low=low)
        return sum(int(item["n"]) for item in items)

    # Inside.

    async def _written(self, put: Put) -> bool:
        """Return False where its condition did not hold."""
        try:
            await self.backend.transact([put])
        except ConditionFailed:
            return False
        return True

    def _callback_item(self, callback: CallBack) -> Item:
        return callbacks.to_item(callback, callback.asked_at + self._keep_calls)

    async def _transact(self, writes: list[Write]) -> None:
        """A cell that an overlapping appointment of old times holds need not be freed: leave it to that one."""
        try:
            await self.backend.transact(writes)
        except ConditionFailed as failed:
            others = {n for n in failed.positions if n > 0 and isinstance(writes[n], Delete)}
            if others != failed.positions:
                raise
            await self._transact([write for n, write in enumerate(writes) if n not in others])

    async def _standing(self, idempotency: IdempotencyRecord) -> IdempotencyRecord | None:
        """The receipt that was written for this tool use or for this intent. Raises Conflict where the same use did
        something else: then this was not done."""
        for key in idempotency_keys(idempotency):
            if item := await self._live(TableName.CALLS, *key):
                stored = to_idempotency_record(item)
                if stored.intent != idempotency.intent:
                    raise Conflict
                return stored
        return None

    async def _live(self, table: TableName, pk: str, sk: str) -> Item | None:
        item = await self.backend.get(table, pk, sk)
        return item if item and self._is_live(item) else None

    def _is_live(self, item: Item) -> bool:
        return is_live(item, self._clock)

    def _bucket(self, window: timedelta) -> int:
        return int(self._clock().timestamp() // window.total_seconds())

    async def _count(self, kind: type[Record], amount: int) -> int:
        record_type = type_of(kind)
        return await self.backend.add(record_type.table, record_type.counter_key, record_type.counter_key, amount, None)

    async def _records[R: Record](
        self,
        record_type: RecordType[R],
        index: Index,
        partitions: tuple[str, ...],
        since: datetime | None = None,
        until: datetime | None = None,
        keep: Callable[[Item], bool] = lambda item: True,
        limit: int | None = None,
        after: str | None = None,
    ) -> Page[R]:
        """An index holds the records of every type in its table."""
        listing = Listing(
            record_type.table,
            index.name,
            partitions,
            optional_iso(since),
            optional_iso(until),
            descending=record_type.newest_first,
            keep=lambda item: record_type.owns(item) and keep(item),
        )
        return await self._page(listing, record_type.read, limit, after)

    async def _page[T](
        self, listing: Listing, read: Callable[[Item], T], limit: int | None, after: str | None
    ) -> Page[T]:
        found = await read_page(self.backend, listing, limit, after)
        records, unreadable = await readable(read, found.items)
        return Page(tuple(records), found.next, unreadable)


def _with(**wanted: str | None) -> Callable[[Item], bool]:
    """Items that have these attributes, of which None stands for any."""
    return lambda item: all(value in (None, item.get(name)) for name, value in wanted.items())


def _strikes_key(who: str, window: timedelta) -> str:
    return f"STRIKES#{int(window.total_seconds())}#{_digest(who)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
