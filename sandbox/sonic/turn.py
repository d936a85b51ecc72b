"""One turn of the model: what a mind does with the floor, told in the service's events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from agent.sonic.events import (
    INTERRUPTED_TEXT,
    AudioOutput,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    ToolUse,
)
from sandbox.brain import Brain, Prompt, Utterance
from sandbox.sonic.behaviour import BargeIn, Behaviour, Manners, Transcript
from sandbox.sonic.manners import instead_of, to_say
from sandbox.sonic.playback import Emit, Playback, text_block
from sandbox.sonic.usage import UsageMeter


class Dialogue(Protocol):
    """What a turn needs of the conversation that it is a part of."""

    prompt: Prompt
    brain: Brain
    behaviour: Behaviour
    playback: Playback
    usage: UsageMeter
    piece_s: Iterator[float]  # of audio in the next audioOutput

    @property
    def emit(self) -> Emit: ...
    def expect_result(self, tool_use_id: str) -> asyncio.Future[dict[str, Any]]: ...
    async def next_utterance(self, timeout_s: float) -> Utterance | None: ...
    async def pace(self, seconds: float) -> None: ...


@dataclass(slots=True)
class Turn:
    """The `Floor` of one turn. Once interrupted, whatever the mind still tries is cancelled."""

    conversation: Dialogue
    heard: Utterance
    transcribed: bool = False
    spoke: bool = False
    tools_pending: int = 0
    listening: bool = False
    over: bool = False
    _owed: str = field(default="", init=False)  # what a tool's result wants said
    _audio_block: str | None = field(default=None, init=False)  # open until it is known what follows

    @property
    def prompt(self) -> Prompt:
        return self.conversation.prompt

    async def transcript(self, text: str) -> None:
        """Typed text has no transcript: the client knows it."""
        if self.heard.text is None:
            parts = _halves(text) if self.conversation.behaviour.transcript is Transcript.IN_PARTS else [text]
            for part in parts:
                stop = StopReason.PARTIAL_TURN if part is parts[-1] else StopReason.END_TURN
                self._emit(*text_block(Role.USER, Stage.FINAL, part, stop))
        self.transcribed = True

    async def say(self, text: str) -> None:
        if self._has_manners and self.tools_pending:
            return
        if self._owed:
            text, self._owed = instead_of(text, self._owed), ""
        self._end_audio(StopReason.PARTIAL_TURN)
        planned = f" {text}" if self.spoke else text  # all but the first begin with a blank (live)
        self.spoke = True
        self._emit(*text_block(Role.ASSISTANT, Stage.SPECULATIVE, planned, StopReason.PARTIAL_TURN))
        self._audio_block = str(uuid4())
        self._emit(ContentStarted(self._audio_block, ContentType.AUDIO, Role.ASSISTANT))
        await self._speak(text, self._audio_block)

    async def write(self, text: str) -> None:
        """A turn that ends on its text, without a sound: 33 sessions of one production."""
        self._end_audio(StopReason.PARTIAL_TURN)
        self._emit(*text_block(Role.ASSISTANT, Stage.SPECULATIVE, text, StopReason.END_TURN))

    async def _speak(self, text: str, content_id: str) -> None:
        playback, prompt = self.conversation.playback, self.prompt
        sentence = playback.begin(text)
        audio = self.conversation.brain.voice.speak(text, prompt.output_rate)
        async for piece in _pieces(audio, prompt.output_rate, self.conversation.piece_s):
            seconds = len(piece) / 2 / prompt.output_rate
            sentence.ends += seconds
            self._emit(AudioOutput(content_id, piece))
            self.conversation.usage.spoken(seconds)
            await self.conversation.pace(seconds)
        playback.generated(sentence)

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._end_audio(StopReason.PARTIAL_TURN)
        content_id, tool_use_id = str(uuid4()), str(uuid4())
        result = self.conversation.expect_result(tool_use_id)
        self._emit(
            ContentStarted(content_id, ContentType.TOOL, Role.TOOL),
            ToolUse(content_id, tool_use_id, name, json.dumps(arguments, ensure_ascii=False)),
            ContentEnded(content_id, ContentType.TOOL, StopReason.TOOL_USE),
        )
        self.tools_pending += 1
        try:
            answer = await result
        finally:
            self.tools_pending -= 1
        if self._has_manners:
            self._owed = to_say(answer)
        return answer

    async def more(self, timeout_s: float) -> Utterance | None:
        self.listening = True
        try:
            return await self.conversation.next_utterance(timeout_s)
        finally:
            self.listening = False

    @property
    def _has_manners(self) -> bool:
        return self.conversation.behaviour.manners is Manners.NOVA_25

    async def finish(self) -> None:
        """The mind has nothing more to say: the last audio block ends the turn."""
        if self._owed:
            await self.say("")
        self._end_audio(StopReason.END_TURN)
        self.over = True

    def interrupt(self, variant: BargeIn) -> None:
        """The caller barged in: close what is open, in the service's manner."""
        told = StopReason.INTERRUPTED if variant in (BargeIn.FULL, BargeIn.END) else StopReason.PARTIAL_TURN
        self._end_audio(told)
        if variant in (BargeIn.FULL, BargeIn.TEXT):
            for event in text_block(Role.ASSISTANT, Stage.FINAL, INTERRUPTED_TEXT, told):
                self.conversation.emit(event)
        self.conversation.playback.interrupt(told)

    def _end_audio(self, stop: StopReason) -> None:
        if self._audio_block is not None:
            self._emit(ContentEnded(self._audio_block, ContentType.AUDIO, stop))
            self._audio_block = None

    def _emit(self, *events: ServiceEvent) -> None:
        if self.over:
            raise asyncio.CancelledError
        for event in events:
            self.conversation.emit(event)


def _halves(text: str) -> list[str]:
    words = text.split()
    middle = (len(words) + 1) // 2
    return [" ".join(part) for part in (words[:middle], words[middle:]) if part] or [text]


async def _pieces(audio: AsyncIterator[bytes], rate: int, lengths_s: Iterator[float]) -> AsyncIterator[bytes]:
    """The same audio in pieces of these lengths, the last one as it comes."""
    waiting, size = bytearray(), round(next(lengths_s) * rate) * 2
    async for part in audio:
        waiting += part
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
            size = round(next(lengths_s) * rate) * 2
    if waiting:
        yield bytes(waiting)
