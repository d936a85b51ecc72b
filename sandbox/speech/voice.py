"""Carlos's voice on this machine: recorded clips where a sentence is made of known phrases, espeak-ng otherwise."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soxr

from sandbox.speech.clips import RATE, Clip, ClipLibrary, Samples
from sandbox.speech.espeak import Espeak

_MARKER = re.compile(r"\[[^\]]*\]")  # "[FINAL]", which the original prompt asks for: never spoken
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[¿¡A-ZÁÉÍÓÚÜÑ])")
_ESPEAK_GAIN = 0.85  # as loud as the clips
_ESPEAK_PAUSE_S = 0.2


class LocalVoice:
    """A `Voice`. Sentences are made one after another in one thread, each far faster than it is heard."""

    def __init__(self, clips: ClipLibrary, espeak: Espeak) -> None:
        self._clips = clips
        self._espeak = espeak
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voice")

    async def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        for part in self.plan(text):
            yield await loop.run_in_executor(self._worker, self._render, part, rate)

    def plan(self, text: str) -> Iterator[Clip | str]:
        """Clips, and the sentences that espeak-ng has to say; a run of sentences may be one clip."""
        sentences = _SENTENCE_END.split(_MARKER.sub("", text).strip())
        while sentences and sentences[0]:
            length, clips = self._longest_run(sentences)
            if clips:
                yield from clips
            else:
                yield sentences[0]
            del sentences[:length]

    def _longest_run(self, sentences: list[str]) -> tuple[int, tuple[Clip, ...]]:
        for length in range(len(sentences), 0, -1):
            if clips := self._clips.split(" ".join(sentences[:length])):
                return length, clips
        return 1, ()

    def _render(self, part: Clip | str, rate: int) -> bytes:
        if isinstance(part, Clip):
            return _at(self._clips.samples(part), RATE, rate)
        spoken = np.frombuffer(self._espeak.speak(part), dtype=np.int16) * _ESPEAK_GAIN
        pause = np.zeros(int(_ESPEAK_PAUSE_S * self._espeak.rate))
        return _at(np.concatenate([spoken, pause]).astype(np.int16), self._espeak.rate, rate)


def _at(samples: Samples, source: int, target: int) -> bytes:
    resampled = samples if source == target else soxr.resample(samples, source, target)
    return bytes(np.asarray(resampled, dtype="<i2").tobytes())
