"""Between a call's record and its items: a small head, and each turn and each tool use beside it.

    CALL#<id>  RECORD       the head: who, when, how it ended, the details
    CALL#<id>  TURN#000000  what was said first, and so on
    CALL#<id>  TOOL#000000  the first use of a tool, and so on

So what a call costs to keep is linear in its length, and no call is too long: DynamoDB takes 400 KB an item. A turn or
a use that changes is written again alone. Each says how often the call had been resumed when it was written, so that a
part of the call that is over and still writes never overwrites a later one.

A head of the versions before holds its turns and tool uses itself. It is read as well (`CallRecord.legacy`), until it
is written anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from common.text import printable
from common.times import from_iso, to_iso
from data.backends.base import Item, Key
from data.call_indexes import ALL_SHARDS, OPEN_SHARDS, shard_of
from data.calls import CallHead, part
from data.errors import Malformed
from data.findings import Findings
from data.items import MISSHAPEN, optional_iso, present, whole
from data.labels import labels
from data.models import CallRecord, Line, ToolCall, Turn
from data.slices import sliced
from data.tables import TTL_ATTRIBUTE

HEAD = "RECORD"
TURN, TOOL = "TURN#", "TOOL#"
BESIDE = ("sonic_end_ms", "sonic_detected_ms")  # a turn's fields that a process of the version before would not read
FIRST, LAST = HEAD, "TURN$"  # the sort keys between which a record lies, with a few items that are not of it


def call_key(call_id: str) -> str:
    """The partition of all that belongs to a call."""
    return f"CALL#{call_id}"


def call_id_of(item: Item) -> str:
    return str(item["PK"]).removeprefix(call_key(""))


def call_items(call: CallRecord, expires: datetime) -> list[Item]:
    """The whole record."""
    return [head_item(call, expires), *story_items(call, None, expires)]


def head_item(call: CallRecord, expires: datetime) -> Item:
    head, number = CallHead.of(call), shard_of(call.id)
    return present(
        {
            "PK": call_key(call.id),
            "SK": HEAD,
            "shard": ALL_SHARDS[number],
            "openShard": OPEN_SHARDS[number] if call.ended_at is None else None,
            "id": call.id,
            "line": call.line.value,
            "startedAt": to_iso(call.started_at),
            "endedAt": optional_iso(call.ended_at),
            "callerNumber": call.caller_number,
            "outcome": call.outcome,
            "interruptions": call.interruptions,
            "turnCount": head.turns,
            "toolCount": head.tools,
            "latencyMs": head.latency_ms,
            "findings": _json(head.findings.to_json()) if head.findings else None,
            "labels": sorted(labels(call, head.findings)) or None,
            "details": _json(dict(call.details)),
            "version": call.version,
            # What a process of the version before reads during a release: it takes the call for a short one.
            "turns": "[]",
            "tools": "[]",
            TTL_ATTRIBUTE: int(expires.timestamp()),
        }
    )


def story_items(call: CallRecord, known: CallRecord | None, expires: datetime) -> list[Item]:
    """The turns and tool uses that are not in `known` as they are here."""
    turns, tools = (known.turns, known.tools) if known else ((), ())
    fixed = {"resumed": part(call), TTL_ATTRIBUTE: int(expires.timestamp())}
    items = [{"SK": _key(TURN, n), **_turn_item(turn)} for n, turn in _news(call.turns, turns)]
    items += [{"SK": _key(TOOL, n), "tool": _json(asdict(tool))} for n, tool in _news(call.tools, tools)]
    return [{"PK": call_key(call.id)} | item | fixed for item in items]


def beyond(call: CallRecord, stored: CallRecord) -> list[Key]:
    """The keys of the stored turns and tool uses that come after the last ones of `call`."""
    turns, tools = range(len(call.turns), len(stored.turns)), range(len(call.tools), len(stored.tools))
    keys = [*(_key(TURN, n) for n in turns), *(_key(TOOL, n) for n in tools)]
    return [(call_key(call.id), key) for key in keys]


def to_head(item: Mapping[str, Any]) -> CallHead:
    """Raise Malformed for an item that is not the head of a call of ours."""
    try:
        record = CallRecord(
            id=item["id"],
            line=Line(item["line"]),
            started_at=from_iso(item["startedAt"]),
            caller_number=item.get("callerNumber"),
            ended_at=from_iso(item["endedAt"]) if item.get("endedAt") else None,
            outcome=item.get("outcome"),
            interruptions=whole(item["interruptions"]),
            details=dict(json.loads(item["details"])),
            version=whole(item.get("version", 0)),
            legacy="shard" not in item,
        )
        if record.legacy:
            return CallHead.of(_with_story_inside(record, item))
        latency_ms = whole(item["latencyMs"]) if "latencyMs" in item else None
        found = Findings.from_json(json.loads(item["findings"])) if "findings" in item else None
        return CallHead(record, whole(item["turnCount"]), whole(item["toolCount"]), latency_ms, found)
    except MISSHAPEN as error:
        raise Malformed(f"call item: {type(error).__name__}") from error


async def to_call(items: Sequence[Item]) -> CallRecord | None:
    """The record that these items make, sorted as they are stored; None without a head. Raise Malformed."""
    head = next((item for item in items if item["SK"] == HEAD), None)
    if head is None:
        return None
    record = to_head(head).record
    try:
        turns = [
            _turn(json.loads(item["turn"]) | json.loads(item.get("sonic", "{}")))
            async for item in sliced(_standing(items, TURN))
        ]
        tools = [_tool(json.loads(item["tool"])) async for item in sliced(_standing(items, TOOL))]
        inside = _with_story_inside(record, head)
    except MISSHAPEN as error:
        raise Malformed(f"call item: {type(error).__name__}") from error
    if len(inside.turns) + len(inside.tools) > len(turns) + len(tools):
        return inside  # the last who wrote the head was of a version before
    return replace(record, turns=tuple(turns), tools=tuple(tools))


def said(items: Iterable[Item]) -> Iterator[str]:
    """All texts of a record's items, as they are stored: what a search looks through."""
    for item in items:
        yield from (str(item[name]) for name in ("turn", "tool", "turns", "tools") if name in item)


