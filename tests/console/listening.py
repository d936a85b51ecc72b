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
TAP = f"""(() => {{
  const {{ sound }} = carlos.session;
  const rate = sound.context.sampleRate;
  window.tapped = [];
  window.sounded = 0;
  sound.addEventListener("tapped", ({{ detail }}) => {{
    window.tapped.push(detail.samples);
    window.sounded += detail.samples.filter((sample) => Math.abs(sample) > {AUDIBLE}).length / rate;
  }});
  sound.tap();
  return rate;
}})()"""
# What the page gets for a microphone: silence, and what `speak` is given when it is given it.
MICROPHONE = f"""(() => {{
  const context = new AudioContext({{ sampleRate: {MICROPHONE_RATE} }});
  const microphone = context.createMediaStreamDestination();
  navigator.mediaDevices.getUserMedia = async () => {{
    await context.resume();
    return microphone.stream;
  }};
  window.speak = (base64) => new Promise((spoken) => {{
    const samples = new Int16Array(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)).buffer);
    const buffer = context.createBuffer(1, samples.length, {MICROPHONE_RATE});
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const source = new AudioBufferSourceNode(context, {{ buffer }});
    source.onended = spoken;
    source.connect(microphone);
    source.start();
  }}).then(() => null);
}})()"""
COLLECT = """(() => {
  const samples = window.tapped.flatMap((piece) => [...piece].map((sample) => sample * 32767));
  const bytes = new Uint8Array(new Int16Array(samples).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
})()"""


def silent_device(path: Path) -> list[str]:
    """Chromium's flags for a microphone that hears nothing; its own beeps."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_RATE)
        file.writeframes(bytes(2 * MICROPHONE_RATE))
    return ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}%noloop"]


class Microphone:
    """The person at a page, who speaks when the test says so: a recording that runs by the clock is early or late."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @classmethod
    async def of(cls, page: Page) -> Microphone:
        """Plug it in, before the page opens one."""
        await page.js(MICROPHONE)
        return cls(page)

    async def say(self, speech: bytes) -> None:
        """Say this, which is 8 kHz mu-law, to its end."""
        pcm = soxr.resample(decode(speech).astype(np.float32), 8000, MICROPHONE_RATE)
        samples = np.clip(pcm, -32768, 32767).astype("<i2").tobytes()
        await self._page.js(f"speak({base64.b64encode(samples).decode()!r})")


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

    async def sounded(self, seconds: float) -> None:
        """Wait until there was so much sound, gaps left out."""
        await self._page.until(f"window.sounded > {seconds}")

    async def tones(self, pitches: Iterable[float]) -> list[Tone]:
        """What sounded, in order. Each window is of the nearest of these pitches; its sound is counted by half a
        millisecond: at each place where the page had nothing to play, no more than that is counted too much."""
        pcm = np.frombuffer(base64.b64decode(await self._page.js(COLLECT)), dtype="<i2") / 32768
        choice = np.array(sorted(pitches))
        heard: list[Tone] = []
        short = 0.0
        for window in np.array_split(pcm, max(1, len(pcm) // (self._rate // 20))):
            step = self._rate // 2000
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
