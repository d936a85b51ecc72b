"""Where speech that was cut can be taken up again."""

from __future__ import annotations

import numpy as np

BACK_S = 1.0  # so much of what was heard is said again at most
_STEP_S = 0.02
_SAMPLE = 2  # bytes


def last_pause(pcm: bytes, at: int, rate: int) -> int:
    """Return where to go on in `pcm`, 16-bit mono at `rate` Hz, which was cut at byte `at`: in the middle of the
    quietest 40 ms of the second before, a pause between two words; 0 where less than a second was heard."""
    step = int(rate * _STEP_S)
    steps = round(BACK_S / _STEP_S)
    first = at // _SAMPLE - steps * step
    if first <= 0:
        return 0
    samples = np.frombuffer(pcm, dtype="<i2", count=steps * step, offset=first * _SAMPLE).astype(np.float64)
    energy = (samples * samples).reshape(steps, step).sum(axis=1)
    pairs = energy[:-1] + energy[1:]
    quietest = len(pairs) - 1 - int(pairs[::-1].argmin())  # the last one of several
    return (first + (quietest + 1) * step) * _SAMPLE
