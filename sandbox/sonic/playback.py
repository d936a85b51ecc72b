"""What the caller is taken to hear: sentences play in real time, one after another, once they are generated.

The service speaks faster than it plays, so a barge-in can come long after the last piece of audio was sent;
what had been played by then is what becomes the FINAL text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from agent.sonic.events import (
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
)
from sandbox.sonic.behaviour import FINAL_DELAY_S, Clock, FinalText

type Emit = Callable[[ServiceEvent], None]


def text_block(role: Role, stage: Stage, text: str, stop: StopReason) -> tuple[ServiceEvent, ...]:
    """The three events of a text block."""
    content_id = str(uuid4())
    return (
        ContentStarted(content_id, ContentType.TEXT, role, stage),
        TextOutput(content_id, role, text),
        ContentEnded(content_id, ContentType.TEXT, stop),
    )


@dataclass(slots=True)
class Sentence:
    text: str
    starts: float  # on the service's clock
    ends: float
    timer: asyncio.TimerHandle | None = None

    def heard(self, now: float) -> str:
        """The words played by now."""
        if now >= self.ends:
            return self.text
        words = self.text.split()
        share = max(0.0, now - self.starts) / (self.ends - self.starts)
        return " ".join(words[: int(len(words) * share)])


class Playback:
    def __init__(self, clock: Clock, emit: Emit, final_text: FinalText) -> None:
        self._clock = clock
        self._emit = emit
        self._final_text = final_text
        self._sentences: list[Sentence] = []

    @property
    def playing(self) -> bool:
        return any(sentence.ends > self._clock.now() for sentence in self._sentences)

    def begin(self, text: str) -> Sentence:
        now = self._clock.now()
        starts = max([now, *(sentence.ends for sentence in self._sentences)])
        sentence = Sentence(text, starts, starts)
        self._sentences.append(sentence)
        return sentence

    def generated(self, sentence: Sentence) -> None:
        """The sentence's audio is complete: its FINAL text comes when its time has come."""
        match self._final_text:
            case FinalText.AT_ONCE:
                self._finalise(sentence)
            case FinalText.LATE:
                wait = sentence.ends - self._clock.now() + FINAL_DELAY_S
                sentence.timer = self._clock.later(wait, lambda: self._finalise(sentence))
            case FinalText.NEVER:
                pass

    def _finalise(self, sentence: Sentence) -> None:
        self._sentences = [other for other in self._sentences if other is not sentence]
        self._final(sentence.text, StopReason.END_TURN)

    def _final(self, text: str, stop: StopReason) -> None:
        for event in text_block(Role.ASSISTANT, Stage.FINAL, text, stop):
            self._emit(event)

    def interrupt(self, stop: StopReason) -> None:
        """Stop playing; what was heard of it becomes FINAL now."""
        now = self._clock.now()
        for sentence in self._forget():
            heard = sentence.heard(now)
            if heard and self._final_text is FinalText.LATE:
                self._final(heard, stop if now < sentence.ends else StopReason.END_TURN)

    def close(self) -> None:
        self._forget()

    def _forget(self) -> list[Sentence]:
        forgotten, self._sentences = self._sentences, []
        for sentence in forgotten:
            if sentence.timer is not None:
                sentence.timer.cancel()
        return forgotten
