"""A client's events to JSON, `{"event": {NAME: {...}}}`."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import lru_cache

from agent.sonic.events import (
    AudioInput,
    AudioStart,
    BlockStart,
    ClientEvent,
    ContentEnd,
    Json,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
)


@lru_cache(maxsize=256)
def _quoted(name: str) -> str:
    return json.dumps(name)


def encode(event: ClientEvent) -> bytes:
    """Return an event as the JSON the service expects.

    Audio is the hot path, 25 to 50 events a second and call: an f-string around base64 is faster than json.dumps.
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


# What Nova takes of JSON Schema: three keywords at the top (AWS, "Tool use definition"; `$schema` and `anyOf` were
# reported to end the session), inside those that pipecat and AWS's samples send.
_SCHEMA = frozenset({"type", "properties", "required"})
_SUBSCHEMA = _SCHEMA | {"description", "enum", "items"}


def _plain_schema(schema: Json, keywords: frozenset[str]) -> Json:
    """A schema without the keywords that only narrow it; the tools check their arguments themselves."""
    kept = {keyword: value for keyword, value in schema.items() if keyword in keywords}
    if isinstance(properties := kept.get("properties"), dict):
        kept["properties"] = {
            name: _plain_schema(inner, _SUBSCHEMA) for name, inner in properties.items() if isinstance(inner, dict)
        }
    if isinstance(items := kept.get("items"), dict):
        kept["items"] = _plain_schema(items, _SUBSCHEMA)
    return kept


def _tool_json(tool: ToolSpec) -> Json:
    schema = json.dumps(_plain_schema(tool.input_schema, _SCHEMA), ensure_ascii=False)
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