def _standing(items: Iterable[Item], prefix: str) -> Iterator[Item]:
    """Without what an earlier part of the call wrote beyond the place where a later one went on."""
    latest = 0
    for item in items:
        if str(item["SK"]).startswith(prefix) and whole(item["resumed"]) >= latest:
            latest = whole(item["resumed"])
            yield item


def _with_story_inside(record: CallRecord, item: Mapping[str, Any]) -> CallRecord:
    turns, tools = json.loads(item.get("turns", "[]")), json.loads(item.get("tools", "[]"))
    return replace(record, turns=tuple(map(_turn, turns)), tools=tuple(map(_tool, tools)))


def _turn_item(turn: Turn) -> Item:
    fields = asdict(turn)
    beside = {name: fields.pop(name) for name in BESIDE}
    return present({"turn": _json(fields), "sonic": _json(beside) if any(beside.values()) else None})


def _turn(fields: dict[str, Any]) -> Turn:
    return Turn(**{**fields, "at": from_iso(fields["at"])})


def _tool(fields: dict[str, Any]) -> ToolCall:
    return ToolCall(**{**fields, "at": from_iso(fields["at"])})


def _news[T](ours: Sequence[T], known: Sequence[T]) -> Iterator[tuple[int, T]]:
    for number, each in enumerate(ours):
        if number >= len(known) or known[number] != each:
            yield number, each


def _key(prefix: str, number: int) -> str:
    return f"{prefix}{number:06d}"


def _json(value: Any) -> str:
    """As JSON text: it is never searched, and DynamoDB then keeps it as it is."""
    return json.dumps(printable(value), ensure_ascii=False, default=to_iso)
