"""How much of what callers said is in nothing that was understood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.speech import LINE_RATE, Floats, missing, samples, ulaw_samples

LIKENESS = 0.06  # of two pieces with a fifth of a second of the same noise in them; by chance 0.04


def lost_ms(said: Sequence[bytes], understood: Sequence[bytes]) -> float:
    """Milliseconds of `said` (mu-law) that are in none of `understood` (PCM 16-bit at 16 kHz)."""
    pieces = [samples(pcm)[::2] for pcm in understood]
    return round(1000 * sum(_missing(ulaw_samples(words), pieces) for words in said) / LINE_RATE, 1)


def _missing(words: Floats, pieces: Sequence[Floats]) -> int:
    alike = [piece for piece in pieces if _alike(words, piece)]
    return missing(words, alike) if alike else len(words)


def _alike(one: Floats, other: Floats) -> bool:
    """One of them has a part of the other in it: their correlation has a peak."""
    size = 1 << (len(one) + len(other)).bit_length()
    products = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return bool(np.abs(products).max() >= LIKENESS * np.sqrt((one @ one) * (other @ other)))
