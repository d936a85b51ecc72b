"""A customer's data: all that is kept of one person, to hand over or to erase.

A customer is known by an e-mail address, by a phone number, or both. Their calls are those from that number and
those in which a tool touched one of their records or was given their address.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Annotated

from agent.recordings import Recordings
from carlos.masking import Personal, holds_personal_data
from data.backend import Delete, Write
from data.errors import Conflict
from data.models import RECORDS, Appointment, CallRecord, Order, Record
from data.phones import known_number
from data.store import Change, Store
from data.tables import TableName

_PAGE = 200
_RECORD_FIELDS = {f"{kind.__name__[0].lower()}{kind.__name__[1:]}Id": kind for kind in RECORDS}  # orderId and so on


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
    orders: tuple[Order, ...]
    appointments: tuple[Appointment, ...]
    calls: tuple[CallRecord, ...]

    @property
    def records(self) -> list[Record]:
        return [*self.orders, *self.appointments]


async def export(store: Store, customer: Customer) -> CustomerData:
    """Everything kept of the customer. Raises ValueError for a customer who is not named."""
    if not (customer.email or customer.phone):
        raise ValueError("name the customer by e-mail or by phone number")
    orders: tuple[Order, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    if customer.email:
        orders = (await store.orders(email=customer.email)).items
        appointments = (await store.appointments(email=customer.email)).items
    found = CustomerData(orders, appointments, ())
    calls = [call for call in await _all_calls(store) if _is_theirs(call, customer, found.records)]
    return replace(found, calls=tuple(calls))


async def erase(store: Store, recordings: Recordings, customer: Customer) -> CustomerData:
    """Delete what `export` finds, recordings included, and return it. Calls must have ended; Conflict if not."""
    found = await export(store, customer)
    if any(call.ended_at is None for call in found.calls):
        raise Conflict("one of the customer's calls has not ended")
    for record in found.records:
        await store.commit(Change(record, None))
    for call in found.calls:
        await erase_call(store, recordings, call.id)
    return found


async def erase_call(store: Store, recordings: Recordings, call_id: str) -> None:
    """Delete a call's record, state, receipts and recording."""
    key = f"CALL#{call_id}"
    items = await store.backend.query(TableName.CALLS, key)
    writes: list[Write] = [Delete(TableName.CALLS, (item["PK"], item["SK"])) for item in items]
    for start in range(0, len(writes), 100):
        await store.backend.transact(writes[start : start + 100])
    recordings.erase(call_id)


async def _all_calls(store: Store) -> list[CallRecord]:
    calls: list[CallRecord] = []
    after = None
    while True:
        page = await store.calls(limit=_PAGE, after=after)
        calls += page.items
        after = page.next
        if after is None:
            return calls


def _is_theirs(call: CallRecord, customer: Customer, records: list[Record]) -> bool:
    if customer.phone and call.caller_number == customer.phone:
        return True
    ids = {(type(record), record.id) for record in records}
    for tool in call.tools:
        said = {**tool.arguments, **tool.result}
        if tool.ok and any((kind, str(said.get(field))) in ids for field, kind in _RECORD_FIELDS.items()):
            return True
        if customer.email and customer.email in json.dumps(said, ensure_ascii=False).lower():
            return True
    return False
