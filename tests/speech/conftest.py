"""The recogniser, loaded once for each worker, and audio made of the recorded callers."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from sandbox.speech.errors import WeightsMissing
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer

CALLERS = Path(__file__).parents[2] / "sandbox" / "callers"


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    try:
        weights = load_weights()
    except WeightsMissing as missing:
        pytest.skip(f"SPEECH NOT TESTED: {missing}")
    return Recognizer(weights)


@pytest.fixture(scope="session")
def spoken_dni() -> bytes:
    """5.8 s of speech without a pause of half a second: PCM 16-bit mono, 8 kHz."""
    samples, _ = soundfile.read(CALLERS / "order-status-dni" / "02.wav", dtype="int16")
    return bytes(samples.tobytes())
