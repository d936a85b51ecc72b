"""Who has the floor of a call, what is due in a silence, how it ends, what keys do: whole calls on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from agent.call import MAX_CALL_S
from agent.filler import ARE_YOU_THERE, NO_ANSWER_GOODBYE, ONE_MINUTE_LEFT, TIME_IS_UP
from agent.floor import NOISE_S, FloorTimes
from agent.keypad import KEYPAD_PAUSE_S
from agent.line import CallerDigit
from agent.passing_on import nobody_cue
from agent.persona.line_cues import MINUTE_LEFT_CUE, STILL_THERE_CUE
from agent.sonic.errors import SonicRefused
from agent.sonic.events import (
    ContentEnded,
    ContentType,
    StopReason,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from common import metrics
from tests.agent.call_stage import ListToolbox
from tests.agent.session_stage import FakeStream, ended, words
from tests.agent.virtual_call import CallStage, calling, greets, sounding, spoken
from tests.support.logs import captured
from tests.support.virtual_loop import virtually

BYE = "Gracias por llamar. ¡Que tengas un buen día!"
LONG = "Te cuento todo con mucho detalle, de principio a fin."
HANG_UP = ToolUse("c", "bye", "finalizarLlamada", "{}")
BROKEN_OFF = ContentEnded("bye", ContentType.AUDIO, StopReason.INTERRUPTED)
ENTRY = "[DTMF] "


NOBODY = nobody_cue(callbacks=False)


async def answers(stream: FakeStream) -> None:
    """Greets, and says what it is asked to."""
    said = {STILL_THERE_CUE: "¿Estás ahí?", MINUTE_LEFT_CUE: "Queda un minuto.", NOBODY: "No puedo pasarte."}
    stream.tell(*spoken())
    done = 0
    while True:
        await asyncio.sleep(0.1)
        cues = [text for text in stream.texts if text in said]
        for number, cue in enumerate(cues[done:], done):
            stream.tell(*spoken(said[cue], 1.0, f"cue{number}"))
        done = len(cues)


def texts(stage: CallStage) -> list[str]:
    return [text for stream in stage.sonic.streams for text in stream.texts]


def ends(stage: CallStage) -> tuple[object, object]:
    return stage.notes["ended_by"], stage.notes["end_reason"]


# --- nobody speaks


@virtually
async def test_a_caller_who_waits_for_more_than_three_seconds_is_dead_air_in_the_record() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(4.0)
        stage.sonic.streams[0].tell(*words("¿A qué hora abren?"))
        await stage.silent(0.8)
        assert "dead_air" not in stage.notes
        stage.sonic.streams[0].tell(*spoken("A las nueve.", block="b"))
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("¿Y los sábados?"))
        asked = stage.now
        await stage.silent(3.4)
        stage.sonic.streams[0].tell(*spoken("También.", block="c"))
        await stage.silent(2.0)
        (began_ms,) = stage.call.log.notes["dead_air"]
        assert asked * 1000 - 2100 < began_ms < asked * 1000, "from his words' sound, which is before them"


@virtually
async def test_a_silent_caller_is_asked_twice_and_hung_up_on_politely_within_half_a_minute() -> None:
    async with calling(script=answers) as stage:
        await stage.silent(32.0)
        assert await stage.running == "inactivity"
        assert stage.said == ["Hola, soy Carlos.", "¿Estás ahí?", "¿Estás ahí?", NO_ANSWER_GOODBYE.text]
        assert ends(stage) == ("agent", "inactivity")
        assert stage.line.outcome == "inactivity"


@virtually
async def test_a_clip_asks_where_the_model_does_not() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(35.0)
        assert await stage.running == "inactivity"
        assert stage.said[1:] == [ARE_YOU_THERE.text, ARE_YOU_THERE.text, NO_ANSWER_GOODBYE.text]
        assert "fillers" not in stage.notes, "nobody is told to wait for an answer to nothing"


@virtually
async def test_a_model_that_does_not_ask_is_no_broken_one() -> None:
    times = FloorTimes(silence_prompt_s=20.0)
    async with calling(script=greets, times=times) as stage:
        await stage.silent(50.0)
        assert stage.said[1:] == [ARE_YOU_THERE.text] * 2
        record = stage.call.log.record()
        assert (record.details["faults"], len(stage.sonic.streams)) == ([], 1)


@virtually
async def test_a_caller_who_answers_the_question_is_not_hung_up_on() -> None:
    async with calling(script=answers) as stage:
        await stage.silent(13.0)
        stage.sonic.streams[0].tell(*words("Sí, acá estoy"), *spoken("Decime.", block="b"))
        await stage.silent(8.0)
        assert stage.said == ["Hola, soy Carlos.", "¿Estás ahí?", "Decime."]
        assert not stage.running.done()


@virtually
async def test_who_speaks_in_the_goodbye_for_his_silence_is_heard() -> None:
    async with calling(script=greets) as stage:
        while NO_ANSWER_GOODBYE.text not in stage.said and not stage.call._ending.stoppable:
            await stage.silent(0.1)
        await stage.silent(1.0)
        played = stage.played_s
        stage.sonic.streams[0].tell(*words("Esperá, acá estoy"))
        await stage.silent(0.2)
        stage.sonic.streams[0].tell(*spoken("Decime.", block="b"))
        await stage.silent(6.0)
        assert not stage.running.done()
        assert stage.said[-1] == "Decime."
        assert stage.played_s < played + 2.5, "the rest of the goodbye was cut off"


@virtually
async def test_a_yes_to_the_question_whether_he_is_there_confirms_no_proposal() -> None:
    async with calling(script=answers) as stage:
        await stage.silent(13.0)
        stage.sonic.streams[0].tell(*words("Sí"))
        await stage.silent(0.1)
        assert stage.toolbox.turns == 0
        stage.sonic.streams[0].tell(*spoken("¿Lo confirmás?", block="b"))
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Sí"))
        await stage.silent(0.1)
        assert stage.toolbox.turns == 1


@virtually
@pytest.mark.slow
async def test_a_television_is_nobody_once_nothing_is_understood_for_half_a_minute() -> None:
    async with calling(script=answers) as stage:
        await stage.silent(2.0)
        await stage.loud(NOISE_S - 1.0)
        assert stage.said == ["Hola, soy Carlos."]
        await stage.loud(32.0)
        assert await stage.running == "inactivity"


# --- the goodbye


async def goodbye(stage: CallStage, seconds: float = 3.0) -> FakeStream:
    """The greeting, a caller who thanks, and a goodbye that begins."""
    await stage.silent(3.0)
    stream = stage.sonic.streams[0]
    stream.tell(*words("Nada más, gracias"), HANG_UP)
    await stage.silent(0.2)
    stream.tell(*spoken(BYE, seconds, "bye"))
    return stream


@virtually
async def test_after_the_goodbye_the_line_stays_open_for_a_moment() -> None:
    async with calling(script=greets) as stage:
        await goodbye(stage)
        await stage.silent(3.0 + FloorTimes().goodbye_grace_s - 0.3)
        assert not stage.running.done()
        await stage.silent(1.0)
        assert await stage.running == "completed"
        assert ends(stage) == ("agent", "goodbye")


@virtually
async def test_who_remembers_something_after_the_goodbye_is_heard_out() -> None:
    async with calling(script=greets) as stage:
        stream = await goodbye(stage)
        await stage.silent(3.8)
        await stage.loud(6.0)
        assert not stage.running.done(), "no time runs out while he speaks"
        await stage.silent(1.0)
        stream.tell(*words("Ah, esperá, una cosa más"), *spoken("Decime.", block="c"))
        await stage.silent(5.0)
        assert not stage.running.done()
        assert stage.said[-1] == "Decime."


@virtually
async def test_a_caller_who_goes_on_talking_before_the_goodbye_has_begun_is_not_cut_off() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.sonic.streams[0].tell(*words("Bueno, gracias"), HANG_UP)
        await stage.loud(12.0)
        assert not stage.running.done()


@virtually
async def test_a_noise_after_the_goodbye_keeps_the_line_open_for_no_longer_than_words_need() -> None:
    async with calling(script=greets) as stage:
        await goodbye(stage)
        await stage.silent(3.5)
        await stage.loud(0.4)
        await stage.silent(4.0)
        assert await stage.running == "completed"


@pytest.mark.parametrize("keys", ["35012678#", "3"])
def test_a_key_stops_the_ending(keys: str) -> None:
    @virtually
    async def call() -> None:
        async with calling(script=greets) as stage:
            stream = await goodbye(stage)
            await stage.silent(1.0)
            stage.line.do(*(CallerDigit(key) for key in keys))
            await stage.silent(KEYPAD_PAUSE_S + 0.5)
            assert stage.played_s < 4.0, "2 s of greeting, 1 s of the goodbye's 3"
            stream.tell(*spoken("¿Qué pedido querés consultar?", block="c"))
            await stage.silent(5.0)
            assert not stage.running.done()
            assert ENTRY + keys in texts(stage)

    call()


@virtually
async def test_a_cough_in_the_goodbye_lets_it_finish_even_where_the_model_breaks_it_off() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(*words("Nada más, gracias"), HANG_UP)
        await stage.silent(0.2)
        stream.tell(*sounding(BYE, 3.0, "bye"))
        await stage.silent(1.0)
        stream.tell(UserSpeechStart(4000), BROKEN_OFF)
        await stage.loud(0.3)
        stream.tell(UserSpeechEnd(4300, 4800))
        await stage.silent(5.5)
        assert await stage.running == "completed", "2 s of goodbye, 1.5 s of patience for the cough and 1.5 s of grace"
        assert stage.said[-1] == BYE
        assert not any(text.startswith("[seguir]") for text in texts(stage))


@virtually
async def test_words_in_the_goodbye_cut_it_off_even_so() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(*words("Nada más, gracias"), HANG_UP)
        await stage.silent(0.2)
        stream.tell(*sounding(BYE, 3.0, "bye"))
        await stage.silent(1.0)
        stream.tell(UserSpeechStart(4000), BROKEN_OFF)
        await stage.loud(0.8)
        stream.tell(UserSpeechEnd(4300, 4800), *words("Pará, otra cosa"), *spoken("Decime.", block="c"))
        await stage.silent(5.0)
        assert stage.said[-1] == "Decime."
        assert not stage.running.done()
        assert stage.played_s < 2.0 + 1.6 + 2.0


# --- the limit


@virtually
@pytest.mark.slow
async def test_the_last_minute_is_told_and_the_call_ends_with_a_goodbye_and_its_turns() -> None:
    async with calling(script=answers, max_call_s=100.0, times=FloorTimes(silence_prompt_s=None)) as stage:
        await stage.silent(99.0)
        assert stage.said == ["Hola, soy Carlos.", "Queda un minuto."]
        stage.sonic.streams[0].tell(*words("¿Y mi pedido?"), *spoken(LONG, 4.0, "b"))
        await stage.silent(12.0)
        assert await stage.running == "too_long"
        record = stage.call.log.record()
        assert [turn.text for turn in record.turns][-3:] == ["¿Y mi pedido?", LONG, TIME_IS_UP.text]
        assert not record.turns[-2].interrupted, "he had time to finish his sentence"
        assert ends(stage) == ("agent", "max_duration")


@virtually
async def test_a_clip_tells_the_last_minute_where_the_model_does_not() -> None:
    async with calling(script=greets, max_call_s=100.0, times=FloorTimes(silence_prompt_s=None)) as stage:
        await stage.silent(50.0)
        assert stage.said[1:] == [ONE_MINUTE_LEFT.text]


@virtually
async def test_nothing_the_caller_does_makes_a_call_longer_than_its_limit() -> None:
    async with calling(script=greets, max_call_s=20.0, times=FloorTimes(silence_prompt_s=None)) as stage:
        await stage.silent(2.0)
        await stage.loud(27.0)
        stage.line.do(CallerDigit("5"))
        await stage.loud(6.0)
        assert await stage.running == "too_long"
        assert stage.said[-1] == TIME_IS_UP.text


def test_a_phone_call_lasts_a_quarter_of_an_hour_at_most() -> None:
    assert MAX_CALL_S == 900


# --- a tool that takes its time


@virtually
async def test_a_tool_that_takes_its_time_is_excused_for_and_a_quick_one_is_not() -> None:
    async with calling(script=greets) as stage:

        async def slow(name: str, arguments: str, *, tool_use_id: str) -> object:
            await asyncio.sleep(float(tool_use_id))
            return await ListToolbox.run(stage.toolbox, name, arguments, tool_use_id=tool_use_id)

        stage.toolbox.run = slow  # type: ignore[method-assign, assignment]
        await stage.silent(3.0)
        stream = stage.sonic.streams[0]
        stream.tell(*words(), ToolUse("c", "1.0", "consultarOrder", "{}"))
        await stage.silent(1.1)
        stream.tell(*spoken("Está en camino.", 1.0, "b"))
        await stage.silent(2.0)
        assert "fillers" not in stage.notes
        stream.tell(*words(), ToolUse("c", "2.5", "consultarOrder", "{}"))
        await stage.silent(1.5)
        assert stage.notes["fillers"] == 1
        await stage.silent(1.1)
        stream.tell(*spoken("También.", 1.0, "d"))
        await stage.silent(3.0)
        assert stage.said[-2:] == ["Está en camino.", "También."]


# --- words that take no floor


async def spoken_over(stage: CallStage, said: str, text: str = LONG) -> None:
    """Carlos is in the middle of a sentence of 6 s, and the caller says something."""
    await stage.silent(0.2)
    stream = stage.sonic.streams[0]
    stream.tell(*spoken(text, 6.0))
    await stage.silent(2.0)
    stream.tell(UserSpeechStart(2000))
    await stage.loud(0.3)
    stream.tell(UserSpeechEnd(2300, 2500), *words(said))
    await stage.silent(6.0)


@pytest.mark.parametrize("said", ["Ajá.", "mhm", "Mm, sí", "sí, sí", "Claro, claro.", "Ok"])
def test_carlos_goes_on_where_somebody_only_says_that_he_listens(said: str) -> None:
    @virtually
    async def call() -> None:
        async with calling() as stage:
            await spoken_over(stage, said)
            assert LONG in stage.said
            assert stage.call.log.record().interruptions == 0
            assert stage.toolbox.turns == 1, "his words are heard all the same"

    call()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Pará", LONG),
        ("Sí, pero cancelalo", LONG),
        ("No", LONG),
        ("¿Sí?", LONG),
        ("Sí", "¿Lo confirmás? Si querés, te cuento antes los detalles."),
    ],
)
def test_real_words_and_the_answer_to_a_question_stop_him(said: str, text: str) -> None:
    @virtually
    async def call() -> None:
        async with calling() as stage:
            await spoken_over(stage, said, text)
            assert stage.call.log.record().interruptions == 1
            assert ("clear", None) in stage.line.sink.sent
            assert stage.toolbox.turns == 1

    call()


# --- keys


@virtually
async def test_the_first_key_interrupts_and_what_the_model_adds_in_the_meantime_is_not_heard() -> None:
    async with calling() as stage:
        await stage.silent(0.2)
        stream = stage.sonic.streams[0]
        stream.tell(*sounding(LONG, 6.0))
        await stage.silent(2.0)
        stage.line.do(CallerDigit("2"))
        await stage.silent(0.3)
        stopped = stage.played_s
        assert stopped < 2.5
        stream.tell(*sounding("Y otra cosa.", 2.0, "a2"), ended(block="a2"))
        stage.line.do(CallerDigit("8"))
        await stage.silent(2.0)
        assert stage.played_s == stopped
        stage.line.do(CallerDigit("#"))
        await stage.silent(0.5)
        assert texts(stage)[-1] == "[DTMF] 28#"
        stream.tell(*spoken("Gracias.", 1.0, "b"))
        await stage.silent(3.0)
        assert stage.said[-1] == "Gracias."
        assert "Y otra cosa." not in stage.said


@virtually
async def test_who_reads_his_number_from_a_card_is_asked_once() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.line.do(*(CallerDigit(key) for key in "28456"))
        await stage.silent(KEYPAD_PAUSE_S - 0.5)
        stage.line.do(*(CallerDigit(key) for key in "78"))
        await stage.silent(KEYPAD_PAUSE_S + 0.2)
        stage.line.do(CallerDigit("9"))
        await stage.silent(KEYPAD_PAUSE_S + 0.2)
        assert [text for text in texts(stage) if text.startswith(ENTRY)] == ["[DTMF] 2845678", "[DTMF] 28456789"]
        stage.sonic.streams[0].tell(*spoken("Gracias.", 1.0, "b"))
        await stage.silent(2.0)
        stage.line.do(CallerDigit("6"))
        await stage.silent(KEYPAD_PAUSE_S + 0.2)
        assert texts(stage)[-1] == "[DTMF] 6", "what was answered is over"


@virtually
async def test_what_is_keyed_is_in_the_record_and_in_no_line_of_the_log() -> None:
    with captured("DEBUG") as out:
        async with calling(script=greets) as stage:
            await stage.silent(3.0)
            stage.line.do(*(CallerDigit(key) for key in "28456"))
            await stage.silent(KEYPAD_PAUSE_S + 0.2)
            stage.line.do(*(CallerDigit(key) for key in "789#"))
            await stage.silent(1.0)
            assert stage.call.log.record().turns[-1].text == "[DTMF] 28456789#"
    assert "28456" not in out.getvalue()


@virtually
async def test_a_lone_zero_asks_for_a_person() -> None:
    async with calling(script=answers) as stage:
        await stage.silent(3.0)
        stage.line.do(CallerDigit("0"))
        await stage.silent(KEYPAD_PAUSE_S + 2.0)
        assert NOBODY in texts(stage)
        assert stage.call.log.record().turns[1].text == "[DTMF] 0"
        assert stage.said[-1] == "No puedo pasarte."


@virtually
async def test_keys_are_taken_while_a_tool_is_pending_and_before_the_greeting() -> None:
    async with calling() as stage:
        stage.line.do(*(CallerDigit(key) for key in "7#"))
        await stage.silent(1.0)
        assert texts(stage)[-1] == "[DTMF] 7#"

        async def slow(name: str, arguments: str, *, tool_use_id: str) -> object:
            await asyncio.sleep(2.0)
            return await ListToolbox.run(stage.toolbox, name, arguments, tool_use_id=tool_use_id)

        stage.toolbox.run = slow  # type: ignore[method-assign, assignment]
        stage.sonic.streams[0].tell(*spoken(), *words(), ToolUse("c", "t", "consultarOrder", "{}"))
        await stage.silent(0.5)
        stage.line.do(*(CallerDigit(key) for key in "8#"))
        await stage.silent(1.0)
        assert texts(stage)[-1] == "[DTMF] 8#"


@virtually
async def test_keys_in_an_apology_do_no_harm_and_change_nothing() -> None:
    async with calling(lambda number: SonicRefused("no")) as stage:
        await stage.silent(1.0)
        stage.line.do(*(CallerDigit(key) for key in "12#0#*"))
        await stage.silent(9.0)
        assert await stage.running == "failed"
        assert ends(stage) == ("agent", "error")
        assert stage.played_s >= 6.5


# --- what the record keeps of a hang-up


@virtually
async def test_the_last_words_of_a_caller_who_hangs_up_are_in_the_record() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        await stage.loud(0.8)
        stage.line.leave()
        await asyncio.sleep(0.5)
        assert not stage.running.done()
        silent_calls = _silent_calls()
        stage.sonic.streams[0].tell(*words("Entonces no lo quiero más"), *spoken("Bueno.", block="b"))
        assert await stage.running == "caller_left"
        assert [turn.text for turn in stage.call.log.record().turns] == [
            "Hola, soy Carlos.",
            "Entonces no lo quiero más",
        ]
        assert ends(stage) == ("caller", "hang_up")
        assert _silent_calls() == silent_calls, "nobody could have answered him"


def _silent_calls() -> float:
    exposition = metrics.exposition().decode()
    lines = [line for line in exposition.splitlines() if "silent" in line.lower() and not line.startswith("#")]
    return sum(float(line.split()[-1]) for line in lines)


@virtually
async def test_last_words_that_never_come_are_not_waited_for_long() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        await stage.loud(0.8)
        stage.line.leave()
        began = stage.now
        assert await stage.running == "caller_left"
        assert stage.now - began <= 2.1


@virtually
async def test_a_caller_who_says_nothing_and_hangs_up_is_not_waited_for() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(3.0)
        stage.line.leave()
        began = stage.now
        assert await stage.running == "caller_left"
        assert stage.now - began <= 0.1


@virtually
async def test_who_hangs_up_in_the_goodbye_has_ended_a_completed_call() -> None:
    async with calling(script=greets) as stage:
        await goodbye(stage)
        await stage.silent(1.0)
        stage.line.leave()
        assert await stage.running == "completed"
        assert ends(stage) == ("caller", "hang_up")
        assert stage.call.log.record().turns[-1].interrupted
        assert BYE.startswith(stage.said[-1])


@virtually
async def test_an_operator_who_ends_a_call_is_named() -> None:
    async with calling(script=greets) as stage:
        await stage.silent(1.0)
        await stage.call.hang_up()
        assert await stage.running == "closed"
        assert ends(stage) == ("operator", "hang_up")
