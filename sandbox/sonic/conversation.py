"""Whose turn it is: the caller's speech and text in, turns of the mind out, and what a barge-in does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count, repeat
from random import Random
from typing import Any

from agent.sonic.events import CompletionEnd, CompletionStart, UserSpeechEnd, UserSpeechStart
from sandbox.brain import Brain, Prompt, SpeechEnded, SpeechStarted, Utterance
from sandbox.sonic.behaviour import Behaviour, Clock, Manners
from sandbox.sonic.manners import only_describes
from sandbox.sonic.playback import Emit, Playback
from sandbox.sonic.turn import Turn
from sandbox.sonic.usage import UsageMeter

PIECE_S = 0.08  # of audio in one audioOutput: the mean that was recorded
UNEVEN_MS = (79, 200)  # 2,528 to 6,400 bytes at 16 kHz were recorded
OPEN_MICROPHONE_S = 1.0  # more audio than what only primes a stream
LEAST_AUDIO_S = 0.068  # until this much audio was sent, typed text is billed and not answered


class Conversation:
    """One prompt's dialogue. Utterances are answered in order, one turn at a time."""

    def __init__(
        self,
        prompt: Prompt,
        brain: Brain,
        behaviour: Behaviour,
        emit: Emit,
        on_crash: Callable[[Exception], None],
    ) -> None:
        self.prompt = prompt
        self.brain = brain
        self.emit = emit
        self.usage = UsageMeter()
        self.piece_s = _piece_lengths(behaviour.uneven_audio)
        self.behaviour = behaviour
        self._clock = Clock(behaviour.time_scale)
        self.playback = Playback(self._clock, emit, behaviour.final_text)
        self._on_crash = on_crash
        self._audio_s = 0.0
        self._speaking = False
        self._completing = False
        self._unanswered: list[str] = []  # typed before there was enough audio
        self._utterances: asyncio.Queue[Utterance] = asyncio.Queue()
        self._results: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._turn: Turn | None = None
        self._minding: asyncio.Task[None] | None = None
        self._cut_short = b""  # speech whose turn was interrupted before it was understood
        brain.mind.begin(prompt)
        self._told_set_up()
        self._answering = asyncio.create_task(self._answer(), name="sonic stand-in conversation")

    def _told_set_up(self) -> None:
        """Each stream's first event: the tokens of what it was set up with (live)."""
        self.usage.read(self.prompt.system)
        for _, text in self.prompt.history:
            self.usage.read(text)
        self.emit(self.usage.take())

    def hear(self, pcm: bytes) -> None:
        self._audio_s += len(pcm) / 2 / self.prompt.input_rate
        if self._unanswered and self._audio_s >= LEAST_AUDIO_S:
            held, self._unanswered = self._unanswered, []
            for text in held:
                self._answer_text(text)
        for event in self.brain.ear.feed(pcm):
            if isinstance(event, SpeechStarted):
                self._speech_started(event)
            else:
                self._speech_ended(event)

    def read(self, text: str) -> None:
        """Interactive text: a turn of its own, and a barge-in if the model is talking."""
        self.usage.read(text)
        self._complete()
        if self._audio_s < LEAST_AUDIO_S:
            self.emit(self.usage.take())
            self._unanswered.append(text)
        else:
            self._answer_text(text)

    def _answer_text(self, text: str) -> None:
        if self.behaviour.manners is Manners.NOVA_25 and only_describes(text):
            return
        self._barge_in()
        self._utterances.put_nowait(Utterance(text=text))

    def tool_result(self, tool_use_id: str, result: dict[str, Any]) -> None:
        waiting = self._results.pop(tool_use_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    @property
    def waits_for_tool(self) -> bool:
        return self._turn is not None and self._turn.tools_pending > 0

    def end(self) -> None:
        """The prompt is over."""
        self.close()
        if self._completing:
            self.emit(CompletionEnd())

    def close(self) -> None:
        self.playback.close()
        self._answering.cancel()
        if self._minding is not None:
            self._minding.cancel()

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        return {task for task in (self._answering, self._minding) if task is not None}

    # What the ear found

    def _speech_started(self, event: SpeechStarted) -> None:
        self._speaking = True
        self.emit(UserSpeechStart(event.offset_ms))
        self._barge_in()

    def _speech_ended(self, event: SpeechEnded) -> None:
        self._speaking = False
        self.usage.heard(len(event.audio) / 2 / self.prompt.input_rate)
        self.emit(self.usage.take())
        self._complete()
        self.emit(UserSpeechEnd(event.offset_ms, event.detected_ms))
        audio, self._cut_short = self._cut_short + event.audio, b""
        self._utterances.put_nowait(Utterance(audio=audio))

    def _complete(self) -> None:
        """One completion a prompt, however many turns."""
        if not self._completing:
            self._completing = True
            self.emit(CompletionStart())

    def _barge_in(self) -> None:
        turn = self._turn
        if turn is None or turn.tools_pending:
            return
        if turn.over or turn.listening:
            if self.playback.playing:
                turn.interrupt(self.behaviour.barge_in)
            return
        if turn.spoke:
            turn.interrupt(self.behaviour.barge_in)
        elif not turn.transcribed:
            self._cut_short = turn.heard.audio
        turn.over = True
        if self._minding is not None:
            self._minding.cancel()

    # What the mind does

    async def _answer(self) -> None:
        while True:
            heard = await self._utterances.get()
            self._turn = Turn(self, heard)
            self._minding = asyncio.create_task(self._mind(self._turn), name="sonic stand-in turn")
            await asyncio.wait({self._minding})

    async def _mind(self, turn: Turn) -> None:
        try:
            await self.brain.mind.turn(turn.heard, turn)
            await turn.finish()
        except Exception as error:
            self._on_crash(error)
        self.emit(self.usage.take())

    async def pace(self, seconds: float) -> None:
        """Wait as long as generating this much audio takes."""
        speed = self.behaviour.audio_speed
        await self._clock.sleep(seconds / speed if speed else 0)

    def expect_result(self, tool_use_id: str) -> asyncio.Future[dict[str, Any]]:
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._results[tool_use_id] = future
        return future

    async def next_utterance(self, timeout_s: float) -> Utterance | None:
        """What the caller says next; waits on past the time-out while they are speaking.

        Where a microphone is open the time is its audio's, which a busy machine cannot make pass any faster.
        """
        until_s = self._audio_s + timeout_s
        listening = self._audio_s > OPEN_MICROPHONE_S
        while True:
            try:
                async with self._clock.timeout(timeout_s):
                    return await self._utterances.get()
            except TimeoutError:
                if not self._speaking and (not listening or self._audio_s >= until_s):
                    return None


def _piece_lengths(seed: int | None) -> Iterator[float]:
    """How many seconds of audio each piece of a conversation holds."""
    if seed is None:
        return repeat(PIECE_S)
    sizes = Random(seed)  # noqa: S311 - no secret
    return (sizes.randint(*UNEVEN_MS) / 1000 for _ in count())
