"""What is heard where somebody speaks over Carlos and Sonic breaks its answer off: whole calls on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agent.line import CallerDigit
from agent.sonic.events import (
    INTERRUPTED_TEXT,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from tests.agent.call_stage import ListToolbox
from tests.agent.session_stage import FakeStream, words
from tests.agent.virtual_call import CallStage, calling, sounding, spoken
from tests.support.virtual_loop import virtually

LONG = "Te cuento todo con mucho detalle, de principio a fin."
LAST_WORD_MISSING = LONG.rpartition(" ")[0]
TEXT_OF_IT: list[ServiceEvent] = [
    ContentStarted("i", ContentType.TEXT, Role.ASSISTANT, Stage.FINAL),
    TextOutput("i", Role.ASSISTANT, INTERRUPTED_TEXT),
    ContentEnded("i", ContentType.TEXT, StopReason.INTERRUPTED),
]
END_OF_AUDIO = ContentEnded("a", ContentType.AUDIO, StopReason.INTERRUPTED)
BACKCHANNELS = ["Ajá.", "mhm", "Mm, sí", "sí, sí", "Claro.", "Ok", "Dale."]
SECONDS = 6.0  # of an answer


async def begun(stage: CallStage, text: str = LONG, *, whole: bool = True) -> FakeStream:
    """Carlos has spoken for two seconds of six; the model has made all of it, or says nothing of an end."""
    await stage.silent(0.2)
    stream = stage.sonic.streams[0]
    stream.tell(*(spoken if whole else sounding)(text, SECONDS))
    await stage.silent(2.0)
    return stream


async def spoken_over(stage: CallStage, stream: FakeStream, *signs: ServiceEvent, said: str | None = None) -> None:
    """Somebody makes a sound, at which Sonic gives these signs, and the words come."""
    stream.tell(UserSpeechStart(2000), *(signs or TEXT_OF_IT))
    await stage.loud(0.3)
    await stage.silent(0.5)
    stream.tell(UserSpeechEnd(2300, 2800))
    if said is not None:
        stream.tell(*words(said))
        await stage.silent(0.1)


def clears(stage: CallStage) -> int:
    return [kind for kind, _ in stage.line.sink.sent].count("clear")


def is_heard_once(stage: CallStage, text: str = LONG) -> bool:
    record = stage.call.log.record()
    turns = [turn for turn in record.turns if turn.role == "carlos"]
    return [turn.text for turn in turns].count(text) == 1 and not any(turn.interrupted for turn in turns)


# --- words that take no floor


@pytest.mark.parametrize("said", BACKCHANNELS)
@pytest.mark.parametrize("signs", [[], [END_OF_AUDIO], [END_OF_AUDIO, *TEXT_OF_IT]], ids=["text", "end", "full"])
def test_carlos_goes_on_where_the_model_took_a_backchannel_for_an_interruption(
    said: str, signs: list[ServiceEvent]
) -> None:
    @virtually
    async def call() -> None:
        async with calling() as stage:
            stream = await begun(stage, whole=not signs)
            await spoken_over(stage, stream, *signs, said=said)
            await stage.silent(6.0)
            assert is_heard_once(stage) or signs
            assert stage.said in ([LONG], [LAST_WORD_MISSING])
            assert SECONDS <= stage.played_s <= SECONDS + 1.1, "all of it, and no more than a second twice"
            assert stage.call.log.record().interruptions == 0
            assert stage.toolbox.turns == 1, "his words are heard all the same"

    call()


@virtually
async def test_until_it_is_known_what_was_said_the_line_is_clear_and_nothing_follows() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        stream.tell(UserSpeechStart(2000), *TEXT_OF_IT)
        await asyncio.sleep(0.001)
        assert stage.line.sink.sent[-1] == ("clear", None)
        played = stage.played_s
        await stage.loud(0.4)
        await stage.silent(0.6)
        assert (stage.played_s, clears(stage)) == (played, 1)


@virtually
async def test_what_the_model_answers_to_a_backchannel_is_not_heard_while_carlos_is_speaking() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Ajá")
        stream.tell(*spoken("Perdón, no te entendí.", 2.0, "b"))
        await stage.silent(12.0)
        assert stage.said == [LONG]
        assert stage.played_s <= SECONDS + 1.1
        assert "fillers" not in stage.notes, "nothing is owed"
        stream.tell(*words("¿Y mi pedido?"), *spoken("Está en camino.", 1.0, "c"))
        await stage.silent(2.0)
        assert stage.said[-1] == "Está en camino.", "what is asked after it is answered"


@virtually
async def test_a_model_that_says_nothing_to_a_backchannel_is_neither_excused_for_nor_replaced() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Mhm")
        await stage.silent(11.0)
        assert stage.said == [LONG]
        assert "fillers" not in stage.notes
        assert len(stage.sonic.streams) == 1


@virtually
async def test_what_the_model_says_when_carlos_has_finished_is_heard() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Ajá")
        await stage.silent(7.0)
        stream.tell(*spoken("¿Algo más?", 1.0, "b"))
        await stage.silent(2.0)
        assert stage.said == [LONG, "¿Algo más?"]


@virtually
async def test_an_answer_that_was_broken_off_in_the_making_is_followed_by_its_rest() -> None:
    async with calling() as stage:
        stream = await begun(stage, whole=False)
        await spoken_over(stage, stream, END_OF_AUDIO, *TEXT_OF_IT, said="Ajá")
        stream.tell(*spoken("Y llega el viernes.", 1.0, "b"))
        await stage.silent(8.0)
        assert stage.said == [LAST_WORD_MISSING, "Y llega el viernes."], "who knows what was missing"
        assert stage.played_s >= SECONDS + 1.0


@virtually
async def test_two_backchannels_in_a_row_stop_nothing() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Ajá")
        stream.tell(*sounding("Perdón, no te entendí.", 1.0, "b"))
        await stage.silent(1.0)
        await spoken_over(stage, stream, ContentEnded("b", ContentType.AUDIO, StopReason.INTERRUPTED), said="Claro")
        stream.tell(*spoken("Decime.", 1.0, "c"))
        await stage.silent(8.0)
        assert is_heard_once(stage)
        assert stage.said == [LONG]
        assert clears(stage) == 2


@virtually
async def test_two_that_come_as_one_stop_nothing_either() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream)
        await spoken_over(stage, stream, said="Ajá, sí")
        await stage.silent(8.0)
        assert is_heard_once(stage)
        assert clears(stage) == 1


@virtually
async def test_what_tells_of_the_break_too_late_stops_nothing_again() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Ajá")
        await stage.silent(0.5)
        stream.tell(*TEXT_OF_IT)
        await stage.silent(7.0)
        assert clears(stage) == 1
        assert is_heard_once(stage)


@virtually
async def test_a_backchannel_with_a_tool_pending_stops_nothing_and_the_result_is_told() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        slow(stage, 1.5)
        stream.tell(*words("¿Y mi pedido?"), *spoken(LONG, SECONDS), ToolUse("t", "t1", "consultarOrder", "{}"))
        await stage.silent(0.8)
        await spoken_over(stage, stream, said="Dale")
        await stage.silent(1.0)
        stream.tell(*spoken("Está en camino.", 1.0, "b"))
        await stage.silent(8.0)
        assert stage.said == [f"{LONG}", "Está en camino."]


@virtually
async def test_a_result_that_is_still_to_be_told_is_told_after_a_backchannel() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stream.tell(*words("¿Y mi pedido?"), *spoken(LONG, SECONDS), ToolUse("t", "t1", "consultarOrder", "{}"))
        await stage.silent(1.5)
        await spoken_over(stage, stream, said="Mhm")
        stream.tell(*spoken("Está en camino.", 1.0, "b"))
        await stage.silent(8.0)
        assert stage.said == [LONG, "Está en camino."]


@virtually
async def test_a_tool_that_the_model_uses_after_a_backchannel_is_told_of() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Claro")
        stream.tell(*sounding("Ahora lo busco.", 0.5, "b"), ToolUse("t", "t1", "consultarOrder", "{}"))
        await stage.silent(0.3)
        stream.tell(*spoken("Está en camino.", 1.0, "c"))
        await stage.silent(8.0)
        assert stage.said == [LONG, "Está en camino."]


def slow(stage: CallStage, seconds: float, result: Mapping[str, Any] | None = None) -> None:
    async def run(name: str, arguments: str, *, tool_use_id: str) -> object:
        await asyncio.sleep(seconds)
        return await ListToolbox.run(stage.toolbox, name, arguments, tool_use_id=tool_use_id)

    stage.toolbox.run = run  # type: ignore[method-assign, assignment]
    if result is not None:
        stage.toolbox.result = result


# --- no words


@virtually
async def test_a_cough_that_the_model_took_for_speech_costs_a_moment_and_no_word() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        began = stage.played_s
        await spoken_over(stage, stream)
        await stage.silent(1.3)
        assert stage.played_s == pytest.approx(began, abs=0.1)
        await stage.silent(7.0)
        assert is_heard_once(stage)
        assert stage.call.log.record().interruptions == 0
        assert not any(text.startswith("[seguir]") for text in stream.texts), "there is nothing to add"


@virtually
async def test_a_cough_in_an_answer_that_is_not_whole_makes_the_model_go_on_behind_what_there_is() -> None:
    async with calling() as stage:
        stream = await begun(stage, whole=False)
        await spoken_over(stage, stream, END_OF_AUDIO)
        await stage.silent(3.0)
        assert any(text.startswith("[seguir]") for text in stream.texts)
        stream.tell(*spoken("Y llega el viernes.", 1.0, "b"))
        await stage.silent(8.0)
        assert stage.said == [LAST_WORD_MISSING, "Y llega el viernes."], "who knows what was missing"


@virtually
async def test_a_noise_whose_end_is_never_told_holds_carlos_up_for_a_few_seconds() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        stream.tell(UserSpeechStart(2000), *TEXT_OF_IT)
        await stage.loud(0.3)
        assert await stage.longest_silence(4.0) < 4.0
        await stage.silent(6.0)
        assert is_heard_once(stage)


@virtually
async def test_a_cough_in_a_question_does_not_keep_it_from_being_heard() -> None:
    question = "¿Querés que lo cancele, o preferís dejarlo como está?"
    async with calling() as stage:
        stream = await begun(stage, question)
        await spoken_over(stage, stream)
        await stage.silent(8.0)
        assert is_heard_once(stage, question)


# --- words that want the floor


@pytest.mark.parametrize("said", ["Pará", "Sí, pero cancelalo", "No", "¿Sí?", "Ajá, ¿y cuándo llega?"])
def test_real_words_end_what_was_kept(said: str) -> None:
    @virtually
    async def call() -> None:
        async with calling() as stage:
            stream = await begun(stage)
            await spoken_over(stage, stream, said=said)
            played = stage.played_s
            stream.tell(*spoken("Decime.", 1.0, "b"))
            await stage.silent(8.0)
            assert stage.played_s == pytest.approx(played + 1.0, abs=0.05), "nothing of the old answer"
            record = stage.call.log.record()
            assert record.interruptions == 1
            assert [turn.role for turn in record.turns] == ["carlos", "caller", "carlos"]
            assert LONG.startswith(record.turns[0].text)
            assert record.turns[0].interrupted
            assert clears(stage) == 1

    call()


@pytest.mark.parametrize("said", ["Sí", "Dale", "Claro", "Ajá"])
def test_the_answer_to_a_question_is_no_backchannel(said: str) -> None:
    @virtually
    async def call() -> None:
        async with calling() as stage:
            stream = await begun(stage, "¿Lo confirmás? Si querés, te cuento antes los detalles.")
            await spoken_over(stage, stream, said=said)
            stream.tell(*spoken("Listo.", 1.0, "b"))
            await stage.silent(6.0)
            assert stage.call.log.record().interruptions == 1
            assert stage.said[-1] == "Listo."

    call()


@virtually
async def test_a_question_that_was_not_heard_yet_makes_no_answer_of_a_backchannel() -> None:
    text = "Tu pedido salió ayer del depósito y te llega el viernes por la mañana. ¿Necesitás algo más?"
    async with calling() as stage:
        stream = await begun(stage, text)
        await spoken_over(stage, stream, said="Ajá")
        await stage.silent(8.0)
        assert is_heard_once(stage, text)


@pytest.mark.parametrize("kind", ["confirmation_required", "question"])
@pytest.mark.parametrize("said", ["Sí", "Dale", "Ajá", "Sí, sí"])
def test_a_yes_to_a_proposal_is_never_a_backchannel(said: str, kind: str) -> None:
    @virtually
    async def call() -> None:
        async with calling() as stage:
            await stage.silent(0.2)
            stream = stage.sonic.streams[0]
            stage.toolbox.result = {"success": False, kind: True}
            stream.tell(*words("Cancelá el pedido seis"), ToolUse("t", "t1", "cancelarOrder", "{}"))
            await stage.silent(0.3)
            stream.tell(*spoken("Voy a cancelar el pedido seis, decime si estás de acuerdo y lo hago.", SECONDS))
            await stage.silent(2.5)
            await spoken_over(stage, stream, said=said)
            played = stage.played_s
            stream.tell(*spoken("Listo, cancelado.", 1.0, "b"))
            await stage.silent(6.0)
            assert stage.played_s == pytest.approx(played + 1.0, abs=0.05)
            assert stage.said[-1] == "Listo, cancelado."

    call()


@virtually
async def test_after_another_word_on_it_a_proposal_is_none_any_more() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stage.toolbox.result = {"success": False, "confirmation_required": True}
        stream.tell(*words("Cancelá el pedido seis"), ToolUse("t", "t1", "cancelarOrder", "{}"))
        await stage.silent(0.3)
        stream.tell(*spoken("¿Lo cancelo?", 1.0), *words("No, dejalo así"))
        await stage.silent(2.0)
        stream.tell(*spoken(LONG, SECONDS, "b"))
        await stage.silent(2.0)
        await spoken_over(stage, stream, said="Ajá")
        await stage.silent(7.0)
        assert is_heard_once(stage)


@virtually
async def test_real_words_after_a_backchannel_end_what_goes_on() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream, said="Ajá")
        await stage.silent(1.0)
        await spoken_over(stage, stream, said="Pará un segundo")
        played = stage.played_s
        stream.tell(*spoken("Decime.", 1.0, "b"))
        await stage.silent(6.0)
        assert stage.played_s == pytest.approx(played + 1.0, abs=0.05)
        assert stage.said[-1] == "Decime."
        record = stage.call.log.record()
        assert record.interruptions == 1
        assert sum("Te cuento" in turn.text for turn in record.turns) == 1


@virtually
async def test_an_answer_without_a_transcript_ends_what_was_kept() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream)
        played = stage.played_s
        stream.tell(*spoken("Decime.", 1.0, "b"))
        await stage.silent(6.0)
        assert stage.played_s == pytest.approx(played + 1.0, abs=0.05)
        assert stage.said[-1] == "Decime."


@virtually
async def test_a_key_ends_what_was_kept() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream)
        played = stage.played_s
        stage.line.do(CallerDigit("5"), CallerDigit("#"))
        await stage.silent(3.0)
        assert stage.played_s == pytest.approx(played, abs=0.05)
        assert stage.call.log.record().interruptions == 1


@virtually
async def test_who_hangs_up_while_it_is_not_known_has_heard_so_much() -> None:
    async with calling() as stage:
        stream = await begun(stage)
        await spoken_over(stage, stream)
        stage.line.leave()
        await stage.running
        (turn,) = [turn for turn in stage.call.log.record().turns if turn.role == "carlos"]
        assert turn.interrupted
        assert LONG.startswith(turn.text)
