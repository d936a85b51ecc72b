"""A customer's data: all that is kept of one person, to hand over or to erase.

A customer is known by an e-mail address, by a phone number, or both. Their calls are those from that number and
those in which a tool touched one of their records or was given their address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Annotated

from common.masking import Personal, holds_personal_data
from common.phones import known_number
from data.callbacks import CallBack
from data.errors import Conflict
from data.models import CallRecord, Record
from data.recordings import Recordings
from data.records import record_types, type_of
from data.references import of_email, of_number, of_record
from data.store import CallsFound, Change, Store

_AT_ONCE = 16  # calls that are erased together


@holds_personal_data
@dataclass(frozen=True, slots=True)
class Customer:
    """`phone` is None for a number that is nobody's."""

    email: Annotated[str | None, Personal.TEXT] = None
    phone: Annotated[str | None, Personal.NUMBER] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "phone", known_number(self.phone))


@dataclass(frozen=True, slots=True)
class CustomerData:
    """`unreadable` are the ids of calls that cannot be read, and so not be handed over, but be erased. Call-backs are
    those that were asked for in the calls, and go with them."""

    records: tuple[Record, ...]
    calls: tuple[CallRecord, ...]
    unreadable: tuple[str, ...] = ()
    callbacks: tuple[CallBack, ...] = ()

    def of[R: Record](self, kind: type[R]) -> list[R]:
        """The records of one type."""
        return [record for record in self.records if isinstance(record, kind)]

    @property
    def people(self) -> list[str]:
        """Whose records these are, by name."""
        return sorted({type_of(type(record)).name_of(record) for record in self.records})

    @property
    def call_ids(self) -> list[str]:
        return [*(call.id for call in self.calls), *self.unreadable]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are: of each type of record, and of calls."""
        return {each.nouns: len(self.of(each.kind)) for each in record_types()} | {"calls": len(self.call_ids)}


async def export(store: Store, customer: Customer) -> CustomerData:
    """Everything kept of the customer. Raises ValueError for a customer who is not named."""
    if not (customer.email or customer.phone):
        raise ValueError("name the customer by e-mail or by phone number")
    records: list[Record] = []
    if customer.email:
        for each in record_types():
            records += (await store.records(each, email=customer.email)).items
    calls: CallsFound = await store.calls_of(set(_names(customer, records)))
    callbacks = await store.callbacks_of([call.id for call in calls.records])
    return CustomerData(tuple(records), calls.records, calls.unreadable, callbacks)


async def erase(store: Store, recordings: Recordings, found: CustomerData) -> None:
    """Delete what `export` found, recordings first: where these cannot be deleted, nothing is. Calls must have ended.
    Raise Conflict if one has not, Unavailable if the recordings or the records cannot be reached."""
    if any(call.ended_at is None for call in found.calls):
        raise Conflict("one of the customer's calls has not ended")
    await asyncio.to_thread(recordings.erase, found.call_ids)
    for record in found.records:
        await store.commit(Change(record, None))
    for some in batched(found.call_ids, _AT_ONCE):
        await asyncio.gather(*(store.erase_call(call_id) for call_id in some))


def _names(customer: Customer, records: Iterable[Record]) -> Iterator[str]:
    """What their calls are filed under."""
    if customer.email:
        yield of_email(customer.email)
    if customer.phone:
        yield of_number(customer.phone)
    yield from (of_record(type(record), record.id) for record in records)
