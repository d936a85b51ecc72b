"""Whom a call was with: a small item beside the call's record for each number, address and record that it has to do
with, so that a customer's calls are found without reading everybody's. Their keys are digests: they name nobody."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from common.times import to_iso
from data.backends.base import Item
from data.models import CallRecord, Record, known_email
from data.records import record_types
from data.tables import TTL_ATTRIBUTE

PREFIX = "CUSTOMER#"
_BETWEEN_ADDRESSES = re.compile(r"(?:\\.|[\s\"'<>()\[\]{},;:])+")  # in JSON text


def of_number(number: str) -> str:
    return f"number {number}"


def of_email(email: str) -> str:
    return f"email {known_email(email)}"


def of_record(kind: type[Record], record_id: str) -> str:
    return f"{kind.__name__} {record_id}"


def references(call: CallRecord) -> frozenset[str]:
    """The caller's number, the records that a tool opened or changed, and every e-mail address in what a tool was given
    or answered."""
    return frozenset(_references(call))


def reference_key(name: str) -> str:
    """The partition of the calls that are filed under a name."""
    return PREFIX + hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32]


def reference_items(call: CallRecord, names: Collection[str], expires: int) -> list[Item]:
    """Sorted by when the calls began; `expires` as the record does, in epoch seconds."""
    content = {"SK": f"{to_iso(call.started_at)}#{call.id}", "callId": call.id, TTL_ATTRIBUTE: expires}
    return [{"PK": reference_key(name)} | content for name in sorted(names)]


def _references(call: CallRecord) -> Iterator[str]:
    if call.caller_number:
        yield of_number(call.caller_number)
    for tool in call.tools:
        said = {**tool.arguments, **tool.result}
        if tool.ok:
            ids = ((each.kind, said.get(f"{each.noun}Id")) for each in record_types())  # orderId and so on
            yield from (of_record(kind, str(record_id)) for kind, record_id in ids if record_id)
            for each in record_types():  # a search's orders and so on
                yield from (of_record(each.kind, str(found["id"])) for found in _listed(said.get(each.nouns)))
        for word in _BETWEEN_ADDRESSES.split(json.dumps(said, ensure_ascii=False)):
            if "@" in word:
                yield of_email(word.strip("."))


def _listed(found: Any) -> list[Mapping[str, Any]]:
    """The records in what a tool answered with, without what is none."""
    return [each for each in found if isinstance(each, Mapping) and "id" in each] if isinstance(found, list) else []
