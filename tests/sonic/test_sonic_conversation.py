"""Whole conversations: the real SDK, TLS, HTTP/2 and signatures, a scripted brain behind the server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from agent.sonic.errors import SonicLost, SonicRejected, SonicTimedOut
from agent.sonic.events import (
    INTERRUPTED_TEXT,
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolUse,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
)
from sandbox.brain import Brain, Prompt
from sandbox.sonic.behaviour import BargeIn, Behaviour, FinalText
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import Say, ScriptedMind, ScriptTurn, ToneVoice, UseTool
from tests.sonic.sonic_bench import (
    ENDING,
    bench,
    cue,
    failure,
    opening,
    rest,
    result,
    silence,
    speech,
    text,
    until,
)

GREETING = ScriptTurn((Say("Hola."),))
FAST = 0.05  # a second of the service lasts 50 ms


def is_turn_end(event: ServiceEvent) -> bool:
    return (
        isinstance(event, ContentEnded) and event.type is ContentType.AUDIO and event.stop_reason is StopReason.END_TURN
    )


def is_turn_over(event: ServiceEvent) -> bool:
    """The usage at a turn's end: the only one that tells of speech going out."""
    return isinstance(event, Usage) and event.output_speech > 0


def is_text_end(event: ServiceEvent) -> bool:
    return isinstance(event, ContentEnded) and event.type is ContentType.TEXT


def is_audio(event: ServiceEvent) -> bool:
    return isinstance(event, AudioOutput)


def is_final(event: ServiceEvent) -> bool:
    return isinstance(event, ContentStarted) and event.stage is Stage.FINAL


def audio_of(events: list[ServiceEvent]) -> bytes:
    return b"".join(event.audio for event in events if isinstance(event, AudioOutput))


def names(events: list[ServiceEvent]) -> list[str]:
    """Event names in order, runs of audio as one."""
    short: list[str] = []
    for event in events:
        name = type(event).__name__
        if name != "AudioOutput" or short[-1:] != ["AudioOutput"]:
            short.append(name)
    return short


