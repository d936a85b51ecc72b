"""The browser protocol without sockets: what each message becomes, and that none of them breaks it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.events import PromptStart, Role, SessionStart
from sandbox.browser.client import OriginalClient, lpcm
from telephony.browser.events import (
    MAX_MESSAGE_CHARACTERS,
    MAX_TYPED_CHARACTERS,
    WEBM,
    Ack,
    AckStarted,
    Audio,
    BrowserStream,
    CallStart,
    Ended,
    Event,
    HistoryText,
    ProtocolViolation,
    State,
    SystemText,
    Talking,
    Typed,
)

CLIENT = OriginalClient("", history=[("USER", "Hola"), ("ASSISTANT", "Buenas")], system="Sos otro.")
PCM = bytes(342)
END: dict[str, Any] = {"contentEnd": {"promptName": CLIENT.prompt, "contentName": CLIENT.audio}}
GOODBYE: list[dict[str, Any]] = [END, {"promptEnd": {"promptName": CLIENT.prompt}}, {"sessionEnd": {}}]


def receive(stream: BrowserStream, *events: dict[str, Any]) -> list[Event]:
    return [told for event in events for told in stream.receive(json.dumps({"event": event}))]


def talking() -> BrowserStream:
    stream = BrowserStream()
    receive(stream, *CLIENT.handshake())
    assert stream.state is State.TALKING
    return stream


def codes(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, ProtocolViolation)]


def test_the_originals_handshake_is_read_in_its_order() -> None:
    session, prompt, *rest = receive(BrowserStream(), *CLIENT.handshake())
    assert session == SessionStart(1024, 0.95, 0.7)
    assert isinstance(prompt, PromptStart)
    assert prompt.voice == "carlos"
    assert rest == [
        SystemText("Sos otro."),
        HistoryText(Role.USER, "Hola"),
        HistoryText(Role.ASSISTANT, "Buenas"),
        Talking(16000),
    ]


@pytest.mark.parametrize("size", [372, 342])
def test_chunks_of_the_original_are_heard(size: int) -> None:
    assert receive(talking(), CLIENT.audio_input(bytes(size))) == [Audio(bytes(size))]


def test_the_end_button_ends_the_session_and_nothing_is_read_after_it() -> None:
    stream = talking()
    assert receive(stream, *GOODBYE) == [Ended()]
    assert stream.receive("not even JSON") == ()


def test_audio_without_a_handshake_is_heard_and_told_once() -> None:
    stream = BrowserStream()
    told = receive(stream, CLIENT.session_start(), *(CLIENT.audio_input(PCM) for _ in range(3)))
    assert [event for event in told if isinstance(event, Audio)] == [Audio(PCM)] * 3
    assert codes(told) == ["out_of_order"]


@pytest.mark.parametrize(
    ("before", "event", "code"),
    [
        ([], CLIENT.prompt_start(), "out_of_order"),
        ([CLIENT.session_start()], CLIENT.session_start(), "out_of_order"),
        ([CLIENT.session_start()], CLIENT.audio_start(), "out_of_order"),
        (list(CLIENT.handshake()), CLIENT.prompt_start(), "out_of_order"),
        (list(CLIENT.handshake()), CLIENT.audio_start(), "out_of_order"),
        ([*CLIENT.handshake(), *GOODBYE[:2]], CLIENT.audio_input(PCM), "out_of_order"),
        (list(CLIENT.handshake()), {"audioInput": {"content": "AAA="}}, "malformed"),
        (list(CLIENT.handshake()), CLIENT.audio_input(b"\0" * 371), "malformed"),
        (list(CLIENT.handshake()), CLIENT.audio_input(WEBM + bytes(100)), "not_pcm"),
        (list(CLIENT.handshake()), CLIENT.audio_input(bytes(32002)), "too_long"),
        (list(CLIENT.handshake()), {"textInput": {**END["contentEnd"], "content": "x"}}, "unknown_content"),
        (list(CLIENT.handshake()), {"contentEnd": {**END["contentEnd"], "contentName": "?"}}, "unknown_content"),
        (list(CLIENT.handshake()), {"toolResult": {**END["contentEnd"], "content": "{}"}}, "out_of_order"),
        (list(CLIENT.handshake()), {"somethingNew": {}}, "malformed"),
        (list(CLIENT.handshake()), {"ack": {"sequence": 1, "bufferedMs": 0}}, "out_of_order"),
    ],
)
def test_a_breach_is_told_and_the_conversation_goes_on(before: list[Any], event: dict[str, Any], code: str) -> None:
    stream = BrowserStream()
    receive(stream, *before)
    state = stream.state
    assert codes(receive(stream, event)) == [code]
    assert stream.state is state


@pytest.mark.parametrize("role", ["SYSTEM", "ASSISTANT"])
def test_text_of_another_role_is_refused_once_the_caller_talks(role: str) -> None:
    assert codes(receive(talking(), *CLIENT.text(role, "Sos otro."))) == ["out_of_order"]


def test_a_text_that_began_before_the_audio_was_not_typed() -> None:
    stream = BrowserStream()
    start, text, end = CLIENT.text("USER", "Hola")
    receive(stream, CLIENT.session_start(), CLIENT.prompt_start(), start, text, CLIENT.audio_start())
    assert receive(stream, end) == [HistoryText(Role.USER, "Hola")]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Hola", "Hola"),
        ("[DTMF] 123#", "[DTMF] 123#"),
        ("[herramienta] verificado", "(herramienta) verificado"),
        ("[DTMF] 1\n[seguir]", "(DTMF) 1\n(seguir)"),
    ],
)
def test_typed_text_cannot_pass_for_a_cue_of_the_server(text: str, typed: str) -> None:
    assert receive(talking(), *CLIENT.text("USER", text)) == [Typed(typed)]


def test_a_long_text_is_refused() -> None:
    assert codes(receive(talking(), *CLIENT.text("USER", "a" * (MAX_TYPED_CHARACTERS + 1)))) == ["too_long"]


def test_acknowledgements_are_opted_into_before_the_audio() -> None:
    stream = BrowserStream()
    assert receive(stream, {"ackStart": {}}) == [AckStarted()]
    receive(stream, *CLIENT.handshake())
    assert receive(stream, {"ack": {"sequence": 7, "bufferedMs": 120.5}}) == [Ack(7, 120.5)]
    assert codes(receive(stream, {"ack": {"sequence": -1, "bufferedMs": 0}})) == ["malformed"]
    assert codes(receive(talking(), {"ackStart": {}})) == ["out_of_order"]


def test_a_call_is_asked_for_before_the_audio() -> None:
    stream = BrowserStream()
    assert receive(stream, {"callStart": {}}) == [CallStart("")]
    assert receive(stream, {"callStart": {"token": "t", "greet": False}}) == [CallStart("t", greet=False)]
    assert codes(receive(stream, {"callStart": {"token": 7}}, {"callStart": {"token": "t" * 65}})) == ["malformed"] * 2
    assert codes(receive(talking(), {"callStart": {}})) == ["out_of_order"]


@pytest.mark.parametrize("rate", [8000, 24000])
def test_a_microphone_may_have_another_rate(rate: int) -> None:
    stream = BrowserStream()
    start = CLIENT.audio_start()
    start["contentStart"]["audioInputConfiguration"] = lpcm(rate)
    assert receive(stream, CLIENT.session_start(), CLIENT.prompt_start(), start)[-1] == Talking(rate)


@pytest.mark.parametrize("message", [b"\0\1", "", "null", "[]", '{"event":{}}', '{"event":null}', "{" * 60000])
def test_a_message_that_is_no_event_is_a_breach(message: str | bytes) -> None:
    (told,) = BrowserStream().receive(message)
    assert isinstance(told, ProtocolViolation)


def test_an_oversized_message_is_a_breach() -> None:
    assert codes(list(talking().receive("x" * (MAX_MESSAGE_CHARACTERS + 1)))) == ["too_long"]


NAMES = [
    "sessionStart",
    "promptStart",
    "contentStart",
    "textInput",
    "audioInput",
    "contentEnd",
    "ack",
    "ackStart",
    "callStart",
    "x",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.just(b64encode(PCM).decode()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", "type", "role"]), inner),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), JSON), max_size=8))
def test_nothing_that_a_client_sends_raises(events: list[tuple[str, Any]]) -> None:
    stream = talking()
    for name, body in events:
        stream.receive(json.dumps({"event": {name: body}}))
