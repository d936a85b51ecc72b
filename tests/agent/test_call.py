"""A whole call through the pipeline and the real SDK, against the stand-in with a script."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.call import APOLOGY, MAX_CALL_S
from agent.line import CallerAudio, CallerDigit
from agent.playout import Played
from agent.sonic.events import AudioOutput, TextInput, ToolUse
from agent.sonic.opening import GREETING_CUE, RESUME_CUE
from agent.sonic.service import own_id
from agent.transcript import CallTranscript
from common.times import utcnow
from data.models import CallRecord, Line
from sandbox.sonic.behaviour import BargeIn, Behaviour
from sandbox.sonic.faults import Drop, Fault, Reject, Silence
from sandbox.sonic.script import Say, ScriptTurn, UseTool, Wait
from tests.agent.call_stage import SILENCE, Begin

pytestmark = pytest.mark.slow

GREETING = ScriptTurn((Say("Hola, soy Carlos. [FINAL]"),))
GOODBYE = ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más, chau")


async def test_carlos_speaks_first_and_what_was_heard_is_in_the_record(begin: Begin) -> None:
    stage = await begin([GREETING])
    await stage.until(lambda: stage.said)
    assert stage.said == ["Hola, soy Carlos."], "the prompt's marker is in no transcript"
    assert len(stage.line.sink.audio) == 2 * round(0.06 * len("Hola, soy Carlos. [FINAL]") * 8000)


async def test_a_caller_who_leaves_ends_the_call(begin: Begin) -> None:
    stage = await begin([GREETING])
    await stage.until(lambda: stage.said)
    stage.line.leave()
    assert await stage.running == "caller_left"
    assert stage.call.log.record().ended_at is not None


async def test_a_tool_is_run_and_its_result_reaches_the_model_as_an_object(begin: Begin) -> None:
    ask = ScriptTurn((UseTool("consultarOrder", {"orderId": "1"}), Say("Está en camino.")), hear="Mi pedido uno")
    stage = await begin([GREETING, ask])
    await stage.until(lambda: stage.said)
    stage.line.speak()
    await stage.until(lambda: len(stage.said) == 2)
    assert stage.toolbox.asked == [("consultarOrder", '{"orderId": "1"}')]
    assert stage.toolbox.turns == 1
    record = stage.call.log.record()
    assert [turn.text for turn in record.turns] == ["Hola, soy Carlos.", "Mi pedido uno", "Está en camino."]
    assert record.tools[0].name == "consultarOrder"


async def test_the_goodbye_is_heard_to_its_end_before_the_line_is_ended(begin: Begin) -> None:
    stage = await begin([GREETING, GOODBYE])
    await stage.until(lambda: stage.said)
    stage.line.speak()
    assert await stage.running == "completed"
    assert stage.said[-1] == "Chau."
    assert stage.line.outcome == "completed"
    assert stage.call.log.record().tools == ()


async def test_a_goodbye_may_come_before_the_hang_up_and_is_heard_to_its_end(begin: Begin) -> None:
    bye = "Gracias por llamar, que tengas un buen día."
    stage = await begin([GREETING, ScriptTurn((Say(bye), UseTool("finalizarLlamada")), hear="Nada más, chau")])
    await stage.until(lambda: stage.said)
    stage.line.speak()
    assert await stage.running == "completed"
    assert stage.said[-1] == bye


async def test_a_question_is_no_goodbye(begin: Begin) -> None:
    asks = ScriptTurn((Say("¿Algo más?"), UseTool("finalizarLlamada"), Say("Chau.")), hear="Gracias")
    stage = await begin([GREETING, asks])
    await stage.until(lambda: stage.said)
    stage.line.speak()
    assert await stage.running == "completed"
    assert stage.said[-1].endswith("Chau.")


async def test_a_call_goes_through_its_states(begin: Begin, logged: list[str]) -> None:
    ask = ScriptTurn((UseTool("consultarOrder", {"orderId": "1"}), Say("Está en camino.")), hear="Mi pedido uno")
    stage = await begin([GREETING, ask, GOODBYE])
    for answers in (1, 2):
        await stage.until(lambda answers=answers: len(stage.said) == answers)  # type: ignore[misc]
        stage.line.speak()
    await stage.running
    states = [line.split()[3] for line in logged if line.startswith("the call is ")]
    told, thanked = ["ANSWERING", "LISTENING"], ["ENDING", "OVER"]
    assert states == [*told, "TOOL_PENDING", *told, *thanked]


async def test_a_caller_who_has_more_to_say_is_not_hung_up_on(begin: Begin) -> None:
    more = ScriptTurn((Say("Claro."),), hear="Ah, una cosa más")
    stage = await begin([GREETING, ScriptTurn((UseTool("finalizarLlamada"), Wait(0.2)), hear="Chau"), more])
    await stage.until(lambda: stage.said)
    stage.line.speak()
    await stage.until(lambda: stage.call.log.record().turns[-1].text == "Chau")
    stage.line.speak()
    await stage.until(lambda: stage.said[-1] == "Claro.")
    assert not stage.running.done()


@pytest.mark.parametrize("variant", list(BargeIn))
async def test_a_barge_in_clears_the_line_and_no_old_frame_follows(begin: Begin, variant: BargeIn) -> None:
    long = ScriptTurn((Say("Te cuento con todo detalle " * 8),), hear="Contame")
    stage = await begin([GREETING, long, ScriptTurn((Say("Sí."),), hear="Pará")], behaviour=Behaviour(barge_in=variant))
    await stage.until(lambda: stage.said)
    stage.line.speak()
    sent = stage.line.sink.sent
    await stage.until(lambda: len([1 for kind, _ in sent if kind == "audio"]) > 110)
    stage.line.speak()
    await stage.until(lambda: stage.said[-1] == "Sí.")
    cleared = max(index for index, (kind, _) in enumerate(sent) if kind == "clear")
    after = b"".join(pcm for kind, pcm in sent[cleared:] if kind == "audio")
    assert len(after) == 2 * round(0.3 * 8000), "only the new answer"
    record = stage.call.log.record()
    assert record.interruptions == 1
    cut = next(turn for turn in record.turns if turn.interrupted)
    assert cut.text
    assert len(cut.text) < len("Te cuento con todo detalle " * 8)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Reject(), streams=(1,)),
        Fault(Drop(), streams=(1,)),
        Fault(Silence(), streams=(1,)),
        Fault(Drop(), sent=AudioOutput, streams=(1,)),
    ],
    ids=["429 at open", "drop before headers", "withheld headers", "drop in mid-answer"],
)
async def test_one_fault_is_answered_by_a_reconnect_and_the_caller_is_greeted(begin: Begin, fault: Fault) -> None:
    withheld = isinstance(fault.action, Silence)
    stage = await begin([GREETING], faults=[fault], **{"open_s": 2.0} if withheld else {})
    await stage.until(lambda: any("Hola, soy Carlos." in text for text in stage.said))
    assert len(stage.call.log.record().details["faults"]) == 1
    assert not stage.running.done()


async def test_the_next_stream_is_told_what_was_said(begin: Begin) -> None:
    ask = ScriptTurn((Say("Un momento, ya te digo."),), hear="Mi pedido uno")
    stage = await begin(
        [GREETING, ask, ScriptTurn((Say("Sigo."),))],
        faults=[Fault(Drop(), sent=AudioOutput, count=24, streams=(1,))],
        resume=True,
    )
    await stage.until(lambda: stage.said)
    stage.line.speak()
    await stage.until(lambda: stage.said[-1] == "Sigo.")
    told = [event.content for event in stage.server.sessions[1].received if isinstance(event, TextInput)]
    assert "Hola, soy Carlos." in told
    assert told[-1] == "Mi pedido uno"


async def test_a_sonic_that_cannot_be_had_is_apologised_for(begin: Begin) -> None:
    stage = await begin([GREETING], faults=[Fault(Reject())])
    assert await stage.running == "failed"
    assert stage.said == [APOLOGY]


async def test_a_second_piece_of_one_utterance_confirms_nothing(begin: Begin) -> None:
    ask = ScriptTurn((UseTool("consultarOrder", {"orderId": "1"}),), hear="Cancelá el pedido")
    stage = await begin([GREETING, ask, ScriptTurn((Say("¿Confirmás?"),), hear="seis"), ScriptTurn(hear="Sí")])
    await stage.until(lambda: stage.said)
    stage.line.speak()
    await stage.until(lambda: stage.toolbox.asked)
    stage.line.speak()
    await stage.until(lambda: stage.said[-1] == "¿Confirmás?")
    assert stage.toolbox.turns == 1, "Carlos had said nothing yet"
    stage.line.speak()
    await stage.until(lambda: stage.call.log.record().turns[-1].text == "Sí")
    assert stage.toolbox.turns == 2


def cut_off(*, age_s: float = 60.0, silent: bool = False) -> CallTranscript:
    """The log of a call that another process began."""
    log = CallTranscript("CA1", Line.PHONE, None)
    if not silent:
        log.played(Played(1, "Hola, soy Carlos.", 1.0, last=True))
        log.user_transcript("Cancelá el pedido uno")
        log.played(Played(2, "¿Lo confirmás?", 1.0, last=True))
    record: CallRecord = replace(log.record(), started_at=utcnow() - timedelta(seconds=age_s))
    return CallTranscript.resumed(record, 1)


async def test_a_call_that_was_cut_off_goes_on_where_it_was(begin: Begin) -> None:
    stage = await begin([ScriptTurn((Say("Perdón. ¿Lo confirmás?"),))], log=cut_off())
    await stage.until(lambda: len(stage.said) == 3)
    texts = [event.content for event in stage.server.sessions[0].received if isinstance(event, TextInput)]
    conversation = ["Hola, soy Carlos.", "Cancelá el pedido uno", "¿Lo confirmás?"]
    assert texts[-len(conversation) - 1 :] == [*conversation, RESUME_CUE]
    assert "greeting_ms" not in stage.call.log.notes


async def test_a_call_that_was_cut_off_before_a_word_is_greeted(begin: Begin) -> None:
    stage = await begin([GREETING], log=cut_off(silent=True))
    await stage.until(lambda: stage.said)
    texts = [event.content for event in stage.server.sessions[0].received if isinstance(event, TextInput)]
    assert texts[-1] == GREETING_CUE


async def test_nothing_is_confirmed_after_a_cut_until_carlos_has_been_heard(begin: Begin) -> None:
    asked = asyncio.Event()

    async def say_nothing(floor: object) -> None:
        asked.set()

    turns = [ScriptTurn((say_nothing,)), ScriptTurn((Say("¿Lo confirmás?"),), hear="¿Hola?"), ScriptTurn(hear="Sí")]
    stage = await begin(turns, log=cut_off())
    await stage.until(asked.is_set)
    stage.line.speak()
    await stage.until(lambda: len(stage.said) == 3)
    assert stage.toolbox.turns == 0
    stage.line.speak()
    await stage.until(lambda: stage.toolbox.turns == 1)


async def test_a_call_lasts_no_longer_for_being_cut_off(begin: Begin) -> None:
    stage = await begin([GREETING], log=cut_off(age_s=MAX_CALL_S - 2))
    await stage.until(lambda: stage.server.sessions and stage.server.sessions[0].received)
    assert await stage.running == "too_long"


async def test_keys_are_gathered_into_one_entry(begin: Begin) -> None:
    stage = await begin([GREETING, ScriptTurn((Say("Gracias."),))])
    await stage.until(lambda: stage.said)
    stage.line.do(*(CallerDigit(key) for key in "123#"))
    await stage.until(lambda: stage.said[-1] == "Gracias.")
    texts = [event.content for event in stage.server.sessions[0].received if isinstance(event, TextInput)]
    assert texts[-1] == "[DTMF] 123#"


async def test_a_thousand_keys_without_a_pause_are_entries_of_32(begin: Begin) -> None:
    stage = await begin([GREETING])
    await stage.until(lambda: stage.said)
    stage.line.do(*(CallerDigit("7") for _ in range(999)), CallerDigit("#"))

    def entries() -> list[str]:
        turns = stage.call.log.record().turns
        return [turn.text.removeprefix("[DTMF] ") for turn in turns if turn.role == "caller"]

    await stage.until(lambda: entries() and entries()[-1].endswith("#"))
    assert entries() == ["7" * 32] * 31 + ["7" * 7 + "#"]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ("[" * 10**6, {"unreadable": "[" * 200}),
        ("[" * 4000, {"unreadable": "[" * 200}),
        ('{"a":' * 3000, {"unreadable": '{"a":' * 40}),
        (json.dumps({"name": "x" * 10**6}), {"unreadable": '{"name": "' + "x" * 190}),
        ('{"price": 1e999990}', {"price": None}),
    ],
)
async def test_a_tools_use_of_any_size_is_answered_and_little_of_it_kept(
    begin: Begin, arguments: str, kept: object
) -> None:
    stage = await begin([GREETING])
    await stage.until(lambda: stage.said)
    await stage.call._service._on_event(ToolUse("content", "\ud800" * 10**6, "n" * 10**6, arguments))
    await stage.until(lambda: stage.call.log.record().tools)
    (tool,) = stage.call.log.record().tools
    assert (tool.name, tool.arguments) == ("n" * 64, kept)
    assert re.fullmatch("[0-9a-f]{32}", tool.tool_use_id)
    ((_, asked),) = stage.toolbox.asked
    assert asked == arguments[: 32 * 1024]


@pytest.mark.parametrize("said", ["12345678-1234-1234-1234-123456789012", "toolu_01AbC", "a" * 64])
def test_a_tool_use_id_as_services_give_them_is_kept(said: str) -> None:
    assert own_id(said) == said


@pytest.mark.parametrize("said", ["", "a" * 65, "a b", "a\n", "ñandú", "a#b", "\ud800"])
def test_another_tool_use_id_has_a_digest_in_its_place(said: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", own_id(said))
    assert own_id(said) != own_id(said + "x")


async def test_every_frame_of_the_caller_reaches_the_model(begin: Begin) -> None:
    stage = await begin([GREETING])
    stage.line.do(*(CallerAudio(SILENCE) for _ in range(50)))
    await stage.until(lambda: stage.said)
    session = stage.server.sessions[0].session
    assert session.conversation is not None
    assert session.conversation._audio_s == pytest.approx(1.1), "a second, and what primes the stream"
