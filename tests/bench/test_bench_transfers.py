"""What the bench of transfers plays, and what its verdict makes of what it saw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.audio.ulaw import ULAW_SILENCE
from bench.speech import speech_ulaw
from bench.transfers.caller import CANCEL, GOODBYE, ORDER_STATE, Talk
from bench.transfers.endings import DELAY_S, ENDINGS, Death, moment, runs
from bench.transfers.facts import unfounded
from bench.transfers.verdict import CARLOS, MUSIC, PERSON, Row, longest_silence, together
from data.models import CallRecord, Line, ToolCall
from data.samples import sample_orders
from sandbox.dialogue import lines
from sandbox.twilio.errors import Code
from sandbox.twilio.events import Bridged, Progressed, Ran, Warned
from sandbox.twilio.verbs import Say
from telephony.briefing import briefing
from telephony.transfer import Transfer

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
ORDER = next(order for order in sample_orders(NOW.date()) if order.id == "6")
SECOND = 8000  # samples


def record(*tools: ToolCall) -> CallRecord:
    note = {"reason": "pedidos", "cause": "asked"}
    return CallRecord("CA1", Line.PHONE, NOW, "+5491155550100", tools=tools, details={"transfer": note})


def proof() -> ToolCall:
    told = {"success": True, "message": "El pedido 6 está en camino.", "order": {"customerName": ORDER.customer_name}}
    asked = {"orderId": "6", "dni": "35012678"}
    return ToolCall("consultarOrder", tool_use_id="t1", ok=True, arguments=asked, result=told, elapsed_ms=3, at=NOW)


def spoken(record: CallRecord) -> str:
    return " ".join(briefing(record, (), Transfer("CA1", 1, "+541150310001", "pedidos", "asked", 0, 25.0, NOW, NOW)))


def test_every_ending_is_played_before_and_after_proof_with_a_death_and_without() -> None:
    planned = list(runs(1))
    assert len(planned) == len(set(planned)) == 4 * len(ENDINGS) >= 24
    assert [run.ending for run in planned if run.proven] == [run.ending for run in planned if not run.proven]
    dying = [run for run in planned if run.death]
    assert all(run.death in run.ending.deaths and run.delay_s <= DELAY_S[run.death] for run in dying if run.death)
    assert list(runs(1)) == planned != list(runs(2))


@pytest.mark.parametrize(
    ("event", "of_the_person", "begins"),
    [
        (Warned(Code.SERVER_CLOSED, ""), False, Death.STREAM_ENDS),
        (Warned(Code.BROKEN_PIPE, ""), False, None),
        (Progressed("initiated"), True, Death.RINGING),
        (Progressed("completed"), True, None),
        (Ran(Say("Llamada.")), True, Death.BRIEFING),
        (Ran(Say("Perdón.")), False, None),
        (Bridged(("+54",)), True, Death.BRIDGED),
    ],
)
def test_a_moment_is_an_event_at_one_of_the_phones(event: Any, begins: Death | None, *, of_the_person: bool) -> None:
    assert moment(event, of_the_person=of_the_person) is begins


def test_a_caller_goes_on_where_the_conversation_was() -> None:
    talk = Talk(proven=True)
    assert talk.answer(lines.GREETING) == ORDER_STATE
    assert talk.answer(f"{lines.ASK_IDENTITY}") == "Mi DNI es 35.012.678."
    assert talk.answer(lines.RESUME) == "Mi DNI es 35.012.678."
    assert talk.answer(lines.ANYTHING_ELSE) == "Quiero hablar con una persona."
    assert talk.answer(lines.PASSING_ON) is None
    assert talk.answer(f"{lines.NOBODY_CAME} {lines.CALL_YOU_LATER}") == CANCEL
    assert talk.answer(f"Voy a cancelar el pedido. {lines.CONFIRM}") == "Sí, confirmo."
    assert talk.answer(lines.ANYTHING_ELSE) == GOODBYE
    assert talk.answer(lines.GOODBYE) is None


def test_a_briefing_of_what_is_in_the_store_leaves_nothing() -> None:
    assert unfounded(spoken(record(proof())), record(proof()), (), ORDER) == ""
    assert unfounded(spoken(record()), record(), (), None) == ""


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Probó con su DNI que es Pedro Gómez.", "Pedro Gómez"),
        ("Se le dijo: El pedido 6 llega mañana.", "llega mañana"),
        ("Llama desde el 1 1 5.", "1 1 5"),
        ("Hecho: Pedido cancelado.", "Pedido cancelado"),
    ],
)
def test_a_briefing_that_says_more_is_found_out(said: str, left: str) -> None:
    assert left in unfounded(f"{spoken(record(proof()))} {said}", record(proof()), (), ORDER)


def test_a_proof_that_nobody_gave_is_no_fact() -> None:
    assert ORDER.customer_name in unfounded(spoken(record(proof())), record(proof()), (), None)


def test_silence_is_what_the_caller_hears_between_one_voice_and_the_next() -> None:
    quiet, voice = bytes([ULAW_SILENCE[0]]) * SECOND, speech_ulaw(1.0)
    heard = quiet * 5 + voice + quiet * 2 + voice + quiet * 3 + voice + quiet * 9 + voice + quiet
    parts = [(5 * SECOND, CARLOS), (8 * SECOND, MUSIC), (11 * SECOND, CARLOS), (13 * SECOND, PERSON)]
    assert longest_silence(heard, parts) == (3.0, MUSIC), "the ringing is none, and the person is talking"
    assert longest_silence(heard, parts[:-1]) == (9.0, CARLOS)
    assert longest_silence(b"", []) == (0.0, "")


def test_what_was_not_run_is_counted() -> None:
    run = next(runs(1))
    rows = [Row(run, "", 2, 3.14, MUSIC, True, ["x"], True, ["hung up on"])]
    assert together(rows, 2, 10.4) == {
        "runs": 1,
        "hung_up_on": 1,
        "asked_twice": 1,
        "facts_not_in_store": 1,
        "machines_bridged": 1,
        "longest_silence_s": 3.1,
        "seconds": 10,
        "not_run": 1,
        "wrong": 1,
    }


def test_a_caller_may_ask_for_a_person_again() -> None:
    talk = Talk(proven=False, times=2)
    talk.answer(lines.GREETING)
    assert [talk.answer(lines.NOBODY_CAME) for _ in range(2)] == ["Quiero hablar con una persona.", ORDER_STATE]
