"""Streaming sample-rate conversion by a polyphase FIR filter.

Block resamplers hold 18 to 150 ms of speech back between pushes (measured on soxr VHQ, the usual choice) and
lose what they hold when they are cleared (pipecat #5769). This one keeps half the filter's length, 2 to 3 ms,
and gives all of it back on `flush`.

Converting by L/M means: insert L-1 zeros after each input sample, low-pass at L times the source rate, keep
every M-th sample. Only the products that are not with a zero and not thrown away are computed: each M input
samples make L output samples, so one push is one product of overlapping input windows with a (window x L)
matrix.

Coefficients are whole multiples of 2**-30, and double precision holds every partial sum exactly (16-bit samples,
30-bit coefficients, sums below 2**53 units). So the order in which BLAS adds does not matter, and the output is
bit-identical for any chunk sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from agent.audio.pcm import PCM16, SAMPLE_BYTES

Floats = NDArray[np.float64]

SCALE = 2.0**30  # coefficients are whole in units of its inverse
LOWEST, HIGHEST = np.float64(-32768), np.float64(32767)
BLOCKS = 16  # computed at once where a push makes a multiple of them: wider rows, half the time
WORK_SAMPLES = 2560  # room for an 80 ms push at 24 kHz; grows with the largest push seen


@dataclass(frozen=True, slots=True)
class Filter:
    """One conversion's coefficients, shared by every resampler of the process.

    `matrix` has one row for each input sample of a window and one column for each output sample of a block.
    `wide` makes BLOCKS blocks from one longer window, with the same products. `before` is how many samples of a
    window precede its block's first: silence, at the start of a stream.
    """

    up: int  # L
    down: int  # M
    delay_s: float
    matrix: Floats
    wide: Floats
    before: int


def low_pass(source_hz: int, target_hz: int, up: int) -> Floats:
    """Design the Kaiser-windowed sinc at `up` times the source rate, with a gain of `up`; odd length.

    Going up, images of speech begin above the source's Nyquist frequency, so the edge may lie there and the
    filter can be short. Going down, 4.3 kHz folds to 3.7 kHz at 8 kHz: the edge is lower, the filter longer.
    """
    lower = min(source_hz, target_hz)
    half_periods, edge, beta = (15.5, 0.494, 8.0) if target_hz > source_hz else (21, 0.4725, 8.5)
    rate = source_hz * up
    half = int(half_periods * rate / lower)
    n = np.arange(-half, half + 1)
    width = 2 * edge * lower / rate
    taps: Floats = np.sinc(width * n) * width * up * np.kaiser(2 * half + 1, beta)
    return taps


@cache
def filter_for(source_hz: int, target_hz: int) -> Filter:
    """Lay the taps out as a matrix; made once a process for each pair of rates."""
    common = gcd(source_hz, target_hz)
    up, down = target_hz // common, source_hz // common
    taps = np.rint(low_pass(source_hz, target_hz, up) * SCALE) / SCALE
    centre = len(taps) // 2
    before = centre // up
    window = before + ((up - 1) * down + centre) // up + 1
    matrix = np.zeros((window, up))
    for row in range(window):
        for column in range(up):
            tap = centre + column * down - (row - before) * up
            if 0 <= tap < len(taps):
                matrix[row, column] = taps[tap]
    return Filter(up, down, centre / (up * source_hz), matrix, _widened(matrix, down), before)


def _widened(matrix: Floats, down: int) -> Floats:
    """The matrix BLOCKS times, each `down` rows below the one before."""
    window, up = matrix.shape
    wide = np.zeros((window + (BLOCKS - 1) * down, up * BLOCKS))
    for block in range(BLOCKS):
        wide[block * down : block * down + window, block * up : (block + 1) * up] = matrix
    return wide


class Resampler:
    """Converts one stream of PCM 16-bit mono from `source_hz` to `target_hz`, such as 8000 to 16000.

    Output sample k is the input at k / target_hz: the filter's delay is taken off at the start and given back
    by `flush`. One object for each direction of a call; not safe for use by two threads.
    """

    def __init__(self, source_hz: int, target_hz: int) -> None:
        if source_hz <= 0 or target_hz <= 0 or source_hz == target_hz:
            raise ValueError(f"expected two different positive rates, got {source_hz} and {target_hz}")
        self._filter = filter_for(source_hz, target_hz)
        self._work = np.zeros(WORK_SAMPLES)
        self.reset()

    @property
    def delay_s(self) -> float:
        """How much audio the filter looks ahead: what is held back between pushes."""
        return self._filter.delay_s

    def reset(self) -> None:
        """Forget everything held: the next push starts a new stream."""
        self._held = self._filter.before
        self._work[: self._held] = 0
        self._odd_byte = b""
        self._samples_in = 0
        self._samples_out = 0

    def push(self, pcm: bytes) -> bytes:
        """Take any number of bytes, return what can be computed so far; an odd byte waits for the next."""
        if self._odd_byte:
            pcm, self._odd_byte = self._odd_byte + pcm, b""
        if len(pcm) % SAMPLE_BYTES:
            pcm, self._odd_byte = pcm[:-1], pcm[-1:]
        samples = np.frombuffer(pcm, dtype=PCM16)
        self._samples_in += len(samples)
        self._append(samples)
        return self._drain()

    def flush(self) -> bytes:
        """Return the tail and reset. In all, out = in * target / source samples, rounded to the nearest."""
        up, down = self._filter.up, self._filter.down
        total = (2 * self._samples_in * up + down) // (2 * down)
        missing = total - self._samples_out
        blocks = -(-missing // up)
        self._append(np.zeros(self._filter.matrix.shape[0] + blocks * down, dtype=PCM16))
        tail = self._drain()[: missing * SAMPLE_BYTES]
        self.reset()
        return tail

    def _append(self, samples: NDArray[np.int16]) -> None:
        end = self._held + len(samples)
        if end > len(self._work):
            self._work = np.concatenate((self._work[: self._held], np.zeros(2 * end - self._held)))
        self._work[self._held : end] = samples
        self._held = end

    def _drain(self) -> bytes:
        """Compute every whole block, then move the samples still needed to the front."""
        window, up = self._filter.matrix.shape
        blocks = (self._held - window) // self._filter.down + 1
        if blocks <= 0:
            return b""
        consumed = blocks * self._filter.down
        matrix, step = self._filter.matrix, self._filter.down
        if blocks % BLOCKS == 0:
            matrix, step = self._filter.wide, step * BLOCKS
        # np.dot copies overlapping windows into BLAS; `@` would fall back to a loop three times as slow.
        shape = (consumed // step, len(matrix))
        windows: Floats = np.ndarray(shape, buffer=self._work, strides=(8 * step, 8))
        out: Floats = np.dot(windows, matrix)
        np.rint(out, out=out)
        np.minimum(out, HIGHEST, out=out)
        np.maximum(out, LOWEST, out=out)
        self._held -= consumed
        self._work[: self._held] = self._work[consumed : consumed + self._held]
        self._samples_out += blocks * up
        return out.astype(PCM16).tobytes()
