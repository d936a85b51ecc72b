"""What CloudWatch is told of a call: each thing that happens and, at its end, the record; personal data masked."""

from __future__ import annotations

from collections.abc import Callable

from agent.record import CallLog, Happening
from api.calls import Prices, call_json, mask_call
from carlos.log.cloudwatch import CallLogGroup
from carlos.masking import mask_value


def teller(group: CallLogGroup, log: CallLog, prices: Prices) -> Callable[[Happening], None]:
    """A listener of the call's log."""

    def tell(happening: Happening) -> None:
        masked = mask_value(happening, log.names)
        group.event({"kind": "event", "call_id": log.id, "turn": log.turn, **masked})
        if happening["type"] == "ended":
            group.record({"kind": "record", "call_id": log.id, **mask_call(call_json(log.record(), prices))})

    return tell
