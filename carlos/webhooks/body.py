"""What a webhook's body holds: the event, and of its record what WEBHOOK_FIELDS names, as it is when it is sent.

What is personal is never kept with an event: it is read from the record for each attempt. So nothing of somebody who
was erased meanwhile is sent, and nothing personal lies among what could not be delivered.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from api.callbacks import callback_json
from api.schemas import record_json
from common.times import to_iso
from data.errors import Malformed
from data.events import CALL_ENDED, CALLBACK_REQUESTED
from data.records import record_types
from data.store import Store
from data.webhooks import Letter


async def body_of(store: Store, letter: Letter, fields: Collection[str]) -> bytes:
    """Return the JSON that is signed and sent. Raise Unavailable."""
    more = await _named(store, letter, fields) if fields else {}
    told = {"type": letter.type, "timestamp": to_iso(letter.at), "data": {**letter.data, **more}}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


async def _named(store: Store, letter: Letter, fields: Collection[str]) -> dict[str, Any]:
    """The fields that a setting names; none of a record that is gone or cannot be read, which `carlos doctor` names."""
    try:
        record = await _record(store, letter)
    except Malformed:
        return {}
    return {name: record[name] for name in fields if name in record and name not in letter.data}


async def _record(store: Store, letter: Letter) -> dict[str, Any]:
    """The record as REST shows it."""
    if letter.type == CALL_ENDED:
        call = await store.call(letter.about)
        return {"callerNumber": call.caller_number} if call else {}
    if letter.type == CALLBACK_REQUESTED:
        callback = await store.callback(letter.about)
        return callback_json(callback) if callback else {}
    for record_type in record_types():
        if letter.type == f"{record_type.noun}.changed":
            record = await store.record(record_type, letter.about)
            return record_json(record) if record else {}
    return {}
