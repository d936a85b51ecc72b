"""What the caller hears while an answer is late: a local clip after some seconds of silence, and another if need be."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from functools import cache
from importlib.resources import files

SILENCE_S = 3.6  # of it, and a little to be heard in: no caller waits 4 s for a sound
TICK_S = 0.2
CLIPS = ("one_moment.wav", "still_here.wav")  # "Un segundo, por favor.", "Sigo acá, ya te respondo."
MOST = 5  # for one answer; what is silent for longer is given up by others


class Filler:
    """One call's. `play` gets PCM, 16-bit mono at 24 kHz; `busy` says that the line plays or that the caller speaks."""

    def __init__(self, play: Callable[[bytes], None], busy: Callable[[], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._play = play
        self._busy = busy
        self._timer: asyncio.TimerHandle | None = None
        self._silent_since = 0.0
        self._played = 0

    def owed(self) -> None:
        """From now on the caller waits for an answer."""
        self._silent_since = self._loop.time()
        self._played = 0
        if self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._tick)

    def answered(self) -> None:
        """It has begun, or nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        now = self._loop.time()
        if self._busy():
            self._silent_since = now
        elif now - self._silent_since >= SILENCE_S:
            self._play(clip(CLIPS[min(self._played, len(CLIPS) - 1)]))
            self._played += 1
            self._silent_since = now
        again = self._played < MOST
        self._timer = self._loop.call_later(TICK_S, self._tick) if again else None


@cache
def clip(name: str) -> bytes:
    """A pre-rendered sentence: PCM 16-bit mono at 24 kHz."""
    with files("agent").joinpath(name).open("rb") as source, wave.open(source) as wav:
        return bytes(wav.readframes(wav.getnframes()))
