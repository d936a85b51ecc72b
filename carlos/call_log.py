"""What CloudWatch is told of a call: each thing that happens and, at its end, the record; personal data masked.

Without `texts` it is told that something was said or done, never what. With them a call's events wait for its end: only
then are all names known that must be hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.call_events import CallEvent
from agent.transcript import CallTranscript
from api.calls import Prices, call_json, mask_call
from common.log.cloudwatch import CallLogGroup
from common.masking import mask_value
from data.findings import Findings

_SPOKEN_FIELDS = frozenset({"text", "name", "arguments", "result"})  # in a caller's, Carlos's or the model's words


def cloudwatch_listener(
    group: CallLogGroup, log: CallTranscript, prices: Prices, *, texts: bool = False
) -> Callable[[CallEvent], None]:
    """Return a listener that sends a call's events, and at its end its record, to `group`."""
    waiting: list[tuple[int, CallEvent]] = []

    def tell(event: CallEvent) -> None:
        waiting.append((log.turn, event if texts else _without(_SPOKEN_FIELDS, event)))
        is_end = event["type"] == "ended"
        if is_end or not texts:
            for turn, each in waiting:
                group.event({"kind": "event", "call_id": log.id, "turn": turn, **mask_value(each, log.names)})
            waiting.clear()
        if is_end:
            record = mask_call(call_json(log.record(), prices, Findings.of(log.record())))
            group.record({"kind": "record", "call_id": log.id, **(record if texts else _untold(record))})

    return tell


def _untold(record: dict[str, Any]) -> dict[str, Any]:
    untold = {key: [_without(_SPOKEN_FIELDS, each) for each in record[key]] for key in ("turns", "tools")}
    faults = [fault.partition(":")[0] for fault in record["details"].get("faults", [])]
    return record | untold | {"details": record["details"] | {"faults": faults}}


def _without(names: frozenset[str], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
