"""PCM 16-bit little-endian mono, as bytes and as numpy samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_BYTES = 2
PCM16 = np.dtype("<i2")

Samples = NDArray[np.int16]


def samples(pcm: bytes) -> Samples:
    """Return a read-only view of PCM as samples, without a copy. Raise ValueError for an odd byte count."""
    return np.frombuffer(pcm, dtype=PCM16)


def pcm16(values: NDArray[np.floating] | NDArray[np.integer]) -> bytes:
    """Round to the nearest sample value, clip to 16 bits and pack.

    Examples: 1.6 becomes 2, 40000.0 becomes 32767.
    """
    return np.clip(np.rint(values), -32768, 32767).astype(PCM16).tobytes()


def duration_ms(pcm: bytes, rate: int) -> float:
    """Return how long `pcm` sounds at `rate` Hz, in milliseconds."""
    return len(pcm) / SAMPLE_BYTES / rate * 1000
