"""Webhooks on their way: a transactional outbox, what could not be delivered, and who sends.

    PK                  SK                                  in table `calls`
    WEBHOOKS#1f0c9a2e   DUE#2026-11-24T15:00:00.000Z#msg_…   an event for one receiver, and when it is to be tried next
    WEBHOOKS            DEAD#msg_…-1f0c9a2e                  one that nobody tries any more
    WEBHOOKS            RECEIVER#1f0c9a2e                    a receiver: which process sends to it, and how that goes

An event is written in the transaction of the change that it tells of (`Webhooks.writes`), so there is none without the
other, whatever dies in between. It is deleted when its receiver has taken it: one that was taken just before its
process died is sent again, under the same id. What is due comes first in its partition, so that a receiver that is away
costs no more to look at than one that is well.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from common.times import Clock, from_iso, to_iso
from data.backends.base import Absent, Backend, ConditionFailed, Delete, Item, Key, Put, Version
from data.errors import Conflict, Malformed
from data.events import Event
from data.items import MISSHAPEN, optional_iso, present, whole
from data.pages import Listing, Page, read_page, readable
from data.tables import TTL_ATTRIBUTE, TableName

PK = "WEBHOOKS"
DUE, DEAD, RECEIVER = "DUE#", "DEAD#", "RECEIVER#"
KEEP = timedelta(days=30)  # what is due, while no server runs, and what is dead
RECENT = 10  # deliveries that a receiver's item remembers
_COUNTED = 1000  # of what waits; more is not counted
_LOOKED_AT = 200  # of what waits, for the oldest of them


@dataclass(frozen=True, slots=True)
class Receiver:
    """`url` may hold a secret in its path: others are shown `origin` and `id`."""

    url: str

    @property
    def id(self) -> str:
        return hashlib.sha256(self.url.encode()).hexdigest()[:8]

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Letter:
    """An event for one receiver. `id` is the event's; `reason` is why the last of its `attempts` failed."""

    id: str
    receiver: str
    type: str
    about: str
    at: datetime
    data: dict[str, Any]
    due: datetime
    attempts: int = 0
    reason: str = ""
    died_at: datetime | None = None

    @property
    def name(self) -> str:
        """Which no other letter has: the id of a dead one in REST."""
        return f"{self.id}-{self.receiver}"

    @property
    def key(self) -> Key:
        """Its place; one that is put off is moved to another."""
        if self.died_at is not None:
            return PK, DEAD + self.name
        return f"{PK}#{self.receiver}", f"{DUE}{to_iso(self.due)}#{self.id}"

    @classmethod
    def of(cls, event: Event, receiver: Receiver) -> Self:
        return cls(event.id, receiver.id, event.type, event.about, event.at, dict(event.data), event.at)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that was taken, or was not; `status` is HTTP's, None where there was no answer."""

    id: str
    type: str
    at: datetime
    status: int | None
    attempt: int
    ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """As the process that sends to it wrote it last: `holder`, until `until`. `disabled_at`: it answered 410."""

    receiver: str
    holder: str = ""
    until: datetime | None = None
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    recent: tuple[Delivery, ...] = field(default=())  # newest first
    version: int = 0

    def with_recent(self, news: Sequence[Delivery]) -> ReceiverState:
        """`news` are in the order in which they happened."""
        known = dict.fromkeys([*reversed(news), *self.recent])
        return replace(self, recent=tuple(known)[:RECENT])


