"""Passing a caller on to a person: when the model may, what happens without it, and what it is told afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from agent.call import APOLOGY
from agent.line import CallerDigit
from agent.misunderstandings import Misunderstandings
from agent.passing_on import MOST_TRANSFERS, TO_PERSON_CUE, TRANSFERRING, nobody_cue, returned_cue, takes_it_back
from agent.persona.line_tools import TO_PERSON
from agent.playout import Played
from agent.sonic.errors import SonicLost
from agent.sonic.events import ToolResult, ToolUse
from agent.sonic.opening import RESUME_CUE
from agent.transcript import CallTranscript, is_over
from data.models import Line
from tests.agent.session_stage import FakeStream, words
from tests.agent.virtual_call import CallStage, calling, greets, spoken
from tests.support.virtual_loop import virtually

ANNOUNCED = "Te paso con una persona, no cortes."


def somebody() -> Sequence[str]:
    return ("pedidos", "turnos")


def offered(stage: CallStage) -> list[str]:
    return [tool.name for tool in stage.call._configured().tools]


def results(stream: FakeStream) -> list[dict[str, Any]]:
    return [json.loads(event.content)["result"] for event in stream.sent if isinstance(event, ToolResult)]


def uses(name: str = TO_PERSON, arguments: str = '{"reason": "turnos"}', use: str = "t1") -> ToolUse:
    return ToolUse("c", use, name, arguments)


def returned(**note: Any) -> CallTranscript:
    """A call that came back from a person who did not take it."""
    log = CallTranscript("CA1", Line.PHONE, None)
    log.played(Played(1, "Hola, soy Carlos.", 1.0, last=True))
    log.user_transcript("Quiero hablar con una persona")
    log.note(transfer={"reason": "turnos", "cause": "asked", "number": 1, "came_to": "busy", **note})
    log.end(TRANSFERRING)
    return CallTranscript.resumed(log.record(), 1)


@virtually
async def test_a_person_is_offered_only_while_somebody_is_there() -> None:
    async with calling(script=greets) as stage:
        assert TO_PERSON not in offered(stage)
    async with calling(script=greets, reasons=somebody) as stage:
        assert TO_PERSON in offered(stage)
        tool = stage.call._configured().tools[-1]
        assert tool.input_schema["properties"]["reason"]["enum"] == ["pedidos", "turnos", "otro"]


@virtually
async def test_the_caller_hears_of_the_person_and_then_the_line_goes_on_to_them() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Quiero una persona"), uses())
        await stage.silent(0.2)
        (result,) = results(stage.sonic.streams[0])
        assert result["speak"] == ANNOUNCED
        stage.sonic.streams[0].tell(*spoken(ANNOUNCED, block="b"))
        await stage.silent(4.0)
        assert await stage.running == TRANSFERRING
        assert (stage.said[-1], stage.line.outcome) == (ANNOUNCED, TRANSFERRING)
        assert stage.notes["transfer"] == {"reason": "turnos", "cause": "asked", "number": 1}
        assert not is_over(stage.call.log.record())


@virtually
async def test_who_speaks_as_soon_as_it_was_announced_goes_to_the_person_all_the_same() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Quiero una persona"), uses())
        await stage.silent(0.2)
        stage.sonic.streams[0].tell(*spoken(ANNOUNCED, block="b"))
        while stage.said[-1] != ANNOUNCED:
            await stage.silent(0.02)
        await stage.silent(0.5)
        assert stage.running.done(), "there is no time in which to say anything to Carlos"
        assert await stage.running == TRANSFERRING


@virtually
async def test_a_model_that_announced_it_first_says_no_more() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Quiero una persona"), *spoken(ANNOUNCED, block="b")[:-1], uses())
        await stage.silent(8.0)
        assert await stage.running == TRANSFERRING
        assert stage.said[-1] == ANNOUNCED
        assert "speak" not in results(stage.sonic.streams[0])[0]


@virtually
async def test_a_caller_who_hangs_up_meanwhile_goes_to_nobody() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Quiero una persona"), uses())
        await stage.silent(0.2)
        stage.line.leave()
        assert await stage.running == "caller_left"
        assert "transfer" not in stage.notes


@virtually
async def test_a_thank_you_does_not_stop_it_and_a_no_does() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(*words("Quiero una persona"), uses())
        await stage.silent(0.2)
        stream.tell(*words("Bueno, gracias"))
        await stage.silent(0.2)
        assert stage.call.state == "ending"
        stream.tell(*words("No, esperá, mejor no"))
        await stage.silent(0.2)
        assert stage.call.state == "listening"
        stream.tell(*words("Chau"), ToolUse("c", "t2", "finalizarLlamada", "{}"))
        await stage.silent(9.0)
        assert await stage.running == "completed"
        assert "transfer" not in stage.notes


@virtually
async def test_it_happens_whether_the_model_announces_it_or_not() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        stage.line.do(CallerDigit("0"))
        await stage.silent(13.0)
        assert await stage.running == TRANSFERRING
        assert stage.sonic.streams[0].texts[-1] == TO_PERSON_CUE
        assert stage.call.log.notes["transfer"]["cause"] == "keypad"


@virtually
async def test_where_nobody_is_there_the_caller_is_told_so_and_the_call_goes_on() -> None:
    for callbacks in (False, True):
        async with calling(script=greets, callbacks=callbacks) as stage:
            await stage.silent(3.0)
            stage.sonic.streams[0].tell(*words("Quiero una persona"), uses())
            await stage.silent(0.2)
            (result,) = results(stage.sonic.streams[0])
            assert (result["success"], "más tarde" in result["speak"]) == (False, callbacks)
            stage.line.do(CallerDigit("0"))
            await stage.silent(4.0)
            assert stage.sonic.streams[0].texts[-1] == nobody_cue(callbacks=callbacks)
            assert not stage.running.done()


@virtually
async def test_a_caller_who_is_locked_out_is_passed_on() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        stage.toolbox.result = {"success": False, "code": "call_locked"}
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Soy Ana"), uses("consultarOrder", "{}"))
        await stage.silent(0.2)
        assert results(stage.sonic.streams[0])[0]["speak"].endswith(ANNOUNCED)
        stage.sonic.streams[0].tell(*spoken(ANNOUNCED, block="b"))
        await stage.silent(4.0)
        assert await stage.running == TRANSFERRING
        assert stage.call.log.notes["transfer"]["cause"] == "locked"
        assert [tool.result["code"] for tool in stage.call.log.record().tools] == ["call_locked"]


@virtually
async def test_a_caller_who_was_locked_out_and_came_back_is_not_passed_on_for_that_again() -> None:
    async with calling(reasons=somebody, log=returned(cause="locked")) as stage:
        stage.toolbox.result = {"success": False, "code": "call_locked"}
        await stage.silent(0.5)
        stage.sonic.streams[0].tell(*spoken("Nadie pudo atenderte."), *words("Soy Ana"), uses("consultarOrder", "{}"))
        await stage.silent(0.5)
        assert results(stage.sonic.streams[0])[-1] == {"success": False, "code": "call_locked"}


@virtually
async def test_a_model_that_is_down_is_no_reason_to_hang_up_on_anybody() -> None:
    async with calling(lambda number: SonicLost("down"), reasons=somebody) as stage:
        await stage.silent(9.0)
        assert await stage.running == TRANSFERRING
        assert stage.call.log.notes["transfer"]["cause"] == "model_down"
        assert stage.said == []


@virtually
async def test_a_model_that_is_still_down_when_nobody_answered_is_apologised_for() -> None:
    async with calling(lambda number: SonicLost("down"), reasons=somebody, log=returned(cause="model_down")) as stage:
        await stage.silent(20.0)
        assert await stage.running == "failed"
        assert stage.said[-1] == APOLOGY


@virtually
async def test_the_third_misunderstanding_in_a_row_goes_to_a_person() -> None:
    async with calling(script=greets, reasons=somebody) as stage:
        await stage.silent(3.0)
        for number in range(3):
            assert not stage.running.done()
            stage.sonic.streams[0].tell(*words("Mmmfrg"), *spoken("Perdón, no te entendí.", 1.0, f"b{number}"))
            await stage.silent(2.0)
        await stage.silent(9.0)
        assert await stage.running == TRANSFERRING
        assert stage.call.log.notes["transfer"]["cause"] == "misunderstood"


@pytest.mark.parametrize(
    ("answers", "in_a_row"),
    [
        ([(1, "No te entendí."), (2, "¿Me lo repetís?"), (3, "No te escuché bien.")], 3),
        ([(1, "No te entendí."), (1, "¿Me lo repetís?")], 1),
        ([(1, "No te entendí."), (2, "Tu pedido está en camino."), (3, "No te entendí.")], 1),
        ([(1, "Hola."), (2, "¿Algo más?")], 0),
    ],
)
def test_answers_that_only_ask_again_are_counted(answers: list[tuple[int, str]], in_a_row: int) -> None:
    counted = Misunderstandings()
    assert [counted.said(answer, text) for answer, text in answers][-1] == in_a_row


@virtually
async def test_who_comes_back_hears_that_nobody_could_take_the_call() -> None:
    async with calling(log=returned(), callbacks=True, reasons=somebody) as stage:
        await stage.silent(0.5)
        cue = stage.sonic.streams[0].texts[-1]
        assert cue.startswith("[seguir] Ninguna persona pudo atender")
        assert "anotar un llamado" in cue
        assert TO_PERSON in offered(stage), "the caller may ask once more"


@virtually
async def test_that_is_told_once_and_a_cut_after_it_is_a_cut() -> None:
    async with calling(log=returned(told=True)) as stage:
        await stage.silent(0.5)
        assert stage.sonic.streams[0].texts[-1] == RESUME_CUE


def test_without_call_backs_none_is_offered() -> None:
    notes = {"transfer": {"came_to": "busy"}}
    assert "llamado" not in str(returned_cue(notes, callbacks=False))
    assert returned_cue({}, callbacks=True) is None


@virtually
async def test_a_call_is_passed_on_three_times_at_most() -> None:
    async with calling(log=returned(number=MOST_TRANSFERS), reasons=somebody) as stage:
        assert TO_PERSON not in offered(stage)


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        ("Gracias", False),
        ("Dale", False),
        ("Bueno, perfecto", False),
        ("No, mejor no", True),
        ("Esperá, una cosa más", True),
        ("No me pases", True),
        ("Dejá, dejá", True),
    ],
)
def test_a_caller_may_take_it_back(said: str, *, stays: bool) -> None:
    assert takes_it_back(said) is stays
