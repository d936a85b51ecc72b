"""What a caller hears when something breaks or is late: whole calls on a virtual clock, Sonic made of lists."""

from __future__ import annotations

import asyncio

from agent.barge_in import LONGEST_S
from agent.call import APOLOGY, MOST_TOOLS, TOOL_LOOP
from agent.line import CallerDigit
from agent.sonic.errors import SonicLost, SonicRefused
from agent.sonic.events import (
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolResult,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from common import metrics
from tests.agent.call_stage import ListToolbox
from tests.agent.session_stage import FakeStream, ended, planned, words
from tests.agent.virtual_call import calling, greets, sounding, spoken
from tests.support.virtual_loop import virtually

# --- an answer that is late


@virtually
async def test_a_caller_who_waits_for_an_answer_is_never_left_in_silence() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Mi pedido uno"))
        assert await stage.longest_silence(9.0) <= 4.0
        assert stage.notes["fillers"] == 2
        stage.sonic.streams[-1].tell(*spoken("Está en camino.", block="b"))
        await stage.silent(3.0)
        assert stage.said == ["Hola, soy Carlos.", "Está en camino."], "an excuse is no turn of the conversation"


@virtually
async def test_a_greeting_that_is_late_is_excused_for() -> None:
    async with calling() as stage:
        assert await stage.longest_silence(5.0) <= 4.0


@virtually
async def test_a_slow_tool_is_excused_for() -> None:
    async with calling(script=greets) as stage:

        async def slow(name: str, arguments: str, *, tool_use_id: str) -> object:
            await asyncio.sleep(6.0)
            return await ListToolbox.run(stage.toolbox, name, arguments, tool_use_id=tool_use_id)

        stage.toolbox.run = slow  # type: ignore[method-assign, assignment]
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words(), ToolUse("c", "t1", "consultarOrder", "{}"))
        assert await stage.longest_silence(6.0) <= 4.0


@virtually
async def test_an_answer_that_stops_in_mid_sentence_is_excused_for() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stage.sonic.streams[0].tell(*sounding("Te cuento todo.", 2.0))
        assert await stage.longest_silence(8.0) <= 4.0


@virtually
async def test_nobody_is_asked_to_wait_while_nothing_is_owed() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(9.0)
        assert "fillers" not in stage.notes
        assert stage.played_s == 2.0


# --- no stream can be had


@virtually
async def test_an_outage_is_told_to_the_last_word_and_is_a_failure() -> None:
    async with calling(lambda number: SonicLost("down")) as stage:
        assert await stage.longest_silence(9.0) <= 4.0
        assert await stage.running == "failed"
        assert stage.said == [APOLOGY]
        assert stage.line.outcome == "failed"
        record = stage.call.log.record()
        assert record.details["faults"][0] == "SonicLost: down"


@virtually
async def test_an_apology_in_mid_answer_is_heard_whole_behind_it() -> None:
    async with calling(lambda number: SonicRefused("no") if number > 1 else None) as stage:
        await stage.silent(0.2)
        stage.sonic.streams[0].tell(*sounding("Te cuento todo.", 3.0), SonicLost("reset"))
        await stage.silent(0.5)
        stage.line.do(CallerDigit("5"), CallerDigit("#"))
        await stage.silent(12.0)
        assert await stage.running == "failed"
        assert stage.said == ["Te cuento todo.", APOLOGY]
        assert stage.played_s >= 3.0 + 6.5, "the apology lasts 6.6 s"


@virtually
async def test_a_caller_who_hangs_up_on_the_apology_has_had_a_failed_call() -> None:
    before = calls_without_model()
    async with calling(lambda number: SonicRefused("no")) as stage:
        await stage.silent(1.0)
        stage.line.leave()
        assert await stage.running == "failed"
    assert calls_without_model() == before + 1, "the alarm model-down goes by it"


def calls_without_model() -> float:
    return metrics.REGISTRY.get_sample_value("carlos_calls_without_model_total") or 0.0


# --- somebody speaks while Carlos does


@virtually
async def test_at_the_first_sign_of_speech_the_line_holds_its_breath_and_a_cough_costs_no_sentence() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stream.tell(*spoken("Te cuento todo con detalle.", 6.0))
        await stage.silent(2.0)
        stream.tell(UserSpeechStart(2000))
        await stage.silent(0.1)
        held = stage.played_s
        await stage.silent(1.2)
        assert stage.played_s == held, "not a frame"
        stream.tell(UserSpeechEnd(2300, 2800))
        await stage.silent(8.0)
        assert stage.played_s == 6.0
        assert ("clear", None) not in stage.line.sink.sent
        assert stage.said == ["Te cuento todo con detalle."]
        assert stage.call.log.record().interruptions == 0


