"""Sound work of the renderer: trimming, loudness, pitch and the telephone's band. Mono float samples in -1..1."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

Audio = NDArray[np.float32]

_QUIET_DB = -42.0  # below the loudest 20 ms: silence
_WINDOW_S = 0.02
_PHONE_BAND = (300.0, 3400.0)


def trimmed(audio: Audio, rate: int, margin_s: float) -> Audio:
    """Cut the silence at both ends and put `margin_s` of digital silence there instead."""
    loud = np.flatnonzero(_levels(audio, rate) > _QUIET_DB)
    window = int(_WINDOW_S * rate)
    first, last = max(0, (loud[0] - 1) * window), min(len(audio), (loud[-1] + 2) * window)
    margin = np.zeros(int(margin_s * rate), dtype=np.float32)
    return np.concatenate([margin, _faded(audio[first:last], rate), margin])


def levelled(audio: Audio, rate: int, dbfs: float) -> Audio:
    """Scale the spoken parts to a root mean square of `dbfs`; peaks are held below full scale."""
    window = int(_WINDOW_S * rate)
    frames = audio[: len(audio) // window * window].reshape(-1, window)
    spoken = frames[_levels(audio, rate)[: len(frames)] > -25.0]
    gain = 10 ** (dbfs / 20) / float(np.sqrt(np.mean(spoken**2)))
    return np.asarray(np.clip(audio * gain, -0.98, 0.98), dtype=np.float32)


def repitched(audio: Audio, rate: int, pitch: float) -> Audio:
    """Play it `pitch` times as fast: another voice's pitch and size, and shorter by as much."""
    return audio if pitch == 1.0 else np.asarray(soxr.resample(audio, rate * pitch, rate), dtype=np.float32)


def noisy(audio: Audio, snr_db: float, random: np.random.Generator) -> Audio:
    """The same with pink noise, as of a street or a room, `snr_db` below the sound's own power."""
    spectrum = np.fft.rfft(random.standard_normal(len(audio)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0)), len(audio))
    gain = np.sqrt(np.mean(audio**2) / np.mean(pink**2)) * 10 ** (-snr_db / 20)
    return np.asarray(audio + gain * pink, dtype=np.float32)


def telephone(audio: Audio, rate: int, target: int = 8_000) -> Audio:
    """The band of a phone line, 300 to 3400 Hz, at `target` Hz."""
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(len(audio), 1 / rate)
    rise = np.clip((hz - _PHONE_BAND[0] + 100) / 100, 0, 1)
    fall = np.clip((_PHONE_BAND[1] + 200 - hz) / 200, 0, 1)
    narrow = np.fft.irfft(spectrum * rise * fall, len(audio)).astype(np.float32)
    return np.asarray(soxr.resample(narrow, rate, target), dtype=np.float32)


def _levels(audio: Audio, rate: int) -> NDArray[np.float64]:
    """dB below the loudest window, one figure every 20 ms."""
    window = int(_WINDOW_S * rate)
    frames = np.pad(audio, (0, -len(audio) % window)).reshape(-1, window)
    power = np.maximum(np.mean(frames.astype(np.float64) ** 2, axis=1), 1e-12)
    return np.asarray(10 * np.log10(power / power.max()))


def _faded(audio: Audio, rate: int) -> Audio:
    ramp = np.linspace(0.0, 1.0, int(0.005 * rate), dtype=np.float32)
    shaped = audio.copy()
    shaped[: len(ramp)] *= ramp
    shaped[-len(ramp) :] *= ramp[::-1]
    return shaped
