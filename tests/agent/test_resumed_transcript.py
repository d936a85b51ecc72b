"""A call's story that goes on in another process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

from agent.playout import Played
from agent.sonic.events import Role, Usage
from agent.transcript import CallTranscript
from common.masking import mask_value
from common.times import utcnow
from data.call_items import call_items, to_call
from data.models import CallRecord, Line


def told(log: CallTranscript) -> None:
    """What happens before the cut."""
    log.played(Played(1, "Hola, soy Carlos.", 1.0, last=True))
    log.user_transcript("Soy María González, cancelá el pedido uno")
    result = {"success": False, "confirmation_required": True}
    log.tool("cancelarOrder", "t1", {"customerName": "María González"}, result, ok=True, elapsed_ms=3)
    log.played(Played(2, "¿Lo confirmás?", 1.0, last=True))
    log.used(Usage(1, 2, 3, 4, 3, 7))
    log.fault("SonicLost: dropped")
    log.note(greeting_ms=90)


async def from_store(record: CallRecord) -> CallRecord:
    found = await to_call(call_items(record, record.started_at))
    assert found is not None
    return found


async def cut_off() -> CallRecord:
    began, seconds = utcnow(), count()
    log = CallTranscript("CA1", Line.PHONE, "+5491155550100", clock=lambda: began + timedelta(seconds=next(seconds)))
    told(log)
    log.end("dropped")
    return await from_store(log.record())


async def test_the_record_is_one_and_says_that_it_was_resumed() -> None:
    record = await cut_off()
    log = CallTranscript.resumed(record, 1)
    assert log.record() == replace(record, ended_at=None, outcome=None, details={**record.details, "resumed": 1})
    log.used(Usage(1, 0, 0, 0, 1, 0))
    log.user_transcript("Sí")
    log.end("completed")
    assert log.record().details["usage"]["input_speech"] == 2
    assert [turn.text for turn in log.record().turns][-2:] == ["¿Lo confirmás?", "Sí"]


async def test_the_model_is_told_all_that_was_said() -> None:
    log = CallTranscript.resumed(await cut_off(), 1)
    log.played(Played(1, "Perdón, se cortó.", 1.0, last=True))
    assert log.history() == [
        (Role.ASSISTANT, "Hola, soy Carlos."),
        (Role.USER, "Soy María González, cancelá el pedido uno"),
        (Role.ASSISTANT, "¿Lo confirmás? Perdón, se cortó."),
    ]


async def test_names_that_were_learnt_stay_hidden() -> None:
    log = CallTranscript.resumed(await cut_off(), 1)
    assert "González" not in str(mask_value({"text": "Dice González que sí"}, log.names))


async def test_who_follows_the_call_is_told_what_came_before() -> None:
    record = await cut_off()
    assert record.ended_at is not None
    later = record.ended_at + timedelta(seconds=1)
    log = CallTranscript.resumed(record, 1, clock=lambda: later)
    log.end("completed")
    events = [event async for event in log.events.follow()]
    assert [event["type"] for event in events] == ["said", "heard", "tool", "said", "resumed", "ended"]
    assert events[1]["text"] == "Soy María González, cancelá el pedido uno"
    times = [event["at_ms"] for event in events]
    assert times == sorted(times)