@virtually
async def test_words_end_the_sentence_that_was_held() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stream.tell(*spoken("Te cuento todo con detalle.", 6.0))
        await stage.silent(2.0)
        stream.tell(UserSpeechStart(2000))
        stage.line.speak(0.5)
        await stage.silent(0.6)
        stream.tell(UserSpeechEnd(2500, 3000), *words("Pará"))
        await stage.silent(3.0)
        assert ("clear", None) in stage.line.sink.sent
        assert stage.played_s < 2.5
        assert stage.call.log.record().interruptions == 1


@virtually
async def test_a_television_does_not_hold_carlos_for_ever() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stream.tell(*spoken("Te cuento todo con detalle.", 3.0))
        await stage.silent(1.0)
        stream.tell(UserSpeechStart(1000))
        await stage.loud(LONGEST_S + 3.0)
        assert stage.played_s == 3.0


@virtually
async def test_an_interruption_told_late_of_the_answer_before_does_not_cut_the_next() -> None:
    """Both end with the same sentence: the block says which answer is meant, not the text."""
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stream.tell(*spoken("¿Algo más?", 4.0))
        await stage.silent(1.0)
        stream.tell(UserSpeechStart(1000), UserSpeechEnd(1500, 2000), *words("Sí, otra cosa"))
        await stage.silent(0.5)
        late: list[ServiceEvent] = [
            ContentStarted("late", ContentType.TEXT, Role.ASSISTANT, Stage.FINAL),
            TextOutput("late", Role.ASSISTANT, "¿Algo más?"),
            ContentEnded("late", ContentType.TEXT, StopReason.INTERRUPTED),
            ContentEnded("a", ContentType.AUDIO, StopReason.INTERRUPTED),
        ]
        stream.tell(
            *sounding("¿Algo más?", 3.0, "b"), *late, ContentEnded("a", ContentType.AUDIO, StopReason.INTERRUPTED)
        )
        stream.tell(ended(block="b"))
        await stage.silent(5.0)
        assert stage.said[-1] == "¿Algo más?"
        assert not stage.call.log.record().turns[-1].interrupted
        assert stage.call.log.record().interruptions == 1


@virtually
async def test_a_transcript_that_comes_with_its_answer_on_the_line_does_not_cut_it() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(UserSpeechStart(2500), UserSpeechEnd(3000, 3500))
        stream.tell(*sounding("Está en camino.", 2.0, "b"), *words("Mi pedido"), ended(block="b"))
        await stage.silent(3.0)
        assert stage.said == ["Hola, soy Carlos.", "Está en camino."]
        assert stage.call.log.record().interruptions == 0


# --- a model that does not stop


@virtually
async def test_tools_in_a_row_are_bounded_and_the_model_is_told_to_speak() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(*words())
        for number in range(MOST_TOOLS + 2):
            stream.tell(ToolUse("c", f"t{number}", "consultarOrder", "{}"))
            await stage.silent(0.1)
        assert len(stage.toolbox.asked) == MOST_TOOLS
        results = [event.content for event in stream.sent if isinstance(event, ToolResult)]
        assert "too_many_tools" in results[-1]
        stream.tell(*spoken("No lo encuentro.", block="b"), *words("Probá de nuevo"))
        stream.tell(ToolUse("c", "again", "consultarOrder", "{}"))
        await stage.silent(4.0)
        assert len(stage.toolbox.asked) == MOST_TOOLS + 1, "counted from the caller's last word"


@virtually
async def test_a_model_that_asks_for_tools_for_ever_is_given_up_in_words() -> None:
    async def loops(stream: FakeStream) -> None:
        stream.tell(*words())
        for number in range(1000):
            stream.tell(ToolUse("c", f"{stream.number}.{number}", "consultarOrder", "{}"))
            await asyncio.sleep(0.05)

    async with calling(script=loops) as stage:
        await stage.silent(30.0)
        assert await stage.running == "failed"
        assert stage.said == [APOLOGY]
        assert len(stage.toolbox.asked) <= (TOOL_LOOP + 1) * len(stage.sonic.streams)


# --- what was said, and what was not


@virtually
async def test_a_caller_who_hangs_up_in_mid_answer_has_heard_what_was_played_of_it() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stage.sonic.streams[0].tell(*sounding("Te cuento todo con mucho detalle.", 4.0))
        await stage.silent(2.0)
        stage.line.leave()
        assert await stage.running == "caller_left"
        turn = stage.call.log.record().turns[-1]
        assert turn.interrupted
        assert turn.text
        assert turn.text != "Te cuento todo con mucho detalle."
        assert "Te cuento todo con mucho detalle.".startswith(turn.text)


@virtually
async def test_a_sentence_whose_audio_never_came_was_not_said() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words(), *planned("No se oye."), SonicLost("reset"))
        await stage.silent(1.0)
        stage.sonic.streams[1].tell(*spoken("Seguimos.", block="b"))
        await stage.silent(3.0)
        assert stage.said == ["Hola, soy Carlos.", "Seguimos."]
