"""Call records as the versions before stored them: all of a call in one item."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from common.times import to_iso
from data.backends.base import Item
from data.models import CallRecord
from data.tables import TTL_ATTRIBUTE


def legacy_call_item(call: CallRecord, expires: datetime | None = None) -> Item:
    """The item, expiring by default as it would with 90 days to keep calls."""
    expires = expires or call.started_at + timedelta(days=90)
    item: Item = {
        "PK": f"CALL#{call.id}",
        "SK": "RECORD",
        "kind": "call",
        "id": call.id,
        "line": call.line.value,
        "startedAt": to_iso(call.started_at),
        "interruptions": call.interruptions,
        "turns": _json([asdict(turn) for turn in call.turns]),
        "tools": _json([asdict(tool) for tool in call.tools]),
        "details": _json(dict(call.details)),
        "version": call.version,
        TTL_ATTRIBUTE: int(expires.timestamp()),
    }
    optional = {
        "endedAt": to_iso(call.ended_at) if call.ended_at else None,
        "callerNumber": call.caller_number,
        "outcome": call.outcome,
    }
    return item | {name: value for name, value in optional.items() if value is not None}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=to_iso)