class Webhooks:
    """Any method may raise Unavailable. `backend` is asked for each time: the store's may be replaced.

    `receivers` are told of the events that are `wanted`, of all where that is empty; without any, nothing is written.
    `on_added` is called when an event of this process is in the store.
    """

    def __init__(self, backend: Callable[[], Backend], clock: Clock) -> None:
        self.receivers: tuple[Receiver, ...] = ()
        self.wanted: Collection[str] = ()
        self.on_added: Callable[[], None] = lambda: None
        self._get_backend = backend
        self._clock = clock

    def writes(self, event: Event | None) -> list[Put]:
        """What tells the receivers of an event; to be written in one transaction with what it tells of."""
        if event is None or (self.wanted and event.type not in self.wanted):
            return []
        return [self._put(Letter.of(event, receiver)) for receiver in self.receivers]

    def added(self, written: Sequence[Put]) -> None:
        """Say that what `writes` has returned is in the store."""
        if written:
            self.on_added()

    # What is due.

    async def due(self, receiver: str, limit: int) -> list[Letter]:
        """The letters that are to be tried now, those that have waited longest first."""
        high = f"{DUE}{to_iso(self._clock())}$"
        items = await self._backend.query(TableName.CALLS, f"{PK}#{receiver}", low=DUE, high=high, limit=limit)
        letters, _ = await readable(_letter, items)
        return letters

    async def waiting(self, receiver: str) -> int:
        """How many letters wait for a receiver, due or not; no more than 1,000 are counted."""
        items = await self._backend.query(TableName.CALLS, f"{PK}#{receiver}", low=DUE, high="DUE$", limit=_COUNTED)
        return len(items)

    async def oldest(self, receiver: str) -> datetime | None:
        """When the oldest happened of what waits for a receiver, due or not; of the 200 that are due first."""
        items = await self._backend.query(TableName.CALLS, f"{PK}#{receiver}", low=DUE, high="DUE$", limit=_LOOKED_AT)
        letters, _ = await readable(_letter, items)
        return min((letter.at for letter in letters), default=None)

    async def delivered(self, letter: Letter) -> bool:
        """The receiver has taken it. Return False where it is gone already."""
        return await self._done([Delete(TableName.CALLS, letter.key, Version(letter.attempts + 1))])

    async def put_off(self, letter: Letter, due: datetime, reason: str) -> bool:
        """It was tried in vain. Return False where another process has done something with it."""
        return await self._move(letter, replace(letter, due=due, attempts=letter.attempts + 1, reason=reason))

    async def bury(self, letter: Letter, attempts: int, reason: str) -> bool:
        """Nobody tries it any more. Return False where another process has done something with it."""
        return await self._move(letter, replace(letter, attempts=attempts, reason=reason, died_at=self._clock()))

    # What is dead.

    async def dead(self, limit: int | None = None, after: str | None = None) -> Page[Letter]:
        """Those of the newest events first. `after` is the `next` of the page before."""
        listing = Listing(TableName.CALLS, None, (PK,), DEAD, "DEAD$", descending=True)
        found = await read_page(self._backend, listing, limit, after)
        letters, unreadable = await readable(_letter, found.items)
        return Page(tuple(letters), found.next, unreadable)

    async def dead_letter(self, name: str) -> Letter | None:
        item = await self._backend.get(TableName.CALLS, PK, DEAD + name)
        return _letter(item) if item else None

    async def revive(self, letter: Letter) -> None:
        """Try a dead letter again, from the start. Raise Conflict where it is gone."""
        if not await self._move(letter, replace(letter, due=self._clock(), attempts=0, reason="", died_at=None)):
            raise Conflict
        self.on_added()

    async def discard(self, letter: Letter) -> None:
        """Delete a dead letter. Raise Conflict where it is gone."""
        if not await self.delivered(letter):
            raise Conflict

    # Receivers.

    async def state(self, receiver: str) -> ReceiverState:
        item = await self._backend.get(TableName.CALLS, PK, RECEIVER + receiver)
        return _state(item) if item else ReceiverState(receiver)

    async def keep_state(self, state: ReceiverState) -> bool:
        """Write it over the version that it was made of. Return False where that is no longer the stored one."""
        when = Version(state.version) if state.version else Absent()
        try:
            await self._backend.put(Put(TableName.CALLS, _state_item(state), when))
        except ConditionFailed:
            return False
        return True

    async def enable(self, receiver: str) -> None:
        """Send to a receiver again that has answered 410. Raise Conflict where others keep writing."""
        for _ in range(8):
            state = await self.state(receiver)
            if state.disabled_at is None or await self.keep_state(replace(state, disabled_at=None)):
                self.on_added()
                return
            await asyncio.sleep(0)
        raise Conflict

    # Inside.

    @property
    def _backend(self) -> Backend:
        return self._get_backend()

    def _put(self, letter: Letter) -> Put:
        return Put(TableName.CALLS, _letter_item(letter, self._clock() + KEEP))

    async def _move(self, old: Letter, new: Letter) -> bool:
        put, stands = self._put(new), Version(old.attempts + 1)
        if new.key == old.key:  # a transaction writes an item once
            return await self._done([replace(put, when=stands)])
        return await self._done([Delete(TableName.CALLS, old.key, stands), put])

    async def _done(self, writes: Sequence[Put | Delete]) -> bool:
        try:
            await self._backend.transact(writes)
        except ConditionFailed:
            return False
        return True


def _letter_item(letter: Letter, expires: datetime) -> Item:
    pk, sk = letter.key
    return present(
        {
            "PK": pk,
            "SK": sk,
            "id": letter.id,
            "receiver": letter.receiver,
            "type": letter.type,
            "about": letter.about,
            "at": to_iso(letter.at),
            "data": json.dumps(letter.data, ensure_ascii=False, separators=(",", ":")),
            "due": to_iso(letter.due),
            "version": letter.attempts + 1,
            "reason": letter.reason or None,
            "diedAt": optional_iso(letter.died_at),
            TTL_ATTRIBUTE: int(expires.timestamp()),
        }
    )


def _letter(item: Item) -> Letter:
    """Raise Malformed."""
    try:
        return Letter(
            item["id"],
            item["receiver"],
            item["type"],
            item["about"],
            from_iso(item["at"]),
            dict(json.loads(item["data"])),
            from_iso(item["due"]),
            whole(item["version"]) - 1,
            item.get("reason", ""),
            from_iso(item["diedAt"]) if "diedAt" in item else None,
        )
    except MISSHAPEN as error:
        raise Malformed(f"webhook item: {type(error).__name__}") from error


def _state_item(state: ReceiverState) -> Item:
    return present(
        {
            "PK": PK,
            "SK": RECEIVER + state.receiver,
            "version": state.version + 1,
            "holder": state.holder,
            "until": optional_iso(state.until),
            "disabledAt": optional_iso(state.disabled_at),
            "failingSince": optional_iso(state.failing_since),
            "recent": json.dumps([[*_fields(each)] for each in state.recent], separators=(",", ":")),
        }
    )


def _fields(delivery: Delivery) -> tuple[Any, ...]:
    return (
        delivery.id,
        delivery.type,
        to_iso(delivery.at),
        delivery.status,
        delivery.attempt,
        delivery.ms,
        delivery.reason,
    )


def _state(item: Item) -> ReceiverState:
    """Raise Malformed."""

    def time(name: str) -> datetime | None:
        return from_iso(item[name]) if name in item else None

    try:
        recent = tuple(
            Delivery(message, kind, from_iso(at), status, attempt, ms, reason)
            for message, kind, at, status, attempt, ms, reason in json.loads(item["recent"])
        )
        return ReceiverState(
            str(item["SK"]).removeprefix(RECEIVER),
            item["holder"],
            time("until"),
            time("disabledAt"),
            time("failingSince"),
            recent,
            whole(item["version"]),
        )
    except MISSHAPEN as error:
        raise Malformed(f"webhook receiver item: {type(error).__name__}") from error
