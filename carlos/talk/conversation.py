"""A typed conversation over the browser line, from the client's side, sans-IO: docs/browser-protocol.md.

No audio is sent, and what comes is not played: the words are shown instead.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import uuid4

MAX_TOLD = 64  # texts that Carlos is about to say, or that were typed, until the server says that they were
BRACKETS = str.maketrans("[]", "()")  # as the server changes them


class Who(Enum):
    CARLOS = "Carlos"
    HEARD = "heard"  # what the server took for the person's words, where they are not those that were typed
    TOOL = "tool"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the conversation."""

    who: Who
    text: str


class Conversation:
    """`answering` is True while Carlos owes an answer, or gives one; he speaks first."""

    def __init__(self) -> None:
        self.answering = True
        self._names = {"promptName": str(uuid4()), "contentName": str(uuid4())}
        self._blocks: dict[str, str | None] = {}  # open text blocks: their stage
        self._planned: deque[str] = deque(maxlen=MAX_TOLD)
        self._typed: deque[str] = deque(maxlen=MAX_TOLD)
        self._last_error = ""

    # What is sent.

    def opening(self) -> tuple[str, ...]:
        """Return the handshake, up to the audio block."""
        names = {"promptName": self._names["promptName"]}
        words = {"mediaType": "text/plain"}
        audio = {"type": "AUDIO", "interactive": True, "role": "USER", "audioInputConfiguration": _lpcm(16000)}
        speech = _lpcm(24000) | {"voiceId": "carlos"}
        return (
            _message("sessionStart", {"inferenceConfiguration": {"maxTokens": 1024, "topP": 0.9, "temperature": 0.7}}),
            _message("promptStart", names | {"textOutputConfiguration": words, "audioOutputConfiguration": speech}),
            _message("contentStart", self._names | audio),
        )

    def typed(self, text: str) -> tuple[str, ...]:
        """Return the messages that say this."""
        self.answering = True
        self._typed.append(text if text.startswith("[DTMF] ") else text.translate(BRACKETS))
        names = self._names | {"contentName": str(uuid4())}
        start = {"type": "TEXT", "interactive": True, "role": "USER"}
        return (
            _message("contentStart", names | start | {"textInputConfiguration": {"mediaType": "text/plain"}}),
            _message("textInput", names | {"content": text}),
            _message("contentEnd", names),
        )

    def ending(self) -> tuple[str, ...]:
        """Return the polite end, after which the server closes the socket."""
        prompt = {"promptName": self._names["promptName"]}
        return _message("contentEnd", self._names), _message("promptEnd", prompt), _message("sessionEnd", {})

    # What comes.

    def show(self, message: str | bytes) -> tuple[Shown, ...]:
        """Return the lines to be shown for a message; none for what is no event of a conversation."""
        try:
            ((name, body),) = json.loads(message)["event"].items()
            return tuple(self._show(name, body))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return (Shown(Who.SERVER, f"a message that is not understood ({type(error).__name__})"),)

    def _show(self, name: str, body: dict[str, Any]) -> Iterator[Shown]:
        match name:
            case "completionStart":
                self.answering = True
            case "completionEnd":
                self.answering = False
            case "contentStart" if body["type"] == "TEXT":
                fields = body.get("additionalModelFields")
                self._blocks[body["contentId"]] = json.loads(fields).get("generationStage") if fields else None
            case "contentEnd":
                self._blocks.pop(body["contentId"], None)
            case "textOutput" if body["contentId"] in self._blocks:
                yield from self._words(body["role"], self._blocks[body["contentId"]], body["content"].strip())
            case "toolUse":
                yield Shown(Who.TOOL, f"{body['toolName']}({arguments(body['content'])})")
            case "error":
                self._last_error = body["message"]
                yield Shown(Who.SERVER, body["message"])

    def _words(self, role: str, stage: str | None, text: str) -> Iterator[Shown]:
        """What is about to be said is shown at once; what was said of it is known already, or is less of it."""
        if role == "USER":
            if text in self._typed:
                self._typed.remove(text)
            else:
                yield Shown(Who.HEARD, text)
        elif stage == "SPECULATIVE":
            self._planned.append(text)
            yield Shown(Who.CARLOS, text)
        elif stage is None:
            if text != self._last_error:
                yield Shown(Who.SERVER, text)
        elif not any(planned.startswith(text) for planned in self._planned):
            yield Shown(Who.CARLOS, text)


def arguments(content: str) -> str:
    """Return a tool's arguments in one line: `orderId=1, dni=28456789`."""
    try:
        given = json.loads(content)
    except ValueError:
        return content.replace("\n", " ")
    if not isinstance(given, dict):
        return json.dumps(given, ensure_ascii=False)
    told = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in given.values())
    return ", ".join(f"{name}={value}" for name, value in zip(given, told, strict=True)).replace("\n", " ")


def _lpcm(rate: int) -> dict[str, Any]:
    coding = {"mediaType": "audio/lpcm", "audioType": "SPEECH", "encoding": "base64"}
    return coding | {"sampleRateHertz": rate, "sampleSizeBits": 16, "channelCount": 1}


def _message(name: str, body: dict[str, Any]) -> str:
    return json.dumps({"event": {name: body}}, ensure_ascii=False)
