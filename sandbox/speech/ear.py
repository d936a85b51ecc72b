"""Finds a caller's speech, sample by sample: the same sound makes the same utterance, wherever it lies in the stream.

Silero judges windows of 32 ms. Were they counted from the stream's start, a sound would be cut in one of 512 ways
by when it began, and Whisper would read each a little differently. So quiet is skipped while nobody speaks, and
windows are counted from the first sample of a sound; the utterance's edges are counted in windows from there.

A pause ends the turn; the model's last voiced window lies within 250 ms of the true end on telephone audio (measured,
p95). An utterance is complete 160 ms into that pause, whatever becomes of it: who listens is given it there already,
and may have understood it by the time it is known that nothing follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sandbox.brain import SpeechEnded, SpeechStarted
from sandbox.speech.silero import RATES, Silero

PAUSE_MS = {"HIGH": 500, "MEDIUM": 600, "LOW": 800}
"""How long a pause ends a turn, by the session's endpointing sensitivity."""

_QUIET = 64  # of 32768, about -54 dBFS: above a filter's ringing and mu-law's idle noise
_SPEECH = 0.5
_SILENCE = 0.35
_MIN_SPEECH_MS = 150
_MIN_GAP_MS = 100  # between the first windows of an utterance; a longer gap makes them a click
_PRE_ROLL_MS = 300
_POST_ROLL_MS = 160
_LONGEST_MS = 28_000  # Whisper reads 29 s at most
_REFRESH_MS = 2_000  # long non-speech dulls the model's memory for the speech that follows


class SileroEar:
    """An `Ear` for one session at 8 or 16 kHz. Endpointing: HIGH, MEDIUM (default) or LOW.

    `on_pause` is given what `SpeechEnded` will hold if the caller says no more (PCM, rate in Hz), once a pause.

    quiet ──a sound──▶ sound ──150 ms of voice──▶ speaking ──the pause──▶ sound
      ▲                  │
      └──a quiet window──┘
    """

    def __init__(
        self,
        rate: int = 16_000,
        endpointing: str | None = None,
        on_pause: Callable[[bytes, int], None] = lambda pcm, rate: None,
    ) -> None:
        self._on_pause = on_pause
        self.tune(rate, endpointing)

    def tune(self, rate: int, endpointing: str | None) -> None:
        """Begin anew at another rate or pause; raises ValueError for a rate that Silero does not know."""
        if rate not in RATES:
            raise ValueError(f"the local ear hears 8000 or 16000 Hz, not {rate}")
        self._rate = rate
        self._pause = self._samples(PAUSE_MS.get(endpointing or "MEDIUM", PAUSE_MS["MEDIUM"]))
        self._model = Silero(rate)
        self._waiting = bytearray()  # not judged yet, from `_now` on
        self._now = 0  # samples, as all that follows
        self._first_voice = 0
        self._last_voice = 0
        self._voiced = 0
        self._speaking = False
        self._quiet = True  # since the last sound, and for a window at least
        self._fall_quiet()

    def feed(self, pcm: bytes) -> Sequence[SpeechStarted | SpeechEnded]:
        """See `Ear.feed`; offsets are exact to a window of 32 ms."""
        self._waiting += pcm
        events = []
        while (window := self._next_window()) is not None:
            if (event := self._judge(window)) is not None:
                events.append(event)
        return events

    def _next_window(self) -> bytes | None:
        if not self._voiced:
            self._skip_quiet()
        size = 2 * self._model.window
        if len(self._waiting) < size:
            return None
        window = bytes(self._waiting[:size])
        del self._waiting[:size]
        return window

    def _skip_quiet(self) -> None:
        """Go to the next sound when nothing is heard for a window, and on from there."""
        samples = np.frombuffer(bytes(self._waiting), dtype="<i2", count=len(self._waiting) // 2)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) >= _QUIET)
        quiet = int(loud[0]) if loud.size else len(samples)
        if self._quiet or quiet >= self._model.window:
            del self._waiting[: 2 * quiet]
            self._now += quiet
            self._fall_quiet()
        self._quiet = self._quiet and not loud.size

    def _fall_quiet(self) -> None:
        self._quiet = True
        self._kept = bytearray(2 * self._samples(_PRE_ROLL_MS))  # audio from `_kept_from` on
        self._kept_from = self._now - self._samples(_PRE_ROLL_MS)
        self._forget()

    def _judge(self, pcm: bytes) -> SpeechStarted | SpeechEnded | None:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        probability = self._model.probability(samples)
        self._kept += pcm
        self._now += self._model.window
        if self._speaking:
            return self._in_speech(probability >= _SILENCE)
        return self._in_sound(probability >= _SPEECH)

    def _in_sound(self, voiced: bool) -> SpeechStarted | None:
        if voiced:
            self._hear_voice()
            if self._voiced >= self._samples(_MIN_SPEECH_MS):
                self._speaking = True
                return SpeechStarted(self._ms(self._first_voice))
        elif self._now - self._last_voice > self._samples(_MIN_GAP_MS) or not self._voiced:
            self._voiced = 0
            self._drop_before(self._now - self._samples(_PRE_ROLL_MS))
            if self._now - self._refreshed >= self._samples(_REFRESH_MS):
                self._forget()
        return None

    def _in_speech(self, voiced: bool) -> SpeechEnded | None:
        if voiced:
            self._last_voice = self._now
        quiet = self._now - self._last_voice
        if quiet >= self._pause or self._now - self._first_voice >= self._samples(_LONGEST_MS):
            return self._end_speech()
        if quiet - self._model.window < self._samples(_POST_ROLL_MS) <= quiet:
            self._on_pause(self._utterance(), self._rate)
        return None

    def _hear_voice(self) -> None:
        if not self._voiced:
            self._first_voice = self._now - self._model.window
        self._voiced += self._model.window
        self._last_voice = self._now

    def _end_speech(self) -> SpeechEnded:
        audio = self._utterance()
        self._drop_before(self._now - self._samples(_PRE_ROLL_MS))
        self._speaking, self._voiced = False, 0
        self._forget()
        return SpeechEnded(self._ms(self._last_voice), self._ms(self._now), audio)

    def _utterance(self) -> bytes:
        end = min(self._now, self._last_voice + self._samples(_POST_ROLL_MS))
        return bytes(self._kept[: 2 * (end - self._kept_from)])

    def _forget(self) -> None:
        self._model.forget()
        self._refreshed = self._now

    def _drop_before(self, offset: int) -> None:
        surplus = offset - self._kept_from
        if surplus > 0:
            del self._kept[: 2 * surplus]
            self._kept_from = offset

    def _samples(self, milliseconds: int) -> int:
        return milliseconds * self._rate // 1000

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._rate
