"""Nova Sonic's events as values: what the two sides say, without how it is written.

A client opens a session and a prompt, then blocks: a `contentStart`, one or more data events, a `contentEnd`.
The service answers in blocks of the same form. Names, fields and enums are those of the AWS pages "Input
events" and "Output events" for Nova Sonic; what was only recorded live by third parties says so.

Audio is PCM 16-bit little-endian mono in `bytes`; base64 exists on the wire only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

type Endpointing = Literal["HIGH", "MEDIUM", "LOW"]
type Json = dict[str, Any]

INTERRUPTED_TEXT = '{ "interrupted" : true }'  # recorded live by a third party, blanks included


class Role(StrEnum):
    SYSTEM = "SYSTEM"
    USER = "USER"
    ASSISTANT = "ASSISTANT"
    TOOL = "TOOL"
    SYSTEM_SPEECH = "SYSTEM_SPEECH"  # on AWS's page of input events; what it does there is not said


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

    offset_ms: int  # from the start of the audio stream; 0 where the service did not say


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
