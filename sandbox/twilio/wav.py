"""Audio files: recordings in, any rate, as 8 kHz mu-law; a call out, as a stereo WAV."""

from __future__ import annotations

import audioop
import io
import wave
from pathlib import Path

import numpy as np
import soundfile
import soxr

from sandbox.twilio.clock import SAMPLE_RATE
from sandbox.twilio.errors import ScriptError
from sandbox.twilio.playout import SILENCE

AUDIBLE = 64  # of 32768, about -54 dBFS: above a filter's ringing and mu-law's idle noise


def read_speech(source: Path | bytes) -> bytes:
    """A WAV of any rate and channel count as 8 kHz mono mu-law. Raises ScriptError naming the file."""
    name = source if isinstance(source, Path) else "the audio"
    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
            if file.format not in {"WAV", "WAVEX"}:
                raise ScriptError(f"{name} is {file.format}, not WAV")
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        raise ScriptError(f"{name} is no WAV that can be read: {error.error_string.rstrip('.')}") from error
    except OSError as error:
        raise ScriptError(f"{name}: {error.strerror}") from error
    mono = soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE)
    pcm = np.clip(mono * 32768, -32768, 32767).astype("<i2")
    return audioop.lin2ulaw(pcm.tobytes(), 2)


def write_stereo(path: Path, left: bytes, right: bytes) -> None:
    """Two mu-law tracks on one clock as a 16-bit WAV, the shorter one padded with silence."""
    length = max(len(left), len(right))
    tracks = np.stack([decode(side.ljust(length, bytes([SILENCE]))) for side in (left, right)], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(tracks.tobytes())


def decode(ulaw: bytes) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Mu-law to 16-bit samples."""
    return np.frombuffer(audioop.ulaw2lin(ulaw, 2), dtype="<i2")


def loudness(ulaw: bytes) -> int:
    """Root mean square of a piece of mu-law, 0..32768."""
    return audioop.rms(audioop.ulaw2lin(ulaw, 2), 2)


def first_sound(ulaw: bytes) -> int | None:
    """The index of the first audible sample, None for silence."""
    audible = np.flatnonzero(np.abs(decode(ulaw).astype(np.int32)) > AUDIBLE)
    return int(audible[0]) if audible.size else None
