"""A client's JSON to events, as strictly as the service reads it."""

from __future__ import annotations

import json
import math
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from enum import StrEnum
from reprlib import repr as shown  # what it shows is short, however long or deep the value

from agent.sonic.errors import UNPARSABLE, MalformedEvent
from agent.sonic.events import (
    AudioInput,
    AudioStart,
    BlockStart,
    ClientEvent,
    ContentEnd,
    ContentType,
    Endpointing,
    Json,
    PromptEnd,
    PromptStart,
    Role,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
)


def parse_client_event(data: bytes) -> ClientEvent:
    """Return the event that a client sent. Raise MalformedEvent for anything that is not exactly such an event."""
    name, body = _open(data)
    parser = _CLIENT_PARSERS.get(name)
    if parser is None:
        raise MalformedEvent(f"no such event: {shown(name)}")
    return _parsed(name, body, parser)


def _parsed[E](name: str, body: Json, parser: Callable[[Json], E]) -> E:
    try:
        return parser(body)
    except (KeyError, ValueError, TypeError, AttributeError, Base64Error) as error:
        raise MalformedEvent(f"{name}: {error!r}") from error


def _open(data: bytes) -> tuple[str, Json]:
    try:
        ((name, body),) = json.loads(data)["event"].items()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise MalformedEvent(f"not an event: {error!r}") from error
    if not isinstance(body, dict):
        raise MalformedEvent(f"{name}: expected an object but got {type(body).__name__}")
    return name, body


def _text(body: Json, key: str) -> str:
    value = body[key]
    if not isinstance(value, str):
        raise TypeError(f"{key}: expected a string but got {shown(value)}")
    return value


def _number(body: Json, key: str) -> float:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        raise TypeError(f"{key}: expected a number but got {shown(value)}")
    return value


def _integer(body: Json, key: str) -> int:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{key}: expected an integer but got {shown(value)}")
    return value


def _word[E: StrEnum](words: type[E], body: Json, key: str) -> E:
    value = body[key]
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{key}: {shown(value)}")
    return words(value)


def _audio(body: Json) -> bytes:
    audio = a2b_base64(_text(body, "content"), strict_mode=True)
    if len(audio) % 2:
        raise ValueError("half a sample: 16-bit audio has an even length")
    return audio


def _expect(body: Json, **expected: object) -> None:
    for key, value in expected.items():
        if body[key] != value:
            raise ValueError(f"{key}: expected {value!r} but got {shown(body[key])}")


# AWS's page of input events; whatever is missing, all of it included (as from strands-agents 1.62), is taken from here.
_INFERENCE: Json = {"maxTokens": 1024, "topP": 0.9, "temperature": 0.7}


def _parse_session_start(body: Json) -> SessionStart:
    inference = _INFERENCE | (body.get("inferenceConfiguration") or {})
    if "endpointingSensitivity" in body:
        raise ValueError("endpointingSensitivity belongs inside turnDetectionConfiguration")
    return SessionStart(
        _integer(inference, "maxTokens"),
        _number(inference, "topP"),
        _number(inference, "temperature"),
        _parse_endpointing(body.get("turnDetectionConfiguration") or {}),
    )


def _parse_endpointing(detection: Json) -> Endpointing | None:
    match detection.get("endpointingSensitivity"):
        case "HIGH" | "MEDIUM" | "LOW" | None as value:
            return value
        case other:
            raise ValueError(f"endpointingSensitivity: {shown(other)}")


def _parse_rate(configuration: Json) -> int:
    _expect(configuration, mediaType="audio/lpcm", sampleSizeBits=16, channelCount=1, encoding="base64")
    rate = _integer(configuration, "sampleRateHertz")
    if rate not in (8000, 16000, 24000):
        raise ValueError(f"sampleRateHertz: {shown(rate)}")
    return rate


def _parse_prompt_start(body: Json) -> PromptStart:
    audio = body["audioOutputConfiguration"]
    _expect(body["textOutputConfiguration"], mediaType="text/plain")
    tools = body.get("toolConfiguration", {}).get("tools", [])
    return PromptStart(
        _text(body, "promptName"),
        _text(audio, "voiceId"),
        _parse_rate(audio),
        tuple(_parse_tool(tool["toolSpec"]) for tool in tools),
    )


def _parse_tool(spec: Json) -> ToolSpec:
    schema = spec["inputSchema"]["json"]
    if isinstance(schema, dict):  # as a JSON object, not as text: live, by several
        raise MalformedEvent("inputSchema.json: an object instead of its text", UNPARSABLE)
    schema = json.loads(_text(spec["inputSchema"], "json"))
    if not isinstance(schema, dict):
        raise TypeError("inputSchema.json: expected a JSON object as text")
    return ToolSpec(_text(spec, "name"), _text(spec, "description"), schema)


def _parse_content_start(body: Json) -> BlockStart:
    names = _text(body, "promptName"), _text(body, "contentName")
    role, interactive = _word(Role, body, "role"), bool(body.get("interactive", False))
    match _word(ContentType, body, "type"):
        case ContentType.TEXT:
            _expect(body["textInputConfiguration"], mediaType="text/plain")
            return TextStart(*names, role, interactive)
        case ContentType.AUDIO:
            _expect(body, role="USER")
            return AudioStart(*names, _parse_rate(body["audioInputConfiguration"]))
        case ContentType.TOOL:
            _expect(body, role="TOOL")
            result = body["toolResultInputConfiguration"]
            _text(result["textInputConfiguration"], "mediaType")  # refused without: one report
            return ToolResultStart(*names, _text(result, "toolUseId"))


_CLIENT_PARSERS: Mapping[str, Callable[[Json], ClientEvent]] = {
    "sessionStart": _parse_session_start,
    "promptStart": _parse_prompt_start,
    "contentStart": _parse_content_start,
    "textInput": lambda b: TextInput(_text(b, "promptName"), _text(b, "contentName"), _text(b, "content")),
    "audioInput": lambda b: AudioInput(_text(b, "promptName"), _text(b, "contentName"), _audio(b)),
    "toolResult": lambda b: ToolResult(_text(b, "promptName"), _text(b, "contentName"), _text(b, "content")),
    "contentEnd": lambda b: ContentEnd(_text(b, "promptName"), _text(b, "contentName")),
    "promptEnd": lambda b: PromptEnd(_text(b, "promptName")),
    "sessionEnd": lambda b: SessionEnd(),
    "connectionEnd": lambda b: SessionEnd(),  # the last event of strands-agents 1.62, behind its sessionEnd
}
