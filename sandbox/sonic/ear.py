"""An ear for tests: loud is speech, quiet is silence. No model, and exact to 20 ms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sandbox.brain import SpeechEnded, SpeechStarted

LOUD = 500.0  # RMS of 16-bit samples
MIN_SPEECH_MS = 150
FRAME_MS = 20

# Recorded live by third parties, 400 to 600 ms; AWS's page says 1.5 to 2 s.
PAUSE_MS = {"HIGH": 400, "MEDIUM": 500, "LOW": 600}


class EnergyEar:
    def __init__(self, rate: int = 16000, endpointing: str | None = None) -> None:
        self.tune(rate, endpointing)

    def tune(self, rate: int, endpointing: str | None) -> None:
        """Begin anew at this rate and with this patience."""
        self._frame_bytes = rate * 2 * FRAME_MS // 1000
        self._pause_ms = PAUSE_MS[endpointing or "MEDIUM"]
        self._buffer = bytearray()
        self._now_ms = 0
        self._began_ms: int | None = None  # of the loud stretch
        self._last_loud_ms = 0
        self._speaking = False
        self._speech = bytearray()

    def feed(self, pcm: bytes) -> Sequence[SpeechStarted | SpeechEnded]:
        self._buffer += pcm
        found: list[SpeechStarted | SpeechEnded] = []
        while len(self._buffer) >= self._frame_bytes:
            frame = bytes(self._buffer[: self._frame_bytes])
            del self._buffer[: self._frame_bytes]
            if (event := self._frame(frame)) is not None:
                found.append(event)
        return found

    def _frame(self, frame: bytes) -> SpeechStarted | SpeechEnded | None:
        start, self._now_ms = self._now_ms, self._now_ms + FRAME_MS
        if _rms(frame) > LOUD:
            self._last_loud_ms = self._now_ms
            if self._began_ms is None:
                self._began_ms = start
        if self._began_ms is None:
            return None
        self._speech += frame
        return self._judge(self._began_ms)

    def _judge(self, began_ms: int) -> SpeechStarted | SpeechEnded | None:
        quiet_ms = self._now_ms - self._last_loud_ms
        if self._speaking:
            return self._end() if quiet_ms >= self._pause_ms else None
        if self._now_ms - began_ms >= MIN_SPEECH_MS and not quiet_ms:
            self._speaking = True
            return SpeechStarted(began_ms)
        if quiet_ms >= MIN_SPEECH_MS:
            self._forget()
        return None

    def _end(self) -> SpeechEnded:
        speech = bytes(self._speech)
        self._forget()
        return SpeechEnded(self._last_loud_ms, self._now_ms, speech)

    def _forget(self) -> None:
        self._began_ms, self._speaking = None, False
        self._speech.clear()


def _rms(frame: bytes) -> float:
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples * samples)))
