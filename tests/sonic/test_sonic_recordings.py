"""The order and the fields of the service's events, as third parties recorded them, held against the stand-in's."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agent.sonic.events import (
    AudioOutput,
    ClientEvent,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
)
from sandbox.sonic.behaviour import Behaviour, FinalText, Transcript
from sandbox.sonic.failures import IDLE_295
from sandbox.sonic.script import Say, ScriptTurn, UseTool, Write, scripted
from sandbox.sonic.session import Session
from sandbox.sonic.writing import FILLING, Envelope, Filling, encode_service_event
from tests.sonic.sonic_bench import cue, opening, silence, speech
from tests.sonic.standin_stage import Wire, settled
from tests.support.waiting import bounded

AT_ONCE = Behaviour(audio_speed=None, final_text=FinalText.NEVER)


async def heard(
    turns: Iterable[ScriptTurn], *events: ClientEvent, behaviour: Behaviour = AT_ONCE
) -> list[ServiceEvent]:
    """All that a session answers to these events before it has nothing more to do."""
    wire = Wire()
    session = Session(wire, scripted(turns), behaviour)
    for event in [*opening(), *events]:
        session.take(event)
    await settled()
    session.close()
    assert wire.refusals == []
    return wire.sent


def bodies(events: Iterable[ServiceEvent]) -> list[tuple[str, dict[str, Any]]]:
    envelope = Envelope("session", "prompt", "completion", output_rate=16_000)
    written = [json.loads(encode_service_event(event, envelope))["event"] for event in events]
    return [item for event in written for item in event.items()]


async def test_a_spoken_turn_has_the_recorded_order() -> None:
    turn = ScriptTurn((Say("Buen día."),), hear="Hola")
    names = [name for name, _ in bodies(await heard([turn], speech(0.4), silence(0.6)))]
    assert names == [
        *["usageEvent", "userSpeechStart", "usageEvent", "completionStart", "userSpeechEnd"],
        *["contentStart", "textOutput", "contentEnd"],
        *["contentStart", "textOutput", "contentEnd"],
        *["contentStart", *["audioOutput"] * names.count("audioOutput"), "contentEnd"],
        "usageEvent",
    ]


async def test_events_have_the_recorded_fields() -> None:
    turn = ScriptTurn((Say("Buen día."), UseTool("consultarOrden")), hear="Hola")
    events = await heard([turn], speech(0.4), silence(0.6))
    fields = {name: set(body) - {"sessionId", "promptName"} for name, body in bodies(events)}
    assert fields["usageEvent"] == {"completionId", "details", "totalInputTokens", "totalOutputTokens", "totalTokens"}
    assert fields["userSpeechStart"] == {"inputAudioOffsetMs"}
    assert fields["userSpeechEnd"] == {"inputAudioOffsetMs", "inputAudioDetectionOffsetMs"}
    assert fields["audioOutput"] == {"completionId", "contentId", "role", "content"}
    assert fields["toolUse"] == {"completionId", "contentId", "role", "toolName", "toolUseId", "content"}
    assert fields["contentEnd"] == {"completionId", "contentId", "type", "stopReason"}
    audio = next(body for name, body in bodies(events) if name == "contentStart" and body["type"] == "AUDIO")
    assert audio["audioOutputConfiguration"] == {
        "channelCount": 1,
        "encoding": "base64",
        "mediaType": "audio/lpcm",
        "sampleRateHertz": 16_000,
        "sampleSizeBits": 16,
    }


async def test_usage_adds_up() -> None:
    turn = ScriptTurn((Say("Buen día."),), hear="Hola")
    events = await heard([turn], speech(0.4), silence(0.6))
    *_, last = [body for name, body in bodies(events) if name == "usageEvent"]
    total, deltas = last["details"]["total"], [event for event in events if isinstance(event, Usage)]
    assert total["input"] == {
        "speechTokens": sum(usage.input_speech for usage in deltas),
        "textTokens": sum(usage.input_text for usage in deltas),
    }
    assert sum(total["input"].values()) == last["totalInputTokens"]
    assert sum(total["output"].values()) == last["totalOutputTokens"]


async def test_audio_comes_in_uneven_pieces_and_the_same_each_time() -> None:
    turn = ScriptTurn((Say("Le cuento todos los detalles de su pedido, uno por uno y sin apuro."),))
    first, second = [
        [len(event.audio) for event in events if isinstance(event, AudioOutput)]
        for events in [await heard([turn], *cue(), behaviour=replace(AT_ONCE, uneven_audio=1)) for _ in range(2)]
    ]
    assert first == second
    assert len(set(first)) > len(first) // 2
    assert all(79 * 48 <= size <= 200 * 48 for size in first[:-1])


async def test_all_sentences_but_the_first_begin_with_a_blank() -> None:
    events = await heard([ScriptTurn((Say("Uno."), Say("Dos.")))], *cue())
    assert [event.content for event in events if isinstance(event, TextOutput)] == ["Uno.", " Dos."]


async def test_one_utterance_can_be_told_in_several_blocks() -> None:
    behaviour = replace(AT_ONCE, transcript=Transcript.IN_PARTS)
    turn = ScriptTurn((Say("Sí."),), hear="Hola quiero saber de mi pedido")
    events = await heard([turn], speech(0.4), silence(0.6), behaviour=behaviour)
    said = [event.content for event in events if isinstance(event, TextOutput) and event.role is Role.USER]
    assert said == ["Hola quiero saber", "de mi pedido"]
    ends = [event.stop_reason for event in events if isinstance(event, ContentEnded)]
    assert ends[:2] == [StopReason.END_TURN, StopReason.PARTIAL_TURN]


async def test_a_turn_can_be_text_alone() -> None:
    events = await heard([ScriptTurn((Write("Entendido."),))], *cue())
    starts = [event for event in events if isinstance(event, ContentStarted)]
    assert [(start.type, start.stage) for start in starts] == [(ContentType.TEXT, Stage.SPECULATIVE)]
    assert [event.stop_reason for event in events if isinstance(event, ContentEnded)] == [StopReason.END_TURN]


async def test_speech_is_told_as_it_begins_and_as_it_ends() -> None:
    events = await heard([], speech(0.4), silence(0.6))
    assert [event for event in events if isinstance(event, UserSpeechStart | UserSpeechEnd)] == [
        UserSpeechStart(100),
        UserSpeechEnd(500, 900),
    ]


async def test_silence_can_count_as_idleness() -> None:
    wire = Wire()
    session = Session(wire, scripted([]), Behaviour(idle_s=295, silence_is_idle=True, time_scale=0.0001))
    for event in opening():
        session.take(event)
    async with bounded():
        while not wire.refusals:
            session.take(silence(0.02))
            await settled()
    assert wire.refusals == [IDLE_295.message]
    session.close()


def test_chunks_have_a_filling_of_any_length_in_any_order() -> None:
    filling = Filling()
    payloads = [json.loads(filling.payload(b"event")) for _ in range(20)]
    assert all(b64decode(payload["bytes"]) == b"event" for payload in payloads)
    assert {len(payload["p"]) for payload in payloads} > {0, 7, 56}
    assert all(FILLING.startswith(payload["p"]) for payload in payloads)
    assert {tuple(payload) for payload in payloads} == {("bytes", "p"), ("p", "bytes")}