async def test_a_greeting_is_text_and_audio_and_one_completion(tmp_path: Path) -> None:
    async with bench(tmp_path, [GREETING]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        events = await until(stream, is_turn_end)
        assert names(events) == [
            *["Usage", "CompletionStart"],
            *["ContentStarted", "TextOutput", "ContentEnded"],
            *["ContentStarted", "AudioOutput", "ContentEnded"],
        ]
        assert len(audio_of(events)) == round(0.3 * 24000) * 2
        await stream.send(*ENDING)
        assert isinstance((await rest(stream))[-1], CompletionEnd)


async def test_a_call_with_a_tool_from_start_to_end(tmp_path: Path) -> None:
    order = ScriptTurn(
        (UseTool("consultarOrden", {"dni": "28456789"}), Say("Su pedido llega mañana.")), hear="Quiero mi pedido"
    )
    async with bench(tmp_path, [GREETING, order]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, is_turn_end)
        await stream.send(speech(0.4), silence(0.5))
        asked = await until(stream, lambda e: isinstance(e, ContentEnded) and e.type is ContentType.TOOL)
        use = next(event for event in asked if isinstance(event, ToolUse))
        assert (use.name, json.loads(use.content)) == ("consultarOrden", {"dni": "28456789"})
        await stream.send(*result(use.tool_use_id, '{"result": {"success": true}}'))
        await until(stream, is_turn_end)
        await stream.send(*ENDING)
        await rest(stream)
        await stream.close()
        events_sent = len(at.record.received) + 3  # and the audio, which the record keeps apart
        assert at.record.signatures == events_sent
        assert at.record.errors == []
        assert not at.record.open


async def test_an_early_close_ends_the_chain_with_a_signed_empty_chunk(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        async with at.stream() as stream:
            await stream.send(*opening())
        assert at.record.input_ended
        assert at.record.signatures == len(at.record.received) + 2  # the audio, and the empty chunk


async def test_speech_is_told_before_the_completion_and_transcribed_after_it(tmp_path: Path) -> None:
    async with bench(tmp_path, [ScriptTurn(hear="Hola")]) as at, at.stream() as stream:
        await stream.send(*opening(), speech(0.4), silence(0.5))
        events = await until(stream, is_text_end)
        assert names(events) == [
            *["Usage", "UserSpeechStart", "Usage", "CompletionStart", "UserSpeechEnd"],
            *["ContentStarted", "TextOutput", "ContentEnded"],
        ]
        start, end = events[1], events[4]
        assert isinstance(start, UserSpeechStart)
        assert isinstance(end, UserSpeechEnd)
        assert (start.offset_ms, end.offset_ms, end.detected_ms) == (100, 500, 900)
        assert [e.content for e in events if isinstance(e, TextOutput)] == ["Hola"]
        assert [(e.role, e.stage) for e in events if isinstance(e, ContentStarted)] == [(Role.USER, Stage.FINAL)]


async def test_two_turns_share_one_completion(tmp_path: Path) -> None:
    async with bench(tmp_path, [GREETING, GREETING]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        events = await until(stream, is_turn_over)
        await stream.send(*cue("Hola"))
        events += await until(stream, is_turn_over)
        await stream.send(*ENDING)
        events += await rest(stream)
        assert sum(isinstance(event, CompletionStart) for event in events) == 1
        assert sum(isinstance(event, CompletionEnd) for event in events) == 1


async def test_the_last_real_audio_block_ends_the_turn(tmp_path: Path) -> None:
    async with bench(tmp_path, [ScriptTurn((Say("Uno."), Say("Dos.")))]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        events = await until(stream, is_turn_end)
        ends = [e.stop_reason for e in events if isinstance(e, ContentEnded) and e.type is ContentType.AUDIO]
        assert ends == [StopReason.PARTIAL_TURN, StopReason.END_TURN]
        assert all(
            any(isinstance(e, AudioOutput) and e.content_id == start.content_id for e in events)
            for start in events
            if isinstance(start, ContentStarted) and start.type is ContentType.AUDIO
        )


async def test_final_text_comes_after_the_turn_is_over(tmp_path: Path) -> None:
    async with bench(tmp_path, [GREETING], time_scale=FAST) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        before = await until(stream, is_turn_end)
        assert not any(is_final(event) for event in before)
        after = await until(stream, lambda e: isinstance(e, TextOutput))
        assert isinstance(after[-1], TextOutput)
        assert after[-1].content == "Hola."


@pytest.mark.parametrize("final_text", [FinalText.AT_ONCE, FinalText.NEVER])
async def test_final_text_can_come_at_once_or_never(tmp_path: Path, final_text: FinalText) -> None:
    behaviour = Behaviour(audio_speed=None, final_text=final_text)
    async with bench(tmp_path, [GREETING], behaviour=behaviour, time_scale=FAST) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        events = await until(stream, is_turn_end)
        assert any(is_final(event) for event in events) == (final_text is FinalText.AT_ONCE)
        await asyncio.sleep((0.3 + 0.4) * FAST * 2)
        assert sum(is_final(event) for event in at.record.sent) == (final_text is FinalText.AT_ONCE)


LONG = ScriptTurn((Say("Le cuento todos los detalles de su pedido, uno por uno y sin apuro."), Say("Nunca.")))


@pytest.mark.parametrize("variant", list(BargeIn))
async def test_a_barge_in_stops_the_answer(tmp_path: Path, variant: BargeIn) -> None:
    behaviour = Behaviour(barge_in=variant)
    async with bench(tmp_path, [LONG, GREETING], behaviour=behaviour) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, is_audio)
        await stream.send(speech(0.2))
        told = await until(stream, lambda e: isinstance(e, ContentEnded) and e.type is ContentType.AUDIO)
        assert any(isinstance(event, UserSpeechStart) for event in told)
        end = told[-1]
        assert isinstance(end, ContentEnded)
        hard = variant in (BargeIn.FULL, BargeIn.END)
        assert end.stop_reason is (StopReason.INTERRUPTED if hard else StopReason.PARTIAL_TURN)
        await stream.send(silence(0.5))
        answer = await until(stream, is_turn_end)
        said = [event.content for event in answer if isinstance(event, TextOutput)]
        assert (INTERRUPTED_TEXT in said) == (variant in (BargeIn.FULL, BargeIn.TEXT))
        assert "Nunca." not in said
        assert "Hola." in said


async def test_speech_over_the_playback_interrupts_what_was_generated_long_before(tmp_path: Path) -> None:
    async with bench(tmp_path, [LONG, GREETING]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, is_turn_end)
        await stream.send(speech(0.2))
        await until(stream, lambda e: isinstance(e, TextOutput) and e.interrupted)


async def test_typed_text_interrupts_as_speech_does(tmp_path: Path) -> None:
    async with bench(tmp_path, [LONG, GREETING], behaviour=Behaviour()) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, is_audio)
        await stream.send(*cue("Pará"))
        await until(stream, lambda e: isinstance(e, TextOutput) and e.interrupted)
        await until(stream, is_turn_end)


async def test_a_tool_call_outlives_a_barge_in(tmp_path: Path) -> None:
    turn = ScriptTurn((UseTool("consultarOrden"), Say("Listo.")))
    async with bench(tmp_path, [turn]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        use = (await until(stream, lambda e: isinstance(e, ToolUse)))[-1]
        assert isinstance(use, ToolUse)
        await stream.send(speech(0.3))
        await until(stream, lambda e: isinstance(e, UserSpeechStart))
        await stream.send(*result(use.tool_use_id, "{}"))
        assert audio_of(await until(stream, is_turn_end))


async def test_less_than_68_ms_of_audio_leaves_the_model_silent_but_costs(tmp_path: Path) -> None:
    async with bench(tmp_path, [GREETING]) as at, at.stream() as stream:
        await stream.send(*opening()[:-1], silence(0.06), *cue())
        await until(stream, lambda event: isinstance(event, CompletionStart))
        usage = (await until(stream, lambda event: isinstance(event, Usage)))[-1]
        assert isinstance(usage, Usage)
        assert usage.input_text > 0
        assert usage.output_speech == 0
        assert at.record.counts[AudioOutput] == 0
        await stream.send(silence(0.02))  # enough, with what was sent before
        await until(stream, is_turn_end)


async def test_the_mind_knows_the_prompt_and_its_history(tmp_path: Path) -> None:
    history = [(Role.USER, "Hola"), (Role.ASSISTANT, "Buenas, soy Carlos.")]
    async with bench(tmp_path, [GREETING]) as at, at.stream() as stream:
        await stream.send(*opening(history=history), *text(Role.USER, "El cliente llama desde el teléfono."), *cue())
        await until(stream, is_turn_end)
        conversation = at.record.session.conversation
        assert conversation is not None
        prompt = conversation.prompt
        assert prompt.history == (("USER", "Hola"), ("ASSISTANT", "Buenas, soy Carlos."))
        assert (prompt.system, prompt.tools) == ("Sos Carlos.", ("consultarOrden",))
        assert (prompt.voice, prompt.input_rate, prompt.output_rate) == ("carlos", 16000, 24000)


async def test_a_session_dies_of_old_age(tmp_path: Path) -> None:
    behaviour = Behaviour(idle_s=10_000)
    async with bench(tmp_path, time_scale=0.0005, behaviour=behaviour) as at, at.stream() as stream:
        await stream.send(*opening())
        assert "Model has timed out" in await failure(stream, SonicTimedOut)


@pytest.mark.parametrize("idle_s", [55, 295])
async def test_an_idle_session_is_ended_in_the_words_of_its_limit(tmp_path: Path, idle_s: int) -> None:
    behaviour = Behaviour(idle_s=idle_s, life_s=10_000)
    async with bench(tmp_path, time_scale=0.001, behaviour=behaviour) as at, at.stream() as stream:
        await stream.send(*opening())
        assert f"less than {idle_s} seconds" in await failure(stream, SonicTimedOut)


@pytest.mark.slow
async def test_audio_keeps_a_session_from_idling(tmp_path: Path) -> None:
    async with bench(tmp_path, [GREETING], time_scale=0.03) as at, at.stream() as stream:  # 55 s in 1.65 s
        await stream.send(*opening())
        for _ in range(100):
            await stream.send(silence(0.02))
            await asyncio.sleep(0.02)
        await stream.send(*cue())
        await until(stream, is_turn_end)


async def test_a_prompt_that_ends_with_open_audio_is_only_noted(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        await stream.send(*opening())
        stream.order.check(ENDING[0])  # our own side would not send it
        await stream.send(ENDING[1])
        await failure(stream, SonicLost)
        assert at.record.session.notes == ["All contents must be closed before ending prompt"]
        assert at.record.errors == []


async def test_audio_during_a_tool_call_can_be_fatal(tmp_path: Path) -> None:
    behaviour = Behaviour(audio_speed=None, audio_during_tool_is_fatal=True)
    turn = ScriptTurn((UseTool("consultarOrden"),))
    async with bench(tmp_path, [turn], behaviour=behaviour) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, lambda e: isinstance(e, ToolUse))
        await stream.send(silence(0.02))
        assert "Invalid input request" in await failure(stream, SonicRejected)


async def test_a_brain_that_fails_is_an_internal_error(tmp_path: Path) -> None:
    async def fail(floor: object) -> None:
        raise RuntimeError("no idea")

    async with bench(tmp_path, [ScriptTurn((fail,))]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        assert "no idea" in await failure(stream, SonicLost)


async def test_a_brain_that_refuses_the_prompt_is_an_internal_error(tmp_path: Path) -> None:
    class Refusing(ScriptedMind):
        def begin(self, prompt: Prompt) -> None:
            raise ValueError("not at this rate")

    ear = EnergyEar()
    async with bench(tmp_path) as at:
        at.server.brain_factory = lambda: Brain(ear, Refusing(iter(()), ear), ToneVoice())
        async with at.stream() as stream:
            await stream.send(*opening())
            assert "not at this rate" in await failure(stream, SonicLost)
