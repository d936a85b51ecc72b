"""A call's recording: a stereo WAV at 16 kHz, the caller on the left, Carlos on the right, in step with the clock.

The event loop only hands audio over; a thread resamples, aligns and writes. The file is complete after each write,
so a crash leaves what was recorded until then. A pause is silence on both sides, also where it reaches back into what
is written already.
"""

from __future__ import annotations

import threading
import time
import wave
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

import numpy as np
from loguru import logger

from agent.audio.resample import Resampler
from agent.recording_sides import CALLER, CARLOS, RATE, SAMPLE_BYTES, Sides

__all__ = ["RATE", "Recorder"]

PIECE = RATE  # samples: a second at a time
MAX_BACKLOG_CHUNKS = 3000  # chunks of 20 ms: a disk that hangs for a minute
FINISH_S = 2.0  # for what is still to be written when a call ends; a disk that hangs holds no call up
PAUSE = RATE // 50  # samples; a resampler holds a few milliseconds, and less is the sender's unrest
HEADER_BYTES = 44  # of a WAV as `wave` writes it
FRAME_BYTES = 2 * SAMPLE_BYTES

type Clock = Callable[[], float]
type _Step = Callable[[], None]


class Recorder:
    """Records one call to `path`. `caller` and `carlos` take 16-bit mono PCM; they, `pause` and `resume` never wait.
    Times are the clock's. `failed` is True once the file cannot be written."""

    def __init__(self, path: Path, carlos_rate: int, clock: Clock = time.monotonic) -> None:
        self.path = path
        self.failed = False
        self._clock = clock
        self._began = clock()
        self._resampler = Resampler(carlos_rate, RATE) if carlos_rate != RATE else None
        self._steps: SimpleQueue[_Step | None] = SimpleQueue()
        self._lost = 0
        self._kept = True  # False: the file is to be deleted
        self._sides = Sides()
        self._spans: deque[tuple[int, int]] = deque()  # of silence, in samples; those that may still be written
        self._paused_from: int | None = None
        self._thread = threading.Thread(target=self._work, name="recording", daemon=True)
        self._thread.start()

    def caller(self, pcm: bytes) -> None:
        self._put(self._add_caller, pcm)

    def carlos(self, pcm: bytes) -> None:
        self._put(self._add_carlos, pcm)

    def pause(self, since: float) -> None:
        """Silence from `since` on, which may be past, until `resume`."""
        self._steps.put(lambda: self._pause(self._sample(since)))

    def resume(self) -> None:
        at = self._sample(self._clock())
        self._steps.put(lambda: self._resume(at))

    def finish(self) -> bool:
        """Write what is left: call it from a thread. Return False if that is not done in FINISH_S; it goes on."""
        self._steps.put(None)
        self._thread.join(FINISH_S)
        if self._lost:
            logger.warning("the recording lost {} chunks: the disk is too slow", self._lost)
        return not self._thread.is_alive()

    def discard(self) -> bool:
        """Write no more and delete the file: `finish` without keeping anything."""
        self._kept = False
        return self.finish()

    def _sample(self, at: float) -> int:
        return max(0, round((at - self._began) * RATE))

    def _put(self, take: Callable[[int, bytes], None], pcm: bytes) -> None:
        if self._steps.qsize() >= MAX_BACKLOG_CHUNKS:
            self._lost += 1
            return
        at = self._sample(self._clock())
        self._steps.put(lambda: take(at, pcm))

    # On the thread.

    def _work(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("wb") as file, wave.open(file, "wb") as wav:
                wav.setnchannels(2)
                wav.setsampwidth(SAMPLE_BYTES)
                wav.setframerate(RATE)
                self._record(file, wav)
            if not self._kept:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            self.failed = True
            logger.error("the recording has failed: {}", error.strerror)
            while self._steps.get() is not None:
                self._lost += 1

    def _record(self, file: BinaryIO, wav: wave.Wave_write) -> None:
        self._file = file
        while (step := self._steps.get()) is not None:
            if self._kept:
                step()
                if self._sides.ready >= PIECE:
                    self._write(wav, self._sides.ready)
        if self._kept:
            self._end_sound()
            self._write(wav, self._sides.finish())

    def _add_caller(self, at: int, pcm: bytes) -> None:
        self._sides.caller(at, pcm)

    def _add_carlos(self, at: int, pcm: bytes) -> None:
        if at > self._sides.carlos_until + PAUSE:
            self._end_sound()
        self._sides.carlos(at, self._resampler.push(pcm) if self._resampler else pcm)

    def _end_sound(self) -> None:
        """What the resampler holds belongs to the sound before, and not to the beginning of the next one."""
        if self._resampler:
            self._sides.carlos(0, self._resampler.flush())

    def _pause(self, since: int) -> None:
        if self._paused_from is None or since < self._paused_from:
            self._paused_from = since
        written = self._sides.written
        if since < written:
            end = self._file.tell()
            self._file.seek(HEADER_BYTES + since * FRAME_BYTES)
            self._file.write(bytes((written - since) * FRAME_BYTES))
            self._file.flush()
            self._file.seek(end)

    def _resume(self, at: int) -> None:
        if self._paused_from is not None:
            self._spans.append((self._paused_from, at))
            self._paused_from = None

    def _write(self, wav: wave.Wave_write, length: int) -> None:
        """Write so many samples of both sides."""
        start = self._sides.written
        stereo = np.empty((length, 2), dtype="<i2")
        stereo[:, CALLER], stereo[:, CARLOS] = self._sides.take(length)
        for first, last in (*self._spans, (self._paused_from, start + length)):
            if first is not None and last > start:
                stereo[max(0, first - start) : last - start] = 0
        while self._spans and self._spans[0][1] <= start + length:
            self._spans.popleft()
        wav.writeframes(stereo.tobytes())
