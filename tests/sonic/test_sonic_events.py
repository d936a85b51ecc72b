"""The Sonic events and their JSON, both ways."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.errors import INVALID_INPUT, MalformedEvent
from agent.sonic.protocol import (
    AudioInput,
    AudioOutput,
    AudioStart,
    ClientEvent,
    CompletionEnd,
    CompletionStart,
    ContentEnd,
    ContentEnded,
    ContentStarted,
    ContentType,
    PromptEnd,
    PromptStart,
    Role,
    ServiceEvent,
    SessionEnd,
    SessionStart,
    Stage,
    StopReason,
    TextInput,
    TextOutput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
    ToolUse,
    UnknownEvent,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
    encode,
    parse_client_event,
    parse_service_event,
)
from sandbox.sonic.writing import Envelope, encode_service_event

ENVELOPE = Envelope("session", "prompt", "completion")

text = st.text(max_size=40)
audio = st.binary(max_size=400).map(lambda data: data[: len(data) // 2 * 2])
rates = st.sampled_from([8000, 16000, 24000])
tools = st.builds(ToolSpec, text, text, st.dictionaries(text, st.one_of(st.integers(), text, st.none()), max_size=3))
client_events: st.SearchStrategy[ClientEvent] = st.one_of(
    st.builds(
        SessionStart,
        st.integers(1, 9999),
        st.floats(0, 1),
        st.floats(0, 1),
        st.sampled_from(["HIGH", "MEDIUM", "LOW", None]),
    ),
    st.builds(PromptStart, text, text, rates, st.lists(tools, max_size=3).map(tuple)),
    st.builds(TextStart, text, text, st.sampled_from(Role), st.booleans()),
    st.builds(AudioStart, text, text, rates),
    st.builds(ToolResultStart, text, text, text),
    st.builds(TextInput, text, text, text),
    st.builds(AudioInput, text, text, audio),
    st.builds(ToolResult, text, text, text),
    st.builds(ContentEnd, text, text),
    st.builds(PromptEnd, text),
    st.just(SessionEnd()),
)
count = st.integers(0, 10**6)
service_events: st.SearchStrategy[ServiceEvent] = st.one_of(
    st.just(CompletionStart()),
    st.builds(
        ContentStarted,
        text,
        st.sampled_from(ContentType),
        st.sampled_from(Role),
        st.sampled_from([*Stage, None]),
    ),
    st.builds(TextOutput, text, st.sampled_from(Role), text),
    st.builds(AudioOutput, text, audio),
    st.builds(ToolUse, text, text, text, text),
    st.builds(ContentEnded, text, st.sampled_from(ContentType), st.sampled_from([*StopReason, None])),
    st.builds(Usage, count, count, count, count, count, count),
    st.just(CompletionEnd()),
    st.builds(UserSpeechStart, count),
    st.builds(UserSpeechEnd, count, count),
)


@given(client_events)
def test_a_client_event_survives_the_wire(event: ClientEvent) -> None:
    assert parse_client_event(encode(event)) == event


@given(service_events)
def test_a_service_event_survives_the_wire(event: ServiceEvent) -> None:
    assert parse_service_event(encode_service_event(event, ENVELOPE)) == event


@given(st.one_of(st.binary(max_size=100), text.map(str.encode)))
def test_noise_is_malformed_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(MalformedEvent) as caught:
        parse_client_event(data)
    assert caught.value.message == INVALID_INPUT


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=6,
)
names = st.sampled_from(
    ["sessionStart", "promptStart", "contentStart", "textInput", "audioInput", "toolResult", "contentEnd"]
    + ["promptEnd", "textOutput", "audioOutput", "toolUse", "usageEvent", "userSpeechEnd"]
)
fields = st.sampled_from(
    ["promptName", "contentName", "content", "type", "role", "inferenceConfiguration", "details", "contentId"]
    + ["audioOutputConfiguration", "toolConfiguration", "turnDetectionConfiguration", "additionalModelFields"]
)


@given(names, st.dictionaries(fields, json_values, max_size=8))
def test_events_with_wild_fields_are_read_or_malformed(name: str, body: dict[str, Any]) -> None:
    data = json.dumps({"event": {name: body}}).encode()
    for parse in (parse_client_event, parse_service_event):
        with suppress(MalformedEvent):
            assert parse(data) is not None


def test_an_event_that_is_newer_than_we_are_is_no_error() -> None:
    data = b'{"event": {"moodEvent": {"mood": "good"}}}'
    assert parse_service_event(data) == UnknownEvent("moodEvent", {"mood": "good"})
    with pytest.raises(MalformedEvent):
        parse_client_event(data)


def test_endpointing_goes_where_nova_2_wants_it() -> None:
    body = json.loads(encode(SessionStart(1024, 0.9, 0.7, "HIGH")))["event"]["sessionStart"]
    assert body["turnDetectionConfiguration"] == {"endpointingSensitivity": "HIGH"}
    assert "endpointingSensitivity" not in body
    flat = {"inferenceConfiguration": body["inferenceConfiguration"], "endpointingSensitivity": "HIGH"}
    with pytest.raises(MalformedEvent):
        parse_client_event(json.dumps({"event": {"sessionStart": flat}}).encode())


def test_the_stage_is_json_inside_a_string() -> None:
    event = ContentStarted("c", ContentType.TEXT, Role.ASSISTANT, Stage.FINAL)
    body = json.loads(encode_service_event(event, ENVELOPE))["event"]["contentStart"]
    assert body["additionalModelFields"] == '{"generationStage":"FINAL"}'
    assert {"sessionId", "promptName", "completionId"} <= body.keys()


def test_a_tools_schema_is_json_inside_a_string() -> None:
    spec = ToolSpec("consultarOrden", "Busca un pedido", {"type": "object"})
    body = json.loads(encode(PromptStart("p", "carlos", 24000, (spec,))))["event"]["promptStart"]
    assert body["toolConfiguration"]["tools"][0]["toolSpec"]["inputSchema"] == {"json": '{"type": "object"}'}
    assert body["toolUseOutputConfiguration"] == {"mediaType": "application/json"}


@pytest.mark.parametrize("content", ["a", "AAA", "AA==", "AA A", "ñ"])
def test_audio_is_strict_base64_of_whole_samples(content: str) -> None:
    body = {"promptName": "p", "contentName": "c", "content": content}
    with pytest.raises(MalformedEvent):
        parse_client_event(json.dumps({"event": {"audioInput": body}}).encode())


def test_the_interrupted_mark_is_recognised_and_plain_text_is_not() -> None:
    assert TextOutput("c", Role.ASSISTANT, '{ "interrupted" : true }').interrupted
    assert not TextOutput("c", Role.ASSISTANT, "interrupted").interrupted


def test_half_a_surrogate_pair_does_not_stop_a_call() -> None:
    event = parse_client_event(encode(TextInput("p", "c", "\ud83d Hola")))
    assert event == TextInput("p", "c", "? Hola")


def test_audio_stays_out_of_logs() -> None:
    assert "audio" not in repr(AudioInput("p", "c", b"secret voice")).split("(")[1]
