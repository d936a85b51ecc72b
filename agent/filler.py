"""What the caller hears while an answer is late: a local clip after some seconds of silence, and another if need be."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from functools import cache
from importlib.resources import files

SILENCE_LIMIT_S = 3.6  # of it, and a little to be heard in: no caller waits 4 s for a sound
TICK_S = 0.2
CLIPS = ("one_moment.wav", "still_here.wav")  # "Un segundo, por favor.", "Sigo acá, ya te respondo."
MAX_CLIPS = 5  # for one answer; what is silent for longer is given up by others


class Filler:
    """One call's. `play` gets PCM, 16-bit mono at 24 kHz; `silence_s` says for how long nobody has been heard."""

    def __init__(self, play: Callable[[bytes], None], silence_s: Callable[[], float]) -> None:
        self._loop = asyncio.get_running_loop()
        self._play = play
        self._silence_s = silence_s
        self._timer: asyncio.TimerHandle | None = None
        self._played = 0

    def owed(self) -> None:
        """From now on the caller waits for an answer, if he does not already."""
        if self._timer is None:
            self._played = 0
            self._timer = self._loop.call_later(TICK_S, self._tick)

    def answered(self) -> None:
        """It has begun, or nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        if self._silence_s() >= SILENCE_LIMIT_S:
            self._play(clip(CLIPS[min(self._played, len(CLIPS) - 1)]))
            self._played += 1
        again = self._played < MAX_CLIPS
        self._timer = self._loop.call_later(TICK_S, self._tick) if again else None


@cache
def clip(name: str) -> bytes:
    """A pre-rendered sentence: PCM 16-bit mono at 24 kHz."""
    with files("agent.persona").joinpath(name).open("rb") as source, wave.open(source) as wav:
        return bytes(wav.readframes(wav.getnframes()))
