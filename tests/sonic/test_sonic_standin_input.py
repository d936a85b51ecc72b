"""What the stand-in takes from clients that are not ours, and what it refuses, in the service's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.sonic.errors import INVALID_INPUT, UNPARSABLE, MalformedEvent
from agent.sonic.events import ClientEvent, CompletionStart, PromptStart, Role, SessionEnd, SessionStart, TextStart
from agent.sonic.parsing import parse_client_event as parse
from sandbox.sonic.behaviour import Behaviour, EarlyText
from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.sonic.session import Session
from tests.sonic.sonic_bench import ENDING, cue, opening, text
from tests.sonic.standin_stage import Wire
from tests.support.waiting import bounded

TOOL_SPEC: dict[str, Any] = {"name": "consultar", "description": "Busca"}


def event(name: str, **body: Any) -> bytes:
    return json.dumps({"event": {name: body}}).encode()


def content_start(**body: Any) -> bytes:
    return event("contentStart", promptName="p", contentName="c", **body)


def prompt_start(schema: object) -> bytes:
    return event(
        "promptStart",
        promptName="p",
        textOutputConfiguration={"mediaType": "text/plain"},
        audioOutputConfiguration={
            "mediaType": "audio/lpcm",
            "sampleRateHertz": 24000,
            "sampleSizeBits": 16,
            "channelCount": 1,
            "encoding": "base64",
            "voiceId": "carlos",
        },
        toolConfiguration={"tools": [{"toolSpec": TOOL_SPEC | {"inputSchema": {"json": schema}}}]},
    )


def test_a_session_starts_with_what_it_says_and_defaults_for_the_rest() -> None:
    assert parse(event("sessionStart")) == SessionStart(1024, 0.9, 0.7)
    assert parse(event("sessionStart", inferenceConfiguration={"maxTokens": 4096})) == SessionStart(4096, 0.9, 0.7)


def test_the_end_of_a_connection_is_the_end_of_its_session() -> None:
    assert parse(event("connectionEnd")) == SessionEnd()


def test_the_documented_role_of_spoken_system_text_is_read() -> None:
    start = content_start(type="TEXT", role="SYSTEM_SPEECH", textInputConfiguration={"mediaType": "text/plain"})
    assert parse(start) == TextStart("p", "c", Role.SYSTEM_SPEECH)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (prompt_start({"type": "object"}), UNPARSABLE),
        (prompt_start("object"), INVALID_INPUT),
        (
            content_start(type="TOOL", role="TOOL", toolResultInputConfiguration={"toolUseId": "use", "type": "TEXT"}),
            INVALID_INPUT,
        ),
    ],
    ids=["schema as an object", "schema that is no JSON", "tool result without its media type"],
)
def test_what_the_service_cannot_read_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(MalformedEvent) as caught:
        parse(data)
    assert caught.value.message == message


class Talk:
    """A session without a wire: events in, and what became of them."""

    def __init__(self, behaviour: Behaviour, *events: ClientEvent) -> None:
        self.wire = Wire()
        self.session = Session(self.wire, scripted([ScriptTurn((Say("Hola."),))]), behaviour)
        for event in events:
            self.session.take(event)


START = opening()[:5]  # sessionStart, promptStart and the SYSTEM text
SOUND = opening()[-2:]


@pytest.mark.parametrize(
    ("early", "history", "refusals"),
    [(EarlyText.HISTORY, ("USER",), []), (EarlyText.TURN, (), []), (EarlyText.REFUSED, (), [INVALID_INPUT])],
)
async def test_typed_text_before_the_audio_is_what_the_behaviour_says(
    early: EarlyText, history: tuple[str, ...], refusals: list[str]
) -> None:
    talk = Talk(Behaviour(early_text=early), *START, *cue("Hola"), *SOUND)
    conversation = talk.session.conversation
    assert conversation is not None
    assert tuple(role for role, _ in conversation.prompt.history) == history
    assert set(talk.wire.refusals) == set(refusals)
    assert (CompletionStart() in talk.wire.sent) == (early is EarlyText.TURN)
    talk.session.close()


async def test_a_second_system_text_is_refused_as_the_only_entry_of_a_list() -> None:
    talk = Talk(Behaviour(), *START, *text(Role.SYSTEM, "Sos otro.")[:1])
    assert talk.wire.refusals == [
        "Error(s):\nError 1 : Duplicate SYSTEM content. SYSTEM content can only be provided once per prompt."
    ]
    talk.session.close()


async def test_a_second_prompt_ends_the_stream_after_a_moment_and_without_a_word() -> None:
    again: list[ClientEvent] = [PromptStart("another", "carlos", 24000), TextStart("another", "c", Role.SYSTEM)]
    talk = Talk(Behaviour(time_scale=0.01), *opening(), *ENDING[:2], *again)
    assert not talk.wire.ended.is_set()
    async with bounded():
        await talk.wire.ended.wait()
    assert talk.wire.refusals == []
    talk.session.close()
