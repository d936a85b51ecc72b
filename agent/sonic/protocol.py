"""Nova Sonic's event protocol, sans-IO: typed events both ways, and their JSON.

Every event is JSON `{"event": {NAME: {...}}}`. A client opens a session and a prompt, then blocks: a
`contentStart`, one or more data events, a `contentEnd`. The service answers in blocks of the same form.
Names, fields and enums are those of the AWS pages "Input events" and "Output events" for Nova Sonic; what
was only recorded live by third parties says so. When an event may come is `agent.sonic.order`'s business.

Audio is PCM 16-bit little-endian mono in `bytes`; base64 exists on the wire only.
"""

from __future__ import annotations

import json
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from agent.sonic.errors import MalformedEvent

type Endpointing = Literal["HIGH", "MEDIUM", "LOW"]
type Json = dict[str, Any]

INTERRUPTED_TEXT = '{ "interrupted" : true }'  # recorded live by a third party, blanks included


class Role(StrEnum):
    SYSTEM = "SYSTEM"
    USER = "USER"
    ASSISTANT = "ASSISTANT"
    TOOL = "TOOL"


class ContentType(StrEnum):
    TEXT = "TEXT"
    AUDIO = "AUDIO"
    TOOL = "TOOL"


class Stage(StrEnum):
    """SPECULATIVE text is what the model plans to say; FINAL is what was heard or said."""

    SPECULATIVE = "SPECULATIVE"
    FINAL = "FINAL"


class StopReason(StrEnum):
    PARTIAL_TURN = "PARTIAL_TURN"
    END_TURN = "END_TURN"
    INTERRUPTED = "INTERRUPTED"
    TOOL_USE = "TOOL_USE"


# Client to service


@dataclass(frozen=True, slots=True)
class SessionStart:
    max_tokens: int
    top_p: float
    temperature: float
    endpointing: Endpointing | None = None  # how short a pause ends the caller's turn; HIGH is the shortest


@dataclass(frozen=True, slots=True)
class ToolSpec:
    name: str
    description: str
    input_schema: Json


