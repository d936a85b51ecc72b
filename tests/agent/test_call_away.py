"""A caller who is away, on hold at the far end: whole calls on a virtual clock."""

from __future__ import annotations

import pytest

from agent.filler import NO_ANSWER_GOODBYE, TIME_IS_UP
from agent.line import CallerAway, CallerBack, CallerDigit
from agent.persona.line_cues import STILL_THERE_CUE
from agent.sonic.events import ToolUse
from tests.agent.session_stage import words
from tests.agent.virtual_call import CallStage, calling, greets, sounding, spoken
from tests.support.virtual_loop import virtually

LONG = "Te cuento todo con mucho detalle, de principio a fin."
HANG_UP = ToolUse("c", "bye", "finalizarLlamada", "{}")
BYE = "Gracias por llamar. ¡Que tengas un buen día!"


def asked(stage: CallStage) -> int:
    """How often the model was to ask whether the caller is there."""
    return sum(text == STILL_THERE_CUE for stream in stage.sonic.streams for text in stream.texts)


async def on_hold(stage: CallStage, seconds: float) -> None:
    stage.line.do(CallerAway())
    await stage.silent(seconds)
    stage.line.do(CallerBack())


@virtually
async def test_who_is_on_hold_is_not_asked_whether_he_is_there_and_his_silence_begins_when_he_is_back() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(9.0)
        played = stage.played_s
        await on_hold(stage, 120.0)
        assert (asked(stage), stage.played_s, stage.said) == (0, played, ["Hola, soy Carlos."])
        await stage.silent(7.5)
        assert asked(stage) == 0
        await stage.silent(1.0)
        assert asked(stage) == 1


@virtually
async def test_the_questions_before_a_hold_do_not_count_after_it() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(24.0)
        assert asked(stage) == 2
        await on_hold(stage, 10.0)
        await stage.silent(17.0)
        assert asked(stage) == 3
        assert NO_ANSWER_GOODBYE.text not in stage.said


@virtually
async def test_what_was_not_heard_before_a_hold_is_said_after_it() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("¿Qué tengo?"), *spoken(LONG, 6.0, "b"))
        await stage.silent(2.0)
        stage.line.do(CallerAway())
        await stage.silent(0.1)
        played = stage.played_s
        assert stage.line.sink.sent[-1] == ("clear", None)
        await stage.silent(30.0)
        assert stage.played_s == played
        assert LONG not in stage.said
        stage.line.do(CallerBack())
        await stage.silent(8.0)
        assert stage.said[-1] == LONG
        assert 4.0 <= stage.played_s - played < 6.0, "the rest of it, and a second said again at most"


@virtually
async def test_who_hangs_up_on_hold_has_heard_what_was_said_before_it_and_no_more() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("¿Qué tengo?"), *spoken(LONG, 6.0, "b"))
        await stage.silent(2.5)
        stage.line.do(CallerAway())
        await stage.silent(30.0)
        stage.line.leave()
        assert await stage.running == "caller_left"
        record = stage.call.log.record()
        assert LONG.startswith(record.turns[-1].text)
        assert (record.turns[-1].role, record.turns[-1].interrupted) == ("carlos", True)
        assert (record.details["on_hold_s"], record.details["holds"]) == (30.0, 1)


@virtually
async def test_an_answer_that_comes_during_a_hold_waits_for_him_and_is_no_answer_time_nor_dead_air() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("¿Qué tengo?"))
        await stage.silent(0.1)
        stage.line.do(CallerAway())
        stage.sonic.streams[0].tell(*spoken("Un turno el martes.", block="b"))
        played = stage.played_s
        await stage.silent(20.0)
        assert stage.played_s == played
        stage.line.do(CallerBack())
        await stage.silent(3.0)
        assert stage.said[-1] == "Un turno el martes."
        assert stage.call.log.record().turns[-1].latency_ms is None
        assert "dead_air" not in stage.notes
        assert "fillers" not in stage.notes


@virtually
async def test_nobody_is_excused_to_a_caller_who_does_not_hear_it() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("¿Qué tengo?"))
        played = stage.played_s
        await on_hold(stage, 6.0)
        assert (stage.played_s, stage.notes.get("fillers")) == (played, None)


@virtually
async def test_a_greeting_is_kept_for_a_caller_who_is_on_hold_from_the_beginning() -> None:
    async with calling(script=greets) as stage:
        stage.line.do(CallerAway())
        await stage.silent(10.0)
        assert (stage.played_s, stage.said) == (0.0, [])
        stage.line.do(CallerBack())
        await stage.silent(3.0)
        assert stage.said == ["Hola, soy Carlos."]


@virtually
async def test_the_goodbye_is_heard_out_after_a_hold_before_the_line_ends() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(*words("Nada más, gracias"), HANG_UP)
        await stage.silent(0.2)
        stream.tell(*spoken(BYE, 3.0, "bye"))
        await stage.silent(1.0)
        await on_hold(stage, 60.0)
        assert not stage.running.done()
        await stage.silent(6.0)
        assert await stage.running == "completed"
        assert stage.said[-1] == BYE


@virtually
async def test_the_limit_of_a_call_holds_for_one_on_hold() -> None:
    async with calling(script=greets, max_call_s=100.0) as stage:
        await stage.silent(3.0)
        stage.line.do(CallerAway())
        await stage.silent(130.0)
        assert await stage.running == "too_long"
        assert TIME_IS_UP.text not in stage.said, "nobody has heard it"
        assert stage.notes["on_hold_s"] == pytest.approx(117, abs=10)


@virtually
async def test_keys_of_a_caller_on_hold_are_answered_when_he_is_back() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.line.do(CallerAway(), CallerDigit("7"))
        await stage.silent(5.0)
        assert "[DTMF] 7" in stage.sonic.streams[0].texts
        stage.sonic.streams[0].tell(*sounding("Siete.", 1.0, "b"))
        played = stage.played_s
        await stage.silent(5.0)
        assert stage.played_s == played
        stage.line.do(CallerBack())
        await stage.silent(2.0)
        assert stage.played_s > played


@virtually
async def test_holds_add_up_and_are_told_as_they_happen() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        for seconds in (10.0, 5.0):
            await on_hold(stage, seconds)
            stage.line.do(CallerBack())
            await stage.silent(1.0)
        assert (stage.notes["on_hold_s"], stage.notes["holds"]) == (15.0, 2)
        kinds = [event["type"] for event in stage.call.log.events.past if event["type"] in ("away", "back")]
        assert kinds == ["away", "back"] * 2


@virtually
async def test_a_line_that_gives_up_a_caller_on_hold_has_a_reason_of_its_own() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.line.do(CallerAway())
        await stage.silent(1.0)
        stage.line.drop("on hold for 300 s", "held_too_long")
        assert await stage.running == "held_too_long"
        assert (stage.notes["ended_by"], stage.notes["end_reason"]) == ("agent", "max_hold")
