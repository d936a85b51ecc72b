"""What a caller's telephone plays, 20 ms at a time, and what kind of sound each 20 ms are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto

import numpy as np

from agent.audio.ulaw import ULAW_SILENCE
from bench.line import FRAME
from bench.speech import LINE_RATE, LOUD, Floats, ulaw_samples
from sandbox.sonic.script import TONE_HZ

TONE_SHARE = 0.97  # of a frame's energy at TONE_HZ; a vowel on that pitch has less


class Sound(Enum):
    SILENCE = auto()
    MODEL = auto()  # the stand-in's voice, a tone
    LOCAL = auto()  # a recorded voice: a clip of the server's own


def _wave(phase: float) -> Floats:
    return np.sin(2 * np.pi * TONE_HZ * np.arange(FRAME) / LINE_RATE + phase)


SINE, COSINE = _wave(0.0), _wave(np.pi / 2)


def sound_of(ulaw: bytes) -> Sound:
    """The kind of FRAME bytes of mu-law."""
    heard = ulaw_samples(ulaw)
    if np.abs(heard).max() < LOUD:
        return Sound.SILENCE
    tone = ((heard @ SINE) ** 2 + (heard @ COSINE) ** 2) * 2 / FRAME
    return Sound.MODEL if tone >= TONE_SHARE * float(heard @ heard) else Sound.LOCAL


class Earpiece:
    """Plays what it gets in order and in real time, as Twilio does. Marks come back when their turn has come, and all
    at once at a `clear`."""

    def __init__(self) -> None:
        self._queue: deque[bytearray | str] = deque()

    def media(self, ulaw: bytes) -> None:
        if self._queue and isinstance(last := self._queue[-1], bytearray):
            last += ulaw
        else:
            self._queue.append(bytearray(ulaw))

    def mark(self, name: str) -> None:
        self._queue.append(name)

    def clear(self) -> list[str]:
        """Forget what was not played; the marks that come back."""
        marks = [entry for entry in self._queue if isinstance(entry, str)]
        self._queue.clear()
        return marks

    def play(self) -> tuple[bytes, list[str]]:
        """The next FRAME bytes, with silence where nothing is queued, and the marks that come back."""
        frame = bytearray()
        marks = list(self._due_marks())
        while len(frame) < FRAME and self._queue:
            audio = self._queue[0]
            assert isinstance(audio, bytearray)
            wanted = FRAME - len(frame)
            frame += audio[:wanted]
            del audio[:wanted]
            if not audio:
                self._queue.popleft()
            marks += self._due_marks()
        return bytes(frame.ljust(FRAME, ULAW_SILENCE)), marks

    def _due_marks(self) -> Iterator[str]:
        while self._queue and isinstance(mark := self._queue[0], str):
            self._queue.popleft()
            yield mark
