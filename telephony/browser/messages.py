"""The original browser protocol, to the client: sans-IO. What happens in a conversation goes in, messages come out.

The client was written against Nova Sonic's own events, and shows them as they come. Its traps, each measured:

* A message that is not `{"event": {NAME: {...}}}` is lost in an exception; `timestamp` (ms) may stand beside `event`.
* A text shows only after its `contentStart`, in a bubble by `contentId`; ids must be UUIDs, since others are sorted or
  shared. `additionalModelFields` must be JSON in a string. `textOutput` replaces the bubble's text and its role.
* An ASSISTANT text that begins with `{` is parsed as JSON, and throws if it is not. `{ "interrupted" : true }` empties
  the player, whatever its `contentId`; `contentEnd` with INTERRUPTED does nothing.
* An `audioOutput` with an odd number of bytes is lost.
* The meter reads absolute totals in `usageEvent.details.total`; 0 is ignored.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from agent.sonic.events import INTERRUPTED_TEXT, ContentType, Role, Stage, StopReason, Usage
from common.text import printable

type Messages = tuple[str, ...]


class BrowserMessages:
    """Composes one conversation's messages. Totals go on over however many streams of Sonic's there were."""

    def __init__(self, session_id: str, clock: Callable[[], float] = time.time) -> None:
        self.prompt_name = ""  # the client's, once it is known
        self.session_id = session_id
        self.sequence = 0  # of the last audioOutput
        self.numbered = False  # the client asked for sequence numbers
        self._clock = clock
        self._completion: str | None = None
        self._audio: str | None = None  # contentId of the open audio block
        self._usage: Counter[str] = Counter()

    # Texts.

    def heard(self, text: str) -> Messages:
        """Return the messages that show the caller's words."""
        return (*self._begin(), *self._block(Role.USER, Stage.FINAL, text, StopReason.PARTIAL_TURN))

    def planned(self, text: str) -> Messages:
        """Return the messages that show what Carlos is about to say."""
        return (*self._begin(), *self._block(Role.ASSISTANT, Stage.SPECULATIVE, text, StopReason.PARTIAL_TURN))

    def said(self, text: str, *, cut: bool, last: bool) -> Messages:
        """Return the messages that show what was heard of an answer: `cut` by an interruption, or its `last` part."""
        stop = StopReason.INTERRUPTED if cut else StopReason.END_TURN
        final = (*self._begin(), *self._block(Role.ASSISTANT, Stage.FINAL, text, stop))
        return (*self._end_audio(stop), *final, *self._end(stop)) if last else final

    def notice(self, text: str) -> Messages:
        """A bubble of the server's own: the only way to tell the original client's user anything."""
        return self._block(Role.ASSISTANT, None, text, StopReason.END_TURN)

    def error(self, code: str, message: str) -> Messages:
        """An event of ours: the original client lists it, and shows nothing."""
        return (self._event("error", {"code": code, "message": message}),)

    def call_started(self, token: str, *, resumed: bool, seconds: float) -> Messages:
        """An event of ours, for a client that asked for it: how to go on with the call within `seconds` of its loss."""
        return (self._event("callStarted", {"token": token, "resumed": resumed, "seconds": seconds}),)

    # Audio.

    def audio(self, pcm: bytes) -> Messages:
        """Return the message with audio, PCM 16-bit mono at 24 kHz."""
        began = () if self._audio else (*self._begin(), self._begin_audio())
        self.sequence += 1
        number = f',"sequence":{self.sequence}' if self.numbered else ""
        content = b64encode(pcm).decode("ascii")
        return (
            *began,
            f'{{"event":{{"audioOutput":{{"sessionId":"{self.session_id}","completionId":"{self._completion}",'
            f'"contentId":"{self._audio}","content":"{content}"{number}}}}},"timestamp":{self._now()}}}',
        )

    def interrupted(self) -> Messages:
        """Empty the player. Whatever audio comes after it is played."""
        flush = {"contentId": str(uuid4()), "role": Role.ASSISTANT.value, "content": INTERRUPTED_TEXT}
        stop = StopReason.INTERRUPTED
        return (self._event("textOutput", flush), *self._end_audio(stop), *self._end(stop))

    # Tools and usage.

    def tool_used(self, tool_use_id: str, name: str, arguments: str) -> Messages:
        content_id = str(uuid4())
        use = {"contentId": content_id, "toolUseId": tool_use_id, "toolName": name, "content": arguments}
        return (
            *self._begin(),
            self._start(content_id, ContentType.TOOL, Role.TOOL),
            self._event("toolUse", use | {"role": Role.TOOL.value}),
            self._stop(content_id, ContentType.TOOL, StopReason.TOOL_USE),
        )

    def used(self, usage: Usage) -> Messages:
        delta = {
            "input": {"speechTokens": usage.input_speech, "textTokens": usage.input_text},
            "output": {"speechTokens": usage.output_speech, "textTokens": usage.output_text},
        }
        for side, tokens in delta.items():
            self._usage.update({f"{side}.{kind}": count for kind, count in tokens.items()})
        total = {side: {kind: self._usage[f"{side}.{kind}"] for kind in tokens} for side, tokens in delta.items()}
        sums = {side: sum(tokens.values()) for side, tokens in total.items()}
        body = {
            "details": {"delta": delta, "total": total},
            "totalInputTokens": sums["input"],
            "totalOutputTokens": sums["output"],
            "totalTokens": sums["input"] + sums["output"],
        }
        return (self._event("usageEvent", body),)

    # Blocks.

    def _begin(self) -> Messages:
        if self._completion is not None:
            return ()
        self._completion = str(uuid4())
        return (self._event("completionStart", {}),)

    def _end(self, stop: StopReason) -> Messages:
        if self._completion is None:
            return ()
        ended = self._event("completionEnd", {"stopReason": stop.value})
        self._completion = None
        return (ended,)

    def _begin_audio(self) -> str:
        self._audio = str(uuid4())
        return self._start(self._audio, ContentType.AUDIO, Role.ASSISTANT)

    def _end_audio(self, stop: StopReason) -> Messages:
        audio, self._audio = self._audio, None
        return (self._stop(audio, ContentType.AUDIO, stop),) if audio else ()

    def _block(self, role: Role, stage: Stage | None, text: str, stop: StopReason) -> Messages:
        text = text.strip()
        if not text:
            return ()
        content_id = str(uuid4())
        if role is Role.ASSISTANT and text.startswith("{"):
            text = f" {text}"
        body = {"contentId": content_id, "role": role.value, "content": text}
        return (
            self._start(content_id, ContentType.TEXT, role, stage),
            self._event("textOutput", body),
            self._stop(content_id, ContentType.TEXT, stop),
        )

    def _start(self, content_id: str, type_: ContentType, role: Role, stage: Stage | None = None) -> str:
        body = {"contentId": content_id, "type": type_.value, "role": role.value}
        if stage is not None:
            body["additionalModelFields"] = json.dumps({"generationStage": stage.value}, separators=(",", ":"))
        return self._event("contentStart", body)

    def _stop(self, content_id: str, type_: ContentType, stop: StopReason) -> str:
        return self._event("contentEnd", {"contentId": content_id, "type": type_.value, "stopReason": stop.value})

    def _event(self, name: str, body: dict[str, Any]) -> str:
        common = {"sessionId": self.session_id, "promptName": self.prompt_name}
        if self._completion is not None:
            common["completionId"] = self._completion
        message = {"event": {name: common | body}, "timestamp": self._now()}
        return json.dumps(printable(message), ensure_ascii=False, separators=(",", ":"))

    def _now(self) -> int:
        return int(self._clock() * 1000)
