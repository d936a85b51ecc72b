from __future__ import annotations

import numpy as np
import pytest

from sandbox.speech.mel import BANDS, RATE, log_mel


@pytest.mark.parametrize(("hz", "band"), [(200, 4), (1000, 25), (3000, 53)])
def test_a_tone_is_loudest_in_its_own_band(hz: int, band: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
    features = log_mel(tone.astype(np.float32))
    assert features.shape == (BANDS, 100)
    assert abs(int(features[:, 50].argmax()) - band) <= 1


def test_the_floor_lies_two_units_below_the_loudest() -> None:
    """Eight decades, in Whisper's units of four."""
    tone = np.zeros(RATE, dtype=np.float32)
    tone[:4000] = np.sin(np.arange(4000) / 3)
    features = log_mel(tone)
    assert features.max() - features.min() == pytest.approx(2.0)
