"""A change of one record, and what it takes to write it: the record, what it holds beside itself, and the receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from data.backends.base import Absent, Delete, HeldBy, Item, Put, Version, Write
from data.models import Record
from data.records import type_of
from data.tables import TTL_ATTRIBUTE, TableName


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What a tool use did, and what was answered.

    `fingerprint` names the intent behind it: the tool and what its arguments came to mean. Within a call neither
    a tool use nor an intent is carried out twice, whichever process or model stream asks for it again. `asked` is the
    tool and its arguments as they were given: a use with the same id and others is another one.
    """

    call_id: str
    tool_use_id: str
    fingerprint: str
    result: Mapping[str, Any]
    asked: str = ""  # not known of receipts of versions before

    @property
    def intent(self) -> str:
        """Return the fingerprint without the number of the time, for what may be wanted more than once."""
        return self.fingerprint.partition("#")[0]

    def answers(self, tool: str, asked: str) -> bool:
        """Return whether it is of this use of a tool, as far as is known."""
        return self.asked == asked if self.asked else self.fingerprint.startswith(f"{tool}:")


@dataclass(frozen=True, slots=True)
class Change:
    """One record before and after; `before` None creates, `after` None deletes."""

    before: Record | None
    after: Record | None

    @property
    def record(self) -> Record:
        record = self.after or self.before
        if record is None:
            raise ValueError("a change changes something")
        return record


def writes_of(change: Change, idempotency: IdempotencyRecord | None, receipts_expire: datetime) -> list[Write]:
    """One transaction. The record's own write is the first; every write has its condition."""
    writes = [_record_write(change), *_held_writes(change)]
    if idempotency:
        writes += receipt_writes(idempotency, receipts_expire)
    return writes


def receipt_writes(idempotency: IdempotencyRecord, expire: datetime) -> list[Write]:
    """What makes a change happen once."""
    return [Put(TableName.CALLS, item, Absent()) for item in receipt_items(idempotency, expire)]


def idempotency_keys(idempotency: IdempotencyRecord) -> tuple[tuple[str, str], tuple[str, str]]:
    """A receipt is filed twice: by tool use and by intent."""
    pk = f"CALL#{idempotency.call_id}"
    return (pk, f"DONE#{idempotency.tool_use_id}"), (pk, f"INTENT#{idempotency.fingerprint}")


def to_idempotency_record(item: Item) -> IdempotencyRecord:
    result, asked = json.loads(item["result"]), item.get("asked", "")
    return IdempotencyRecord(item["callId"], item["toolUseId"], item["fingerprint"], result, asked)


def _record_write(change: Change) -> Write:
    before, after, record_type = change.before, change.after, type_of(type(change.record))
    when = Version(before.version) if before else Absent()
    if after:
        return Put(
            record_type.table, record_type.item(replace(after, version=before.version + 1 if before else 1)), when
        )
    return Delete(record_type.table, record_type.key(change.record.id), when)


def _held_writes(change: Change) -> list[Write]:
    record_type = type_of(type(change.record))
    held = record_type.holds(change.before) if change.before else {}
    wanted = record_type.holds(change.after) if change.after else {}
    owner = HeldBy(change.record.id)
    taken: list[Write] = [Put(record_type.table, item, owner) for item in wanted.values()]
    freed: list[Write] = [Delete(record_type.table, key, owner) for key in held if key not in wanted]
    return taken + freed


def receipt_items(idempotency: IdempotencyRecord, expires: datetime) -> list[Item]:
    content = {
        "callId": idempotency.call_id,
        "toolUseId": idempotency.tool_use_id,
        "fingerprint": idempotency.fingerprint,
        "asked": idempotency.asked,
        "result": json.dumps(idempotency.result, ensure_ascii=False),
        TTL_ATTRIBUTE: int(expires.timestamp()),
    }
    return [{"PK": pk, "SK": sk} | content for pk, sk in idempotency_keys(idempotency)]
