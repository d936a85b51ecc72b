"""The original browser protocol, from the client: sans-IO.

    CONNECTED ──sessionStart──▶ SESSION ──promptStart──▶ PROMPT ──contentStart AUDIO──▶ TALKING ──┐
                                                         ▲  ▲ └ SYSTEM text, history    │ typed   │ promptEnd
                                                         │  └──────contentEnd (audio)───┘ text    ▼
                                                         └─ any state ──sessionEnd──▶ ENDED   PROMPT_ENDED

Every message is text JSON with one event, `{"event": {NAME: {...}}}`: Nova Sonic's own client events, so their
fields are read by `agent.sonic.protocol`. Nothing raises: what is malformed or out of order is a `Breach` to be told
to the client, and the conversation goes on without it.

Rules, measured on the original client unless another source is named:

* `contentEnd` has no `type`, messages have no timestamps, `promptName` and the content names are UUIDs.
* The handshake may be cut short (tool JSON that does not parse throws after `sessionStart`): audio comes without its
  `contentStart`, and must be heard all the same.
* Audio is 16-bit mono PCM in chunks of any even size (372 and 342 bytes), about 90 a second, some out of order;
  a recorder of the client tries to send WebM.
* Texts before the audio block are the prompt and the history. USER text that is interactive after it was typed:
  Nova Sonic's cross-modal input (AWS user guide), and what our own console sends.

Extensions, opt-in, unknown to the original client: `ackStart` before the audio block asks for a `sequence` in each
audioOutput; `ack` {sequence, bufferedMs} says what has come and how much of it waits to be played. `callStart` {token,
greet} before it asks for a call that ends after the goodbye, and that goes on after a lost socket: `token` is its.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from reprlib import repr as shown
from typing import Any

from agent.sonic.errors import MalformedEvent
from agent.sonic.events import (
    AudioInput,
    AudioStart,
    ClientEvent,
    ContentEnd,
    PromptEnd,
    PromptStart,
    Role,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
)
from agent.sonic.parsing import parse_client_event
from common.text import printable

MAX_MESSAGE_CHARACTERS = 64 * 1024  # characters; the original's longest, promptStart, has 4.9 kB
MAX_CHUNK_S = 1.0  # of audio in one event
MAX_TYPED_CHARACTERS = 1000  # characters
MAX_TOKEN_CHARACTERS = 64  # characters
MAX_OPEN_BLOCKS = 16  # of text that are open at once; the original has one
MAX_OPEN_CHARACTERS = 128 * 1024  # characters in them, before the conversation is given up
PART_CHARACTERS = 64  # that a part of a block counts for beside its own: it takes memory even when it is empty
EXTENSIONS = '"ack', '"callStart"'  # one of these is among an extension's first characters
INPUT_RATE = 16000  # Hz of audio whose contentStart never came
WEBM = b"\x1a\x45\xdf\xa3"
KEYPAD = re.compile(r"\[DTMF\] [0-9*#]{1,32}")
BRACKETS = str.maketrans("[]", "()")


class State(Enum):
    CONNECTED = auto()
    SESSION = auto()
    PROMPT = auto()
    TALKING = auto()
    PROMPT_ENDED = auto()
    ENDED = auto()


TEXTS = {"text": State.PROMPT, "textInput": State.PROMPT, "contentEnd": State.PROMPT}
TYPING = {"text": State.TALKING, "textInput": State.TALKING, "contentEnd": State.TALKING}

# state: {what may come: next state}. A block's start is called by its type.
TRANSITIONS: dict[State, dict[str, State]] = {
    State.CONNECTED: {"sessionStart": State.SESSION, "sessionEnd": State.ENDED},
    State.SESSION: {"promptStart": State.PROMPT, "sessionEnd": State.ENDED},
    State.PROMPT: {**TEXTS, "audio": State.TALKING, "promptEnd": State.PROMPT_ENDED, "sessionEnd": State.ENDED},
    State.TALKING: {
        **TYPING,
        "audioInput": State.TALKING,
        "audioEnd": State.PROMPT,
        "promptEnd": State.PROMPT_ENDED,
        "sessionEnd": State.ENDED,
    },
    State.PROMPT_ENDED: {"sessionEnd": State.ENDED},
    State.ENDED: {},
}


@dataclass(frozen=True, slots=True)
class SystemText:
    text: str


@dataclass(frozen=True, slots=True)
class HistoryText:
    role: Role  # USER or ASSISTANT
    text: str


@dataclass(frozen=True, slots=True)
class Talking:
    """The audio block is open: the handshake is complete."""

    rate: int  # Hz


@dataclass(frozen=True, slots=True)
class Audio:
    """The caller's microphone: 16-bit mono at the block's rate."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """Text to be answered like speech; `[DTMF] 123#` are keys. No other text keeps its square brackets: texts that
    begin with one are the server's own cues."""

    text: str


