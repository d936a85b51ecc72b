"""A call's recording: a stereo WAV at 16 kHz, the caller on the left, Carlos on the right, in step with the clock.

The event loop only hands audio over; a thread resamples, aligns and writes. The file is complete after each write,
so a crash leaves what was recorded until then.
"""

from __future__ import annotations

import queue
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from loguru import logger

from agent.audio.resample import Resampler

RATE = 16_000  # Hz
SAMPLE_BYTES = 2  # bytes
PIECE_BYTES = RATE * SAMPLE_BYTES  # a second at a time
CALLER, CARLOS = 0, 1  # left, right
SLACK_S = 0.5  # a side that is silent for longer than this is filled up with silence
MAX_BACKLOG_CHUNKS = 3000  # chunks of 20 ms: a disk that hangs for a minute

type Clock = Callable[[], float]


class Recorder:
    """Records one call to `path`. `caller` and `carlos` take 16-bit mono PCM and never wait."""

    def __init__(self, path: Path, carlos_rate: int, clock: Clock = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._began = clock()
        self._resampler = Resampler(carlos_rate, RATE) if carlos_rate != RATE else None
        self._chunks: queue.Queue[tuple[int, float, bytes] | None] = queue.Queue(MAX_BACKLOG_CHUNKS)
        self._lost = 0
        self._sides = (bytearray(), bytearray())
        self._written = 0  # samples of each side
        self._thread = threading.Thread(target=self._work, name="recording", daemon=True)
        self._thread.start()

    def caller(self, pcm: bytes) -> None:
        self._put(CALLER, pcm)

    def carlos(self, pcm: bytes) -> None:
        self._put(CARLOS, pcm)

    def finish(self) -> None:
        """Write what is left, and wait for it: call it from a thread."""
        self._chunks.put(None)
        self._thread.join()
        if self._lost:
            logger.warning("the recording lost {} chunks: the disk is too slow", self._lost)

    def _put(self, side: int, pcm: bytes) -> None:
        try:
            self._chunks.put_nowait((side, self._clock() - self._began, pcm))
        except queue.Full:
            self._lost += 1

    # On the thread.

    def _work(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("wb") as file, wave.open(file, "wb") as wav:
                wav.setnchannels(2)
                wav.setsampwidth(2)
                wav.setframerate(RATE)
                while (chunk := self._chunks.get()) is not None:
                    self._add(*chunk)
                    if (ready := min(map(len, self._sides))) >= PIECE_BYTES:
                        self._write(wav, ready)
                longest = max(map(len, self._sides))
                for side in (CALLER, CARLOS):
                    self._fill(side, longest)
                self._write(wav, longest)
        except OSError as error:
            logger.error("the recording has failed: {}", error.strerror)
            while self._chunks.get() is not None:
                self._lost += 1

    def _add(self, side: int, at: float, pcm: bytes) -> None:
        now = (int(at * RATE) - self._written) * SAMPLE_BYTES
        slack = int(SLACK_S * RATE) * SAMPLE_BYTES
        if side == CARLOS:
            pcm = self._resampler.push(pcm) if self._resampler else pcm
            self._fill(CARLOS, now)  # played from now on, or after what is being played
        elif now - len(self._sides[CALLER]) > slack + len(pcm):
            self._fill(CALLER, now - len(pcm))
        self._sides[side].extend(pcm)
        self._fill(1 - side, now - slack)

    def _fill(self, side: int, length: int) -> None:
        missing = length - len(self._sides[side])
        if missing > 0:
            self._sides[side].extend(bytes(missing))

    def _write(self, wav: wave.Wave_write, length: int) -> None:
        stereo = np.empty(length // SAMPLE_BYTES * 2, dtype="<i2")
        for side in (CALLER, CARLOS):
            stereo[side::2] = np.frombuffer(bytes(self._sides[side][:length]), dtype="<i2")
            del self._sides[side][:length]
        self._written += length // SAMPLE_BYTES
        wav.writeframes(stereo.tobytes())
