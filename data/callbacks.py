"""Call-backs that callers asked for, for the owner to make: one a call at most, asked again it is replaced.

Each lies beside its call's record, lives as long as that does and is erased with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from common.masking import Personal, holds_personal_data
from common.times import from_iso, to_iso
from data.backends.base import Item, Key
from data.errors import Malformed
from data.items import MISSHAPEN, whole
from data.tables import TTL_ATTRIBUTE

KIND = "callback"  # the one partition of all in the index: they are few
SK = "CALLBACK"


class CallBackStatus(StrEnum):
    PENDING = "pending"
    DONE = "done"


@holds_personal_data
@dataclass(frozen=True, slots=True)
class CallBack:
    """`call_id` is the call in which it was asked for, and its id."""

    call_id: str
    phone: Annotated[str, Personal.NUMBER]
    about: Annotated[str, Personal.TEXT]
    asked_at: datetime
    status: CallBackStatus = CallBackStatus.PENDING
    done_at: datetime | None = None
    version: int = 0


def key(call_id: str) -> Key:
    return f"CALL#{call_id}", SK


def to_item(callback: CallBack, expires: datetime) -> Item:
    pk, sk = key(callback.call_id)
    item: Item = {
        "PK": pk,
        "SK": sk,
        "shard": KIND,
        "callId": callback.call_id,
        "phone": callback.phone,
        "about": callback.about,
        "startedAt": to_iso(callback.asked_at),
        "status": callback.status.value,
        "version": callback.version,
        TTL_ATTRIBUTE: int(expires.timestamp()),
    }
    return item | ({"doneAt": to_iso(callback.done_at)} if callback.done_at else {})


def to_callback(item: Mapping[str, Any]) -> CallBack:
    """Raise Malformed for an item that is no call-back of ours."""
    try:
        return CallBack(
            item["callId"],
            item["phone"],
            item["about"],
            from_iso(item["startedAt"]),
            CallBackStatus(item["status"]),
            from_iso(item["doneAt"]) if item.get("doneAt") else None,
            whole(item["version"]),
        )
    except MISSHAPEN as error:
        raise Malformed(f"call-back item: {type(error).__name__}") from error
