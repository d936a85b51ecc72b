"""A recorded caller as the browser's microphone, and what reached its speakers."""

from __future__ import annotations

import base64
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from sandbox.twilio.wav import decode
from tests.console.chromium import Page

MICROPHONE_RATE = 48000
AUDIBLE = 0.01
SHORT_S = 0.02  # too short for its pitch to be told: counted with what follows
TAP = """(() => {
  const { sound } = carlos.session;
  window.tapped = [];
  sound.addEventListener("tapped", ({ detail }) => window.tapped.push(detail.samples));
  sound.tap();
  return sound.context.sampleRate;
})()"""
COLLECT = """(() => {
  const samples = window.tapped.flatMap((piece) => [...piece].map((sample) => sample * 32767));
  const bytes = new Uint8Array(new Int16Array(samples).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
})()"""


def microphone(path: Path, *parts: bytes | float) -> list[str]:
    """Chromium's flags for a microphone that says these: mu-law speech, or seconds of silence."""
    pieces = [decode(part) if isinstance(part, bytes) else np.zeros(int(part * 8000), "<i2") for part in parts]
    speech = soxr.resample(np.concatenate(pieces).astype(np.float32), 8000, MICROPHONE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_RATE)
        file.writeframes(np.clip(speech, -32768, 32767).astype("<i2").tobytes())
    return ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}%noloop"]


@dataclass(frozen=True, slots=True)
class Tone:
    """Sound of one pitch, and how long it sounded: gaps are left out."""

    hertz: float
    seconds: float


class Speakers:
    """Everything that one conversation sent to them, from now on."""

    def __init__(self, page: Page, rate: int) -> None:
        self._page = page
        self._rate = rate

    @classmethod
    async def of(cls, page: Page) -> Speakers:
        await page.until("carlos.session?.sound")
        return cls(page, int(await page.js(TAP)))

    async def tones(self, pitches: Iterable[float]) -> list[Tone]:
        """What sounded, in order. Each window is of the nearest of these pitches; its sound is counted by 5 ms."""
        pcm = np.frombuffer(base64.b64decode(await self._page.js(COLLECT)), dtype="<i2") / 32768
        choice = np.array(sorted(pitches))
        heard: list[Tone] = []
        short = 0.0
        for window in np.array_split(pcm, max(1, len(pcm) // (self._rate // 20))):
            step = self._rate // 200
            loud = np.abs(window[: len(window) // step * step].reshape(-1, step)).max(axis=1, initial=0) > AUDIBLE
            seconds = float(loud.sum()) * step / self._rate
            if seconds < SHORT_S:
                short += seconds
                continue
            hertz = float(choice[np.argmin(np.abs(choice - self._pitch(window)))])
            if heard and heard[-1].hertz == hertz:
                seconds += heard.pop().seconds
            heard.append(Tone(hertz, seconds + short))
            short = 0.0
        return heard

    def _pitch(self, window: NDArray[np.float64]) -> float:
        spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)), 8 * len(window)))
        return float(np.argmax(spectrum)) * self._rate / (8 * len(window))