@dataclass(frozen=True, slots=True)
class PromptStart:
    """Voice, rate and tools are fixed from here to the end of the prompt."""

    prompt_name: str
    voice: str
    output_rate: int  # Hz
    tools: tuple[ToolSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class TextStart:
    """A text block. Interactive USER text is a turn of its own; other text only informs."""

    prompt_name: str
    content_name: str
    role: Role
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class AudioStart:
    prompt_name: str
    content_name: str
    rate: int  # Hz


@dataclass(frozen=True, slots=True)
class ToolResultStart:
    prompt_name: str
    content_name: str
    tool_use_id: str


@dataclass(frozen=True, slots=True)
class TextInput:
    prompt_name: str
    content_name: str
    content: str


@dataclass(frozen=True, slots=True)
class AudioInput:
    prompt_name: str
    content_name: str
    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    prompt_name: str
    content_name: str
    content: str  # a JSON object as text; anything else is "Tool Response parsing error"


@dataclass(frozen=True, slots=True)
class ContentEnd:
    prompt_name: str
    content_name: str


@dataclass(frozen=True, slots=True)
class PromptEnd:
    prompt_name: str


@dataclass(frozen=True, slots=True)
class SessionEnd:
    pass


type BlockStart = TextStart | AudioStart | ToolResultStart
type BlockData = TextInput | AudioInput | ToolResult
type ClientEvent = SessionStart | PromptStart | BlockStart | BlockData | ContentEnd | PromptEnd | SessionEnd


# Service to client


@dataclass(frozen=True, slots=True)
class CompletionStart:
    """Once a prompt, not once a turn (recorded live by a third party)."""


@dataclass(frozen=True, slots=True)
class ContentStarted:
    content_id: str
    type: ContentType
    role: Role
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class TextOutput:
    content_id: str
    role: Role
    content: str

    @property
    def interrupted(self) -> bool:
        """True for the text block that only says that the caller barged in."""
        return self.content.strip() == INTERRUPTED_TEXT


@dataclass(frozen=True, slots=True)
class AudioOutput:
    content_id: str
    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolUse:
    content_id: str
    tool_use_id: str
    name: str
    content: str  # the arguments, JSON as text; the model may write anything


@dataclass(frozen=True, slots=True)
class ContentEnded:
    """An AUDIO block that ends with END_TURN is the end of the turn."""

    content_id: str
    type: ContentType
    stop_reason: StopReason | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens since the last usage event, and the session's totals."""

    input_speech: int
    input_text: int
    output_speech: int
    output_text: int
    total_input: int
    total_output: int


@dataclass(frozen=True, slots=True)
class CompletionEnd:
    pass


@dataclass(frozen=True, slots=True)
class UserSpeechStart:
    """Undocumented, recorded live by several parties: the earliest sign of a barge-in."""

    offset_ms: int  # from the start of the audio stream


@dataclass(frozen=True, slots=True)
class UserSpeechEnd:
    """Undocumented, as `UserSpeechStart`."""

    offset_ms: int
    detected_ms: int  # where the pause was long enough to call it an end


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event newer than this module; never an error."""

    name: str
    body: Json


type ServiceEvent = (
    CompletionStart
    | ContentStarted
    | TextOutput
    | AudioOutput
    | ToolUse
    | ContentEnded
    | Usage
    | CompletionEnd
    | UserSpeechStart
    | UserSpeechEnd
    | UnknownEvent
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every event of the service carries beside its own fields."""

    session_id: str
    prompt_name: str
    completion_id: str


# Client events to JSON


@lru_cache(maxsize=256)
def _quoted(name: str) -> str:
    return json.dumps(name)


def encode(event: ClientEvent) -> bytes:
    """One event as the JSON the service expects.

    Audio is the hot path, 25 to 50 a second and call: an f-string around base64 takes 2.0 us for 40 ms at
    16 kHz where json.dumps of the same dict takes 8.0 us (measured).
    """
    if type(event) is AudioInput:
        content = b64encode(event.audio).decode("ascii")
        return (
            f'{{"event":{{"audioInput":{{"promptName":{_quoted(event.prompt_name)},'
            f'"contentName":{_quoted(event.content_name)},"content":"{content}"}}}}}}'
        ).encode()
    name, body = _client_json(event)
    return _dump(name, body)


def _dump(name: str, body: Json) -> bytes:
    text = json.dumps({"event": {name: body}}, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")  # JSON can name half a surrogate pair, UTF-8 cannot


def _client_json(event: ClientEvent) -> tuple[str, Json]:
    match event:
        case SessionStart():
            return "sessionStart", _session_start_json(event)
        case PromptStart():
            return "promptStart", _prompt_start_json(event)
        case TextStart() | AudioStart() | ToolResultStart():
            return "contentStart", _content_start_json(event)
        case TextInput(prompt_name, content_name, content):
            return "textInput", _block_json(prompt_name, content_name) | {"content": content}
        case AudioInput(prompt_name, content_name, audio):
            return "audioInput", _block_json(prompt_name, content_name) | {"content": b64encode(audio).decode()}
        case ToolResult(prompt_name, content_name, content):
            return "toolResult", _block_json(prompt_name, content_name) | {"content": content}
        case ContentEnd(prompt_name, content_name):
            return "contentEnd", _block_json(prompt_name, content_name)
        case PromptEnd(prompt_name):
            return "promptEnd", {"promptName": prompt_name}
        case SessionEnd():
            return "sessionEnd", {}


def _block_json(prompt_name: str, content_name: str) -> Json:
    return {"promptName": prompt_name, "contentName": content_name}


def _session_start_json(event: SessionStart) -> Json:
    inference = {"maxTokens": event.max_tokens, "topP": event.top_p, "temperature": event.temperature}
    body: Json = {"inferenceConfiguration": inference}
    if event.endpointing:
        # Nova 2 refuses the flat key that v1 took (livekit agents #6200).
        body["turnDetectionConfiguration"] = {"endpointingSensitivity": event.endpointing}
    return body


def _prompt_start_json(event: PromptStart) -> Json:
    body: Json = {
        "promptName": event.prompt_name,
        "textOutputConfiguration": {"mediaType": "text/plain"},
        "audioOutputConfiguration": _lpcm(event.output_rate) | {"voiceId": event.voice},
    }
    if event.tools:
        body["toolUseOutputConfiguration"] = {"mediaType": "application/json"}
        body["toolConfiguration"] = {"tools": [_tool_json(tool) for tool in event.tools]}
    return body


def _tool_json(tool: ToolSpec) -> Json:
    schema = json.dumps(tool.input_schema, ensure_ascii=False)
    return {"toolSpec": {"name": tool.name, "description": tool.description, "inputSchema": {"json": schema}}}


def _content_start_json(event: BlockStart) -> Json:
    body = _block_json(event.prompt_name, event.content_name)
    match event:
        case TextStart(role=role, interactive=interactive):
            body |= {"type": "TEXT", "role": role.value, "interactive": interactive}
            body["textInputConfiguration"] = {"mediaType": "text/plain"}
        case AudioStart(rate=rate):
            body |= {"type": "AUDIO", "role": "USER", "interactive": True}
            body["audioInputConfiguration"] = _lpcm(rate)
        case ToolResultStart(tool_use_id=tool_use_id):
            body |= {"type": "TOOL", "role": "TOOL", "interactive": False}
            text = {"mediaType": "text/plain"}
            body["toolResultInputConfiguration"] = {
                "toolUseId": tool_use_id,
                "type": "TEXT",
                "textInputConfiguration": text,
            }
    return body


def _lpcm(rate: int) -> Json:
    return {
        "mediaType": "audio/lpcm",
        "sampleRateHertz": rate,
        "sampleSizeBits": 16,
        "channelCount": 1,
        "audioType": "SPEECH",
        "encoding": "base64",
    }


# Service events to JSON


def encode_service_event(event: ServiceEvent, envelope: Envelope) -> bytes:
    """One event of the service as JSON: the stand-in's half of the protocol."""
    if type(event) is AudioOutput:
        name, body = (
            "audioOutput",
            {"contentId": event.content_id, "content": b64encode(event.audio).decode("ascii")},
        )
    else:
        name, body = _service_json(event)
    common = {
        "sessionId": envelope.session_id,
        "promptName": envelope.prompt_name,
        "completionId": envelope.completion_id,
    }
    return _dump(name, common | body)


def _service_json(event: ServiceEvent) -> tuple[str, Json]:
    match event:
        case CompletionStart():
            return "completionStart", {}
        case ContentStarted():
            return "contentStart", _content_started_json(event)
        case TextOutput(content_id, role, content):
            return "textOutput", {"contentId": content_id, "role": role.value, "content": content}
        case AudioOutput(content_id, audio):
            return "audioOutput", {"contentId": content_id, "content": b64encode(audio).decode("ascii")}
        case ToolUse(content_id, tool_use_id, name, content):
            use = {"contentId": content_id, "toolUseId": tool_use_id, "toolName": name, "content": content}
            return "toolUse", use
        case ContentEnded(content_id, type_, stop_reason):
            reason = stop_reason.value if stop_reason else None
            return "contentEnd", {"contentId": content_id, "type": type_.value, "stopReason": reason}
        case Usage():
            return "usageEvent", _usage_json(event)
        case CompletionEnd():
            return "completionEnd", {"stopReason": "END_TURN"}
        case UserSpeechStart(offset_ms):
            return "userSpeechStart", {"inputAudioOffsetMs": offset_ms}
        case UserSpeechEnd(offset_ms, detected_ms):
            offsets = {"inputAudioOffsetMs": offset_ms, "inputAudioDetectionOffsetMs": detected_ms}
            return "userSpeechEnd", offsets
        case UnknownEvent(name, body):
            return name, body


_OUTPUT_CONFIGURATION: Mapping[ContentType, tuple[str, Json]] = {
    ContentType.TEXT: ("textOutputConfiguration", {"mediaType": "text/plain"}),
    ContentType.AUDIO: ("audioOutputConfiguration", {"mediaType": "audio/lpcm"}),
    ContentType.TOOL: ("toolUseOutputConfiguration", {"mediaType": "application/json"}),
}


def _content_started_json(event: ContentStarted) -> Json:
    key, configuration = _OUTPUT_CONFIGURATION[event.type]
    body: Json = {
        "contentId": event.content_id,
        "type": event.type.value,
        "role": event.role.value,
        key: configuration,
    }
    if event.stage:
        # JSON inside a JSON string, as the AWS page shows it.
        body["additionalModelFields"] = json.dumps({"generationStage": event.stage.value}, separators=(",", ":"))
    return body


def _usage_json(event: Usage) -> Json:
    delta = {
        "input": {"speechTokens": event.input_speech, "textTokens": event.input_text},
        "output": {"speechTokens": event.output_speech, "textTokens": event.output_text},
    }
    return {
        "details": {"delta": delta},
        "totalInputTokens": event.total_input,
        "totalOutputTokens": event.total_output,
        "totalTokens": event.total_input + event.total_output,
    }


# JSON to events


def parse_client_event(data: bytes) -> ClientEvent:
    """Read what a client sent. Raises MalformedEvent for anything that is not exactly such an event."""
    name, body = _open(data)
    parser = _CLIENT_PARSERS.get(name)
    if parser is None:
        raise MalformedEvent(f"no such event: {name!r}")
    return _parsed(name, body, parser)


def parse_service_event(data: bytes) -> ServiceEvent:
    """Read what the service sent. Raises MalformedEvent; an unheard-of event name is an `UnknownEvent`."""
    name, body = _open(data)
    parser = _SERVICE_PARSERS.get(name)
    return UnknownEvent(name, body) if parser is None else _parsed(name, body, parser)


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
        raise TypeError(f"{key}: expected a string but got {value!r}")
    return value


def _number(body: Json, key: str) -> float:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{key}: expected a number but got {value!r}")
    return value


def _integer(body: Json, key: str) -> int:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{key}: expected an integer but got {value!r}")
    return value


def _audio(body: Json) -> bytes:
    audio = a2b_base64(_text(body, "content"), strict_mode=True)
    if len(audio) % 2:
        raise ValueError("half a sample: 16-bit audio has an even length")
    return audio


def _expect(body: Json, **expected: object) -> None:
    for key, value in expected.items():
        if body[key] != value:
            raise ValueError(f"{key}: expected {value!r} but got {body[key]!r}")


def _parse_session_start(body: Json) -> SessionStart:
    inference = body["inferenceConfiguration"]
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
            raise ValueError(f"endpointingSensitivity: {other!r}")


def _parse_rate(configuration: Json) -> int:
    _expect(configuration, mediaType="audio/lpcm", sampleSizeBits=16, channelCount=1, encoding="base64")
    rate = _integer(configuration, "sampleRateHertz")
    if rate not in (8000, 16000, 24000):
        raise ValueError(f"sampleRateHertz: {rate}")
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
    schema = json.loads(_text(spec["inputSchema"], "json"))
    if not isinstance(schema, dict):
        raise TypeError("inputSchema.json: expected a JSON object as text")
    return ToolSpec(_text(spec, "name"), _text(spec, "description"), schema)


def _parse_content_start(body: Json) -> BlockStart:
    names = _text(body, "promptName"), _text(body, "contentName")
    role, interactive = Role(body["role"]), bool(body.get("interactive", False))
    match ContentType(body["type"]):
        case ContentType.TEXT:
            _expect(body["textInputConfiguration"], mediaType="text/plain")
            return TextStart(*names, role, interactive)
        case ContentType.AUDIO:
            _expect(body, role="USER")
            return AudioStart(*names, _parse_rate(body["audioInputConfiguration"]))
        case ContentType.TOOL:
            _expect(body, role="TOOL")
            return ToolResultStart(*names, _text(body["toolResultInputConfiguration"], "toolUseId"))


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
}


def _parse_content_started(body: Json) -> ContentStarted:
    fields = json.loads(body.get("additionalModelFields") or "{}")
    stage = fields.get("generationStage")
    return ContentStarted(
        _text(body, "contentId"),
        ContentType(body["type"]),
        Role(body["role"]),
        Stage(stage) if stage else None,
    )


def _parse_content_ended(body: Json) -> ContentEnded:
    reason = body.get("stopReason")
    return ContentEnded(_text(body, "contentId"), ContentType(body["type"]), StopReason(reason) if reason else None)


def _parse_usage(body: Json) -> Usage:
    delta = body.get("details", {}).get("delta", {})
    spent, made = delta.get("input", {}), delta.get("output", {})
    return Usage(
        spent.get("speechTokens", 0),
        spent.get("textTokens", 0),
        made.get("speechTokens", 0),
        made.get("textTokens", 0),
        body.get("totalInputTokens", 0),
        body.get("totalOutputTokens", 0),
    )


def _parse_speech_end(body: Json) -> UserSpeechEnd:
    offset = _integer(body, "inputAudioOffsetMs")
    return UserSpeechEnd(offset, int(body.get("inputAudioDetectionOffsetMs", offset)))


_SERVICE_PARSERS: Mapping[str, Callable[[Json], ServiceEvent]] = {
    "completionStart": lambda b: CompletionStart(),
    "contentStart": _parse_content_started,
    "textOutput": lambda b: TextOutput(_text(b, "contentId"), Role(b["role"]), _text(b, "content")),
    "audioOutput": lambda b: AudioOutput(_text(b, "contentId"), _audio(b)),
    "toolUse": lambda b: ToolUse(
        _text(b, "contentId"), _text(b, "toolUseId"), _text(b, "toolName"), _text(b, "content")
    ),
    "contentEnd": _parse_content_ended,
    "usageEvent": _parse_usage,
    "completionEnd": lambda b: CompletionEnd(),
    "userSpeechStart": lambda b: UserSpeechStart(_integer(b, "inputAudioOffsetMs")),
    "userSpeechEnd": _parse_speech_end,
}
