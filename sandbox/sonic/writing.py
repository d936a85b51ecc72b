"""Events of the service to JSON, `{"event": {NAME: {...}}}`, and to frames: field by field as they were recorded.

Sources: AWS's page "Output events" for Nova Sonic, and where it is silent a recording of 39 events by a third party
(redstarh/OhMyEnglish): the speech events without a completion, a role in audio and tool use, totals in the usage, an
audio block's whole configuration, and a second key `p` of filling in each chunk, of any length.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle

from agent.sonic.events import (
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnded,
    ContentStarted,
    ContentType,
    Json,
    Role,
    ServiceEvent,
    TextOutput,
    ToolUse,
    UnknownEvent,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
)

JSON_HEADERS = {":content-type": "application/json", ":message-type": "event", ":event-type": "chunk"}
FILLING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"  # as in Bedrock's other streams


@dataclass(slots=True)
class Envelope:
    """What the events of one stream carry beside their own fields."""

    session_id: str
    prompt_name: str
    completion_id: str
    output_rate: int = 24_000  # Hz
    spent: Usage = field(default_factory=lambda: Usage(0, 0, 0, 0, 0, 0))  # until now

    def common(self, event: ServiceEvent) -> Json:
        names = {"sessionId": self.session_id, "promptName": self.prompt_name}
        if isinstance(event, UserSpeechStart | UserSpeechEnd):
            return names
        return names | {"completionId": self.completion_id}


def encode_service_event(event: ServiceEvent, envelope: Envelope) -> bytes:
    """One event as JSON. A usage event adds to what the envelope has `spent`."""
    name, body = _json(event, envelope)
    text = json.dumps({"event": {name: envelope.common(event) | body}}, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")  # JSON can name half a surrogate pair, UTF-8 cannot


class Filling:
    """The payloads of one stream's chunks: the event and a filling, of each length in turn, in either order."""

    def __init__(self) -> None:
        self._lengths: Iterator[int] = cycle(range(0, len(FILLING) + 1, 7))
        self._count = 0

    def payload(self, event: bytes) -> bytes:
        self._count += 1
        content, filling = {"bytes": b64encode(event).decode()}, {"p": FILLING[: next(self._lengths)]}
        return json.dumps(
            filling | content if self._count % 4 == 0 else content | filling, separators=(",", ":")
        ).encode()


def _json(event: ServiceEvent, envelope: Envelope) -> tuple[str, Json]:
    match event:
        case CompletionStart():
            return "completionStart", {}
        case ContentStarted():
            return "contentStart", _content_started(event, envelope.output_rate)
        case TextOutput(content_id, role, content):
            return "textOutput", {"contentId": content_id, "role": role.value, "content": content}
        case AudioOutput(content_id, audio):
            spoken = {"contentId": content_id, "role": Role.ASSISTANT.value}
            return "audioOutput", spoken | {"content": b64encode(audio).decode("ascii")}
        case ToolUse(content_id, tool_use_id, name, content):
            use = {"contentId": content_id, "toolUseId": tool_use_id, "toolName": name, "content": content}
            return "toolUse", use | {"role": Role.TOOL.value}
        case ContentEnded(content_id, type_, stop_reason):
            reason = stop_reason.value if stop_reason else None
            return "contentEnd", {"contentId": content_id, "type": type_.value, "stopReason": reason}
        case Usage():
            envelope.spent = _sum(envelope.spent, event)
            return "usageEvent", _usage(event, envelope.spent)
        case CompletionEnd():
            return "completionEnd", {"stopReason": "END_TURN"}
        case UserSpeechStart(offset_ms):
            return "userSpeechStart", {"inputAudioOffsetMs": offset_ms}
        case UserSpeechEnd(offset_ms, detected_ms):
            offsets = {"inputAudioOffsetMs": offset_ms, "inputAudioDetectionOffsetMs": detected_ms}
            return "userSpeechEnd", offsets
        case UnknownEvent(name, body):
            return name, body


_LPCM: Json = {"mediaType": "audio/lpcm", "sampleSizeBits": 16, "channelCount": 1, "encoding": "base64"}
_CONFIGURATION: Mapping[ContentType, tuple[str, Json]] = {
    ContentType.TEXT: ("textOutputConfiguration", {"mediaType": "text/plain"}),
    ContentType.AUDIO: ("audioOutputConfiguration", _LPCM),
    ContentType.TOOL: ("toolUseOutputConfiguration", {"mediaType": "application/json"}),
}


def _content_started(event: ContentStarted, rate: int) -> Json:
    key, configuration = _CONFIGURATION[event.type]
    if event.type is ContentType.AUDIO:
        configuration = configuration | {"sampleRateHertz": rate}
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


def _sum(before: Usage, event: Usage) -> Usage:
    return Usage(
        before.input_speech + event.input_speech,
        before.input_text + event.input_text,
        before.output_speech + event.output_speech,
        before.output_text + event.output_text,
        event.total_input,
        event.total_output,
    )


def _usage(event: Usage, spent: Usage) -> Json:
    return {
        "details": {"delta": _tokens(event), "total": _tokens(spent)},
        "totalInputTokens": event.total_input,
        "totalOutputTokens": event.total_output,
        "totalTokens": event.total_input + event.total_output,
    }


def _tokens(usage: Usage) -> Json:
    return {
        "input": {"speechTokens": usage.input_speech, "textTokens": usage.input_text},
        "output": {"speechTokens": usage.output_speech, "textTokens": usage.output_text},
    }
