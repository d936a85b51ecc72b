"""What happened, as others are told of it: ids, times, kinds and outcomes, and nothing personal.

    call.ended           a call, however it ended
    appointment.changed  made, moved, cancelled, edited or deleted, by a caller, over REST or in the console
    order.changed        the same of an order, and of every other type of record by its noun
    callback.requested   a caller asked to be called

An event is of one version of one record: whoever gets several of a record, late or in any order, keeps the highest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.times import to_iso
from data.callbacks import CallBack
from data.calls import part
from data.changes import Change
from data.models import Appointment, AppointmentStatus, CallRecord, Order, OrderStatus, Record
from data.records import type_of

CALL_ENDED, CALLBACK_REQUESTED = "call.ended", "callback.requested"
TEST = "webhook.test"  # of `carlos webhooks test`
_CANCELLED = frozenset({OrderStatus.CANCELLED, AppointmentStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Event:
    """`about` is the record's id, `data` the JSON object that is told, with it in `id` and its version in `version`."""

    type: str
    about: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`webhook-id`: of this event alone, and in the order of time."""
        told = f"{self.type}/{self.about}/{self.data.get('version')}/{to_iso(self.at)}"
        return f"msg_{round(self.at.timestamp() * 1000):012x}{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def of_change(change: Change, at: datetime, call_id: str | None = None) -> Event:
    """`call_id` is the call in which it was done; None for what people did."""
    before, after = change.before, change.after
    new, old = _facts(change.record), _facts(before) if before and after else {}
    data: dict[str, Any] = {
        "id": change.record.id,
        "version": before.version + 1 if before else 1,
        "change": _change(before, after),
        **new,
    }
    if previous := {name: value for name, value in old.items() if new.get(name) != value}:
        data["previous"] = previous
    if call_id:
        data["callId"] = call_id
    return Event(f"{type_of(type(change.record)).noun}.changed", change.record.id, at, data)


def of_call(before: CallRecord | None, after: CallRecord, at: datetime) -> Event | None:
    """Return what is to be told when `after` is written over `before`: once of each end. A call that was cut off and
    then went on ends again."""
    if after.ended_at is None or (before is not None and _end(before) == _end(after)):
        return None
    seconds = (after.ended_at - after.started_at).total_seconds()
    data = {
        "id": after.id,
        "version": after.version,
        "line": after.line.value,
        "startedAt": to_iso(after.started_at),
        "endedAt": to_iso(after.ended_at),
        "durationSeconds": seconds,
        "outcome": after.outcome,
        "resumed": part(after),
    }
    return Event(CALL_ENDED, after.id, at, data)


def of_callback(callback: CallBack, at: datetime) -> Event:
    data = {"id": callback.call_id, "version": callback.version, "askedAt": to_iso(callback.asked_at)}
    return Event(CALLBACK_REQUESTED, callback.call_id, at, data)


def _end(call: CallRecord) -> tuple[object, ...]:
    return (call.ended_at is not None, call.outcome, part(call))


def _change(before: Record | None, after: Record | None) -> str:
    if before is None or after is None:
        return "created" if before is None else "deleted"
    if getattr(after, "status", None) in _CANCELLED and getattr(before, "status", None) not in _CANCELLED:
        return "cancelled"
    if isinstance(before, Appointment) and isinstance(after, Appointment):
        return "moved" if (before.start, before.doctor_name) != (after.start, after.doctor_name) else "updated"
    return "updated"


def _facts(record: Record) -> dict[str, Any]:
    """What is nobody's secret, by the names that REST has for it."""
    match record:
        case Order():
            return {"status": record.status.value, "createdAt": to_iso(record.created_at)}
        case Appointment():
            return {"status": record.status.value, "date": to_iso(record.start), "duration": record.duration}
    return {"status": str(record.status)} if hasattr(record, "status") else {}