@dataclass(frozen=True, slots=True)
class AckStarted:
    """The client will say what it has received and played."""


@dataclass(frozen=True, slots=True)
class Ack:
    sequence: int
    buffered_ms: float


@dataclass(frozen=True, slots=True)
class CallStart:
    """The client wants a call that Carlos ends, and that goes on after a lost socket. `token` is that of the call to go
    on with, empty for a new one. Whom Carlos does not `greet` says something himself at once."""

    token: str = field(repr=False)
    greet: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """The client has ended the session; its socket closes in a moment."""


@dataclass(frozen=True, slots=True)
class ProtocolViolation:
    """A message that the protocol does not allow here. `code` is for programs, `message` for people; after a `final`
    one nothing more is read."""

    code: str
    message: str
    final: bool = False


Event = (
    SessionStart
    | PromptStart
    | SystemText
    | HistoryText
    | Talking
    | Audio
    | Typed
    | AckStarted
    | Ack
    | CallStart
    | Ended
    | ProtocolViolation
)


@dataclass(slots=True)
class _Text:
    """An open text block; its meaning depends on when it was opened."""

    start: TextStart
    opened: State
    size: int  # in characters
    parts: list[str] = field(default_factory=list)


class BrowserStream:
    """One socket's events. `acknowledges` is True once the client has asked for sequence numbers."""

    def __init__(self) -> None:
        self.state = State.CONNECTED
        self.acknowledges = False
        self._rate = INPUT_RATE
        self._texts: dict[str, _Text] = {}
        self._audio_name: str | None = None
        self._audio_was_early = False

    def receive(self, message: str | bytes) -> tuple[Event, ...]:
        """Return the event that a client's message is, if any. Nothing is read after the session's end."""
        if self.state is State.ENDED:
            return ()
        if not isinstance(message, str):
            return (ProtocolViolation("binary", "messages are text"),)
        if len(message) > MAX_MESSAGE_CHARACTERS:
            return (
                ProtocolViolation(
                    "too_long", f"a message of {len(message)} characters, more than {MAX_MESSAGE_CHARACTERS}"
                ),
            )
        if any(name in message[:24] for name in EXTENSIONS) and (extension := _read_extension(message)) is not None:
            return self._extend(extension)
        try:
            event = parse_client_event(message.encode(errors="replace"))
        except MalformedEvent as error:
            return (ProtocolViolation("malformed", str(error)),)
        return self._early_audio(event) if self._is_early_audio(event) else self._move(event)

    def _move(self, event: ClientEvent) -> tuple[Event, ...]:
        name = self._name(event)
        allowed = TRANSITIONS[self.state]
        if name not in allowed:
            return (ProtocolViolation("out_of_order", f"{name} is not allowed in {self.state.name}"),)
        self.state = allowed[name]
        return self._take(event)

    def _name(self, event: ClientEvent) -> str:
        match event:
            case TextStart():
                return "text"
            case AudioStart():
                return "audio"
            case ContentEnd(_, content_name) if content_name == self._audio_name:
                return "audioEnd"
            case _:
                kind = type(event).__name__
                return kind[0].lower() + kind[1:]

    def _take(self, event: ClientEvent) -> tuple[Event, ...]:
        match event:
            case SessionStart() | PromptStart():
                return (event,)
            case TextStart():
                size = PART_CHARACTERS + len(event.prompt_name) + len(event.content_name)
                self._texts[event.content_name] = _Text(event, self.state, size)
                return self._within_budget()
            case TextInput(_, content_name, content):
                return self._append(content_name, content)
            case ContentEnd(_, content_name):
                return self._close(content_name)
            case AudioStart(_, content_name, rate):
                self._audio_name, self._rate = content_name, rate
                return (Talking(rate),)
            case AudioInput(_, _, pcm):
                return self._hear(pcm)
            case SessionEnd():
                return (Ended(),)
            case PromptEnd():
                self._texts.clear()
        return ()

    # Texts.

    def _append(self, name: str, content: str) -> tuple[Event, ...]:
        if name not in self._texts:
            return (ProtocolViolation("unknown_content", "textInput of a block that is not open"),)
        block = self._texts[name]
        block.parts.append(content)
        block.size += PART_CHARACTERS + len(content)
        return self._within_budget()

    def _within_budget(self) -> tuple[Event, ...]:
        if (
            len(self._texts) <= MAX_OPEN_BLOCKS
            and sum(block.size for block in self._texts.values()) <= MAX_OPEN_CHARACTERS
        ):
            return ()
        self._texts.clear()
        return (ProtocolViolation("too_much_text", "more text is open than a conversation has", final=True),)

    def _close(self, name: str) -> tuple[Event, ...]:
        if name == self._audio_name:
            self._audio_name = None
            return ()
        if name not in self._texts:
            return (ProtocolViolation("unknown_content", "contentEnd of a block that is not open"),)
        block = self._texts.pop(name)
        return self._text(block, text) if (text := printable("".join(block.parts)).strip()) else ()

    def _text(self, block: _Text, text: str) -> tuple[Event, ...]:
        match block.start.role:
            case Role.USER if block.start.interactive and block.opened is State.TALKING:
                return (_typed(text),)
            case Role.SYSTEM if block.opened is State.PROMPT:
                return (SystemText(text),)
            case (Role.USER | Role.ASSISTANT) as role if block.opened is State.PROMPT:
                return (HistoryText(role, text),)
            case role:
                return (ProtocolViolation("out_of_order", f"{role} text is not allowed in {block.opened.name}"),)

    # Audio.

    def _is_early_audio(self, event: ClientEvent) -> bool:
        return isinstance(event, AudioInput) and self.state in (State.CONNECTED, State.SESSION, State.PROMPT)

    def _early_audio(self, event: ClientEvent) -> tuple[Event, ...]:
        """Heard as if its block were open, and told once."""
        assert isinstance(event, AudioInput)  # noqa: S101 - just seen
        heard = self._hear(event.audio)
        if self._audio_was_early:
            return heard
        self._audio_was_early = True
        return (
            ProtocolViolation("out_of_order", "audioInput before its contentStart; it is heard all the same"),
            *heard,
        )

    def _hear(self, pcm: bytes) -> tuple[Event, ...]:
        if pcm.startswith(WEBM):
            return (ProtocolViolation("not_pcm", "audio must be 16-bit PCM, this is WebM"),)
        if len(pcm) > MAX_CHUNK_S * self._rate * 2:
            return (ProtocolViolation("too_long", f"more than {MAX_CHUNK_S:g} s of audio in one event"),)
        return (Audio(pcm),) if pcm else ()

    # Extensions.

    def _extend(self, event: AckStarted | Ack | CallStart | ProtocolViolation) -> tuple[Event, ...]:
        if isinstance(event, AckStarted | CallStart):
            if self.state not in (State.CONNECTED, State.SESSION, State.PROMPT):
                name = "ackStart" if isinstance(event, AckStarted) else "callStart"
                return (ProtocolViolation("out_of_order", f"{name} must come before the audio's contentStart"),)
            self.acknowledges |= isinstance(event, AckStarted)
        elif isinstance(event, Ack) and not self.acknowledges:
            return (ProtocolViolation("out_of_order", "ack without ackStart"),)
        return (event,)


def _read_extension(message: str) -> AckStarted | Ack | CallStart | ProtocolViolation | None:
    try:
        ((name, body),) = json.loads(message)["event"].items()
        match name:
            case "ackStart":
                return AckStarted()
            case "ack":
                return Ack(_number(body, "sequence", int), _number(body, "bufferedMs", float))
            case "callStart":
                return CallStart(_token(body), body.get("greet") is not False)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return ProtocolViolation("malformed", f"an extension: {error!r}")
    return None


def _number[N: (int, float)](body: dict[str, Any], key: str, kind: type[N]) -> N:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f"{key}: {shown(value)}")
    return kind(value)


def _token(body: dict[str, Any]) -> str:
    token = body.get("token") or ""
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS:
        raise ValueError("token")
    return token


def _typed(text: str) -> Typed | ProtocolViolation:
    if KEYPAD.fullmatch(text):
        return Typed(text)
    if len(text) > MAX_TYPED_CHARACTERS:
        return ProtocolViolation("too_long", f"a text of {len(text)} characters, more than {MAX_TYPED_CHARACTERS}")
    return Typed(text.translate(BRACKETS))
