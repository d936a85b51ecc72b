"""The Sonic events and their JSON, both ways."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.encoding import encode
from agent.sonic.errors import INVALID_INPUT, MalformedEvent
from agent.sonic.events import (
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
)
from agent.sonic.parsing import parse_client_event
from agent.sonic.reading import MAX_EVENT_BYTES, MAX_OPEN_BLOCKS, EventReader, parse_service_event
from common import metrics
from sandbox.sonic.writing import Envelope, encode_service_event

ENVELOPE = Envelope("session", "prompt", "completion")

text = st.text(max_size=40)
audio = st.binary(max_size=400).map(lambda data: data[: len(data) // 2 * 2])
rates = st.sampled_from([8000, 16000, 24000])
fields_of_tools = st.fixed_dictionaries({"type": st.just("string"), "description": text})
schemas = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(text, fields_of_tools, max_size=3)}
)
tools = st.builds(ToolSpec, text, text, schemas)
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
    with suppress(MalformedEvent):
        assert parse_client_event(data) is not None
    assert parse_service_event(data) is not None


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


def told(name: str, **body: Any) -> bytes:
    return json.dumps({"event": {name: body}}).encode()


def begun(reader: EventReader, **body: Any) -> ServiceEvent:
    return reader.read(told("contentStart", **({"contentId": "c", "type": "TEXT", "role": "ASSISTANT"} | body)))


def unknown() -> Counter[str]:
    """What was counted as unknown so far."""
    prefix = 'carlos_sonic_unknown_total{what="'
    lines = (line for line in metrics.exposition().decode().splitlines() if line.startswith(prefix))
    return Counter({line[len(prefix) : line.index('"}')]: int(float(line.rpartition(" ")[2])) for line in lines})


@given(st.one_of(st.binary(max_size=200), json_values.map(lambda value: json.dumps(value).encode())))
def test_no_bytes_stop_the_reader(data: bytes) -> None:
    assert isinstance(EventReader().read(data), UnknownEvent)


@given(st.lists(st.tuples(names, st.dictionaries(fields, json_values, max_size=8)), max_size=6))
def test_a_stream_of_wild_events_is_read_to_its_end(events: list[tuple[str, dict[str, Any]]]) -> None:
    reader = EventReader()
    for name, body in events:
        assert reader.read(told(name, **body)) is not None
    assert begun(reader) == ContentStarted("c", ContentType.TEXT, Role.ASSISTANT)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (told("moodEvent", mood="good"), "event"),
        (told("contentStart", contentId="c", type="VIDEO", role="USER"), "type"),
        (told("contentStart", contentId="c", type="TEXT", role="NARRATOR"), "role"),
        (told("contentStart", contentId="c", type="TEXT", role=["USER"]), "role"),
        (told("contentStart", type="TEXT", role="USER"), "contentId"),
        (told("textOutput", contentId="c", content="Hola"), "role"),
        (told("textOutput", contentId="c", role="USER", content=None), "content"),
        (told("audioOutput", contentId="c", content="AA=A"), "audio"),
        (told("audioOutput", contentId="c", content="AA=="), "audio"),
        (told("audioOutput", contentId="c", content="ñ"), "audio"),
        (told("toolUse", contentId="c", toolName="t", content="{}"), "toolUseId"),
        (b'{"event":{"usageEvent":[]}}', "body"),
        (b'{"event":{"usageEvent":' + b"[" * 100_000, "json"),
        (b'{"event":{"textOutput":{"content":"\xff"}}}', "json"),
        (b"[" + b" " * MAX_EVENT_BYTES, "size"),
        (b"", "json"),
    ],
)
def test_what_cannot_be_read_is_passed_over_and_counted(data: bytes, what: str) -> None:
    before = unknown()
    assert isinstance(EventReader().read(data), UnknownEvent)
    assert unknown() - before == {what: 1}


def test_unknown_words_that_an_event_can_do_without_are_counted_and_left_out() -> None:
    reader, before = EventReader(), unknown()
    stage = json.dumps({"generationStage": "REHEARSED"})
    assert begun(reader, additionalModelFields=stage) == ContentStarted("c", ContentType.TEXT, Role.ASSISTANT)
    ended = reader.read(told("contentEnd", contentId="c", type="TEXT", stopReason="MAX_TOKENS"))
    assert ended == ContentEnded("c", ContentType.TEXT, None)
    assert unknown() - before == {"stage": 1, "stopReason": 1}


@pytest.mark.parametrize(
    ("more", "stage"),
    [
        ('{"generationStage":"FINAL"}', Stage.FINAL),
        ({"generationStage": "FINAL"}, Stage.FINAL),
        ("no JSON", None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_the_stage_is_read_however_it_is_wrapped(more: object, stage: Stage | None) -> None:
    assert begun(EventReader(), additionalModelFields=more) == ContentStarted(
        "c", ContentType.TEXT, Role.ASSISTANT, stage
    )


def test_role_and_type_are_those_of_the_block() -> None:
    reader = EventReader()
    begun(reader)
    assert reader.read(told("textOutput", contentId="c", content="Hola")) == TextOutput("c", Role.ASSISTANT, "Hola")
    assert reader.read(told("contentEnd", contentId="c")) == ContentEnded("c", ContentType.TEXT, None)
    assert isinstance(reader.read(told("textOutput", contentId="c", content="Hola")), UnknownEvent)


def test_a_block_of_a_kind_that_is_not_known_is_passed_over_whole() -> None:
    reader = EventReader()
    events = [
        begun(reader, role="NARRATOR"),
        reader.read(told("textOutput", contentId="c", role="USER", content="Hola")),
        reader.read(told("audioOutput", contentId="c", content="AAAA")),
        reader.read(told("contentEnd", contentId="c", type="TEXT", stopReason="END_TURN")),
    ]
    assert all(isinstance(event, UnknownEvent) for event in events)
    assert isinstance(reader.read(told("textOutput", contentId="c", role="USER", content="Hola")), TextOutput)


def test_blocks_that_never_end_are_forgotten() -> None:
    reader = EventReader()
    for number in range(1000):
        begun(reader, contentId=str(number))
    assert len(reader._blocks) == MAX_OPEN_BLOCKS


def test_numbers_are_read_however_they_are_written_and_usage_is_never_fatal() -> None:
    delta = {"input": {"speechTokens": "12", "textTokens": 3.0}, "output": {"speechTokens": None}}
    event = parse_service_event(told("usageEvent", details={"delta": delta}, totalInputTokens=-4))
    assert event == Usage(12, 3, 0, 0, 0, 0)
    wild: tuple[Any, ...] = (None, 7, {"delta": None}, {"delta": {"input": []}})
    for details in wild:
        assert parse_service_event(told("usageEvent", details=details)) == Usage(0, 0, 0, 0, 0, 0)
    for number in (b"1e999", b"NaN", b"-Infinity", b"1" + b"0" * 400, b'"much"', b"{}"):
        data = b'{"event":{"usageEvent":{"totalInputTokens":' + number + b"}}}"
        assert parse_service_event(data) == Usage(0, 0, 0, 0, 0, 0)
    assert parse_service_event(told("userSpeechStart")) == UserSpeechStart(0)
    assert parse_service_event(told("userSpeechEnd", inputAudioOffsetMs=12.7)) == UserSpeechEnd(12, 12)


def test_a_tools_arguments_may_be_an_object() -> None:
    event = parse_service_event(told("toolUse", contentId="c", toolUseId="u", toolName="t", content={"a": 1}))
    assert event == ToolUse("c", "u", "t", '{"a": 1}')


def test_half_a_surrogate_pair_of_the_services_is_no_text() -> None:
    event = parse_service_event(told("textOutput", contentId="c", role="USER", content="\ud83d Hola"))
    assert event == TextOutput("c", Role.USER, "? Hola")


def test_only_what_nova_takes_of_a_schema_goes_out() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "anyOf": [{"required": ["dni"]}],
        "additionalProperties": False,
        "title": "Pedido",
        "required": ["items"],
        "properties": {
            "title": {"type": "string", "description": "Trato", "enum": ["Sr.", "Sra."], "default": "Sra."},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string", "pattern": "^a"}},
                    "title": "Uno",
                },
            },
        },
    }
    body = json.loads(encode(PromptStart("p", "carlos", 24000, (ToolSpec("t", "d", schema),))))["event"]["promptStart"]
    assert json.loads(body["toolConfiguration"]["tools"][0]["toolSpec"]["inputSchema"]["json"]) == {
        "type": "object",
        "required": ["items"],
        "properties": {
            "title": {"type": "string", "description": "Trato", "enum": ["Sr.", "Sra."]},
            "items": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        },
    }


def test_the_interrupted_mark_is_recognised_and_plain_text_is_not() -> None:
    assert TextOutput("c", Role.ASSISTANT, '{ "interrupted" : true }').interrupted
    assert not TextOutput("c", Role.ASSISTANT, "interrupted").interrupted


def test_half_a_surrogate_pair_does_not_stop_a_call() -> None:
    event = parse_client_event(encode(TextInput("p", "c", "\ud83d Hola")))
    assert event == TextInput("p", "c", "? Hola")


def test_audio_stays_out_of_logs() -> None:
    assert "audio" not in repr(AudioInput("p", "c", b"secret voice")).split("(")[1]
