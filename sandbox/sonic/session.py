"""A session from sessionStart to sessionEnd: order, prompt, clocks. Strict, in the service's own words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from loguru import logger

from agent.sonic.errors import INVALID_INPUT, OrderError
from agent.sonic.events import (
    AudioInput,
    AudioStart,
    ClientEvent,
    ContentEnd,
    PromptEnd,
    PromptStart,
    Role,
    ServiceEvent,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
)
from agent.sonic.rules import DUPLICATE_SYSTEM, OPEN_CONTENTS, Disputed, Phase, SessionRules
from sandbox.brain import Brain, Prompt
from sandbox.sonic.behaviour import Behaviour, Clock, EarlyText
from sandbox.sonic.conversation import Conversation
from sandbox.sonic.failures import IDLE_55, IDLE_295, LIFE_OVER, listed
from sandbox.sonic.faults import is_loud

SECOND_PROMPT_S = 0.2  # from a second promptStart to the end of the stream, without a word (live)


class Wire(Protocol):
    def emit(self, event: ServiceEvent) -> None: ...

    def refuse(self, kind: str, message: str) -> None:
        """Send an exception frame of this kind and end the stream."""

    def end(self) -> None: ...


@dataclass(slots=True)
class Gathered:
    """What a prompt is made of, until its audio begins."""

    start: PromptStart
    system: str = ""
    history: list[tuple[str, str]] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)  # typed before the audio


@dataclass(slots=True)
class OpenBlock:
    start: TextStart | AudioStart | ToolResultStart
    text: str = ""


class Session:
    """Takes a client's events in; emits the service's through the wire."""

    def __init__(self, wire: Wire, brain_factory: Callable[[], Brain], behaviour: Behaviour) -> None:
        self.order = SessionRules(_held(behaviour))
        self.conversation: Conversation | None = None
        self.notes: list[str] = []  # broken rules that the service is known to let pass
        self.tasks: set[asyncio.Task[None]] = set()
        self._wire = wire
        self._brain_factory = brain_factory
        self._behaviour = behaviour
        self._clock = Clock(behaviour.time_scale)
        self._last_sign_of_life = self._clock.now()
        self._endpointing: str | None = None
        self._gathered: Gathered | None = None
        self._blocks: dict[str, OpenBlock] = {}
        self._ending = False
        self._life = self._clock.later(behaviour.life_s, self._die)
        self._idle = self._clock.later(behaviour.idle_s, self._check_idle)

    def take(self, event: ClientEvent) -> None:
        """One event of the client. A broken rule ends the stream with a validationException."""
        if self._ending:
            return
        try:
            self.order.check(event)
        except OrderError as error:
            self._broken(event, error)
            return
        self._dispatch(event)

    @property
    def input_rate(self) -> int:
        """Of the open audio block, in Hz; 16,000 while there is none."""
        return next((start.rate for start in self.order.open_blocks if isinstance(start, AudioStart)), 16_000)

    def close(self) -> None:
        """Stop the clocks and whatever the model was doing."""
        self._life.cancel()
        self._idle.cancel()
        if self.conversation is not None:
            self.conversation.close()
            self.tasks |= self.conversation.tasks

    def _broken(self, event: ClientEvent, error: OrderError) -> None:
        audio_only = all(isinstance(start, AudioStart) for start in self.order.open_blocks)
        if isinstance(event, PromptEnd) and error.message == OPEN_CONTENTS and audio_only:
            # pipecat 1.14 ends its prompts with the audio block open, and nobody is left to read the error.
            self.notes.append(error.message)
            self._end_prompt()
            self._wire.end()
        elif isinstance(event, PromptStart) and self.order.phase is Phase.PROMPT_OVER:
            self._ending = True
            self._clock.later(SECOND_PROMPT_S, self._wire.end)
        else:
            message = listed(error.message) if error.message == DUPLICATE_SYSTEM else error.message
            self._refuse("validationException", message)

    def _dispatch(self, event: ClientEvent) -> None:
        match event:
            case AudioInput(audio=audio):
                self._hear(audio)
            case SessionStart(endpointing=endpointing):
                self._endpointing = endpointing
            case PromptStart():
                self._gathered = Gathered(event)
            case TextStart() | AudioStart() | ToolResultStart():
                self._open(event)
            case TextInput(content_name=name, content=content) | ToolResult(content_name=name, content=content):
                self._blocks[name].text += content
            case ContentEnd(content_name=name):
                self._close_block(self._blocks.pop(name))
            case PromptEnd():
                self._end_prompt()
            case SessionEnd():
                self._wire.end()

    def _hear(self, audio: bytes) -> None:
        if not self._behaviour.silence_is_idle or is_loud(audio):
            self._last_sign_of_life = self._clock.now()
        if self.conversation is None:
            return
        if self._behaviour.audio_during_tool_is_fatal and self.conversation.waits_for_tool:
            self._refuse("validationException", INVALID_INPUT)
        else:
            self.conversation.hear(audio)

    def _open(self, start: TextStart | AudioStart | ToolResultStart) -> None:
        self._blocks[start.content_name] = OpenBlock(start)
        if isinstance(start, AudioStart) and self.conversation is None and self._gathered is not None:
            prompt = _prompt(self._gathered, start.rate, self._endpointing)
            brain = self._brain_factory()
            self.conversation = Conversation(prompt, brain, self._behaviour, self._emit, self.crash)
            for text in self._gathered.turns:
                self.conversation.read(text)

    def _close_block(self, block: OpenBlock) -> None:
        match block.start:
            case TextStart(role=Role.SYSTEM) if self._gathered is not None:
                self._gathered.system = block.text
            case TextStart(interactive=True) if self.conversation is not None:
                self._last_sign_of_life = self._clock.now()
                self.conversation.read(block.text)
            case TextStart(role=Role.USER, interactive=True) if self._gathered and self._answers_early_text:
                self._gathered.turns.append(block.text)
            case TextStart(role=Role.USER | Role.ASSISTANT as role) if self._gathered and self.conversation is None:
                self._gathered.history.append((role.value, block.text))
            case ToolResultStart(tool_use_id=tool_use_id) if self.conversation is not None:
                self._last_sign_of_life = self._clock.now()
                self.conversation.tool_result(tool_use_id, json.loads(block.text))
            case _:
                # Audio is over, or text in mid-session that only informs: no brain of ours uses it.
                pass

    @property
    def _answers_early_text(self) -> bool:
        return self.conversation is None and self._behaviour.early_text is EarlyText.TURN

    def _end_prompt(self) -> None:
        if self.conversation is not None:
            self.conversation.end()
            self.tasks |= self.conversation.tasks
            self.conversation = None
        self._gathered = None
        self._blocks.clear()

    def _emit(self, event: ServiceEvent) -> None:
        self.order.received(event)
        self._wire.emit(event)

    def crash(self, error: Exception) -> None:
        """A failure of the brain, or of ours: the stream ends and says so."""
        logger.opt(exception=error).error("the stand-in's brain failed")
        self._refuse("internalServerException", f"The stand-in's brain failed: {error!r}")

    def _refuse(self, kind: str, message: str) -> None:
        """End the stream with an exception. There is one to a stream: what else is due of its clocks comes no more."""
        self._life.cancel()
        self._idle.cancel()
        self._wire.refuse(kind, message)

    def _die(self) -> None:
        self._refuse(LIFE_OVER.kind, LIFE_OVER.message)

    def _check_idle(self) -> None:
        left = self._last_sign_of_life + self._behaviour.idle_s - self._clock.now()
        if left > 0:
            self._idle = self._clock.later(left, self._check_idle)
        else:
            over = IDLE_295 if self._behaviour.idle_s > 55 else IDLE_55
            self._refuse(over.kind, over.message)


def _held(behaviour: Behaviour) -> frozenset[Disputed]:
    held = {
        Disputed.TEXT_NEEDS_AUDIO: behaviour.early_text is EarlyText.REFUSED,
        Disputed.HISTORY_ALTERNATES: behaviour.alternating_history,
        Disputed.PLAIN_SCHEMAS: behaviour.strict_tool_schemas,
    }
    return frozenset(rule for rule, holds in held.items() if holds)


def _prompt(gathered: Gathered, input_rate: int, endpointing: str | None) -> Prompt:
    return Prompt(
        system=gathered.system,
        tools=tuple(tool.name for tool in gathered.start.tools),
        history=tuple(gathered.history),
        voice=gathered.start.voice,
        input_rate=input_rate,
        output_rate=gathered.start.output_rate,
        endpointing=endpointing,
    )
