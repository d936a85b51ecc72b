"""Messages to callers, each at most once.

A mark beside the call for each write that a message tells of, and the message's receipt, are written in one transaction
before it is sent: whoever asks again, in whichever process, finds them. Where a process died in between, the mark
stays, and nobody sends the message again: it may have gone out, and nobody can ask. Only of a message that surely was
not sent is the mark taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from data.backends.base import Absent, Backend, Delete, Put, Write
from data.changes import IdempotencyRecord, receipt_items
from data.tables import TTL_ATTRIBUTE, TableName

_MARK = "MESSAGE#"


async def told(backend: Backend, call_id: str) -> frozenset[str]:
    """Return the fingerprints of the call's writes that a message has told of, or may have."""
    items = await backend.query(TableName.CALLS, f"CALL#{call_id}", low=_MARK, high="MESSAGE$")
    return frozenset(str(item["SK"]).removeprefix(_MARK) for item in items)


async def claim(backend: Backend, writes: Sequence[str], receipt: IdempotencyRecord, expires: datetime) -> None:
    """Mark these writes as told of. Raise ConditionFailed if one is, or if there is such a receipt, Unavailable."""
    marks = [
        {"PK": pk, "SK": sk, "toolUseId": receipt.tool_use_id, TTL_ATTRIBUTE: int(expires.timestamp())}
        for pk, sk in _keys(writes, receipt)
    ]
    items = [*marks, *receipt_items(receipt, expires)]
    await backend.transact([Put(TableName.CALLS, item, Absent()) for item in items])


async def settle(
    backend: Backend, writes: Sequence[str], receipt: IdempotencyRecord, expires: datetime, *, not_sent: bool
) -> None:
    """Put the receipt with the result in the first one's place; what was surely not sent may be sent another time."""
    changes: list[Write] = [Put(TableName.CALLS, item) for item in receipt_items(receipt, expires)]
    if not_sent:
        changes += [Delete(TableName.CALLS, key) for key in _keys(writes, receipt)]
    await backend.transact(changes)


def _keys(writes: Sequence[str], receipt: IdempotencyRecord) -> list[tuple[str, str]]:
    return [(f"CALL#{receipt.call_id}", f"{_MARK}{write}") for write in writes]
