"""Known speech: noise in the telephone band, made sample by sample, and found again sample by sample.

Noise is unlike itself at every other moment, so where a piece of it belongs can be told without a clock, and a
sample that was dropped, doubled or moved cannot hide. It fades in and out, so that no resampler rings at its ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.audio.ulaw import ulaw_decode, ulaw_encode

LINE_RATE = 8000  # Hz; speech is compared at the line's rate
BAND = (300.0, 3000.0)  # Hz, flat in every resampler that is measured
RMS = 5000.0
FADE_S = 0.004
LOUD = 1000  # a chunk whose largest sample is below that is silence
TOLERANCE = 0.2  # of RMS: mu-law's error and a filter's ripple
RUN = 24  # samples in a row that must agree; as many agree by chance once in 10**15
WINDOW = 200  # samples from which a place is found
LIKENESS = 0.8  # correlation of a window with its place

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@cache
def speech(seconds: float, rate: int, seed: int = 1) -> bytes:
    """PCM 16-bit at `rate`; at two rates it is the same sound, whose samples at 8 kHz are every n-th of the other's."""
    return bytes(_waveform(seconds, rate, seed).astype("<i2").tobytes())


@cache
def speech_ulaw(seconds: float, seed: int = 1) -> bytes:
    return ulaw_encode(speech(seconds, LINE_RATE, seed))


def _waveform(seconds: float, rate: int, seed: int) -> Floats:
    count = round(seconds * LINE_RATE)
    frequencies = np.fft.rfftfreq(count, 1 / LINE_RATE)
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(frequencies))
    in_band = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    wave = np.fft.irfft(np.where(in_band, np.exp(1j * angles), 0), round(seconds * rate)) * (rate / LINE_RATE)
    wave *= RMS / np.sqrt(np.mean(wave**2))
    faded = int(FADE_S * rate)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(faded) / faded)
    wave[:faded] *= ramp
    wave[-faded:] *= ramp[::-1]
    return np.clip(wave, -32000, 32000)


def loud(pcm: bytes) -> bool:
    return bool(np.frombuffer(pcm, "<i2").max(initial=0) >= LOUD)


def samples(pcm: bytes) -> Floats:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def ulaw_samples(ulaw: bytes) -> Floats:
    return samples(ulaw_decode(ulaw))


def missing(reference: Floats, heard: Sequence[Floats]) -> int:
    """How many samples of `reference` are in none of the `heard` pieces, wherever in them they are."""
    found = np.zeros(len(reference), dtype=np.bool_)
    for piece in heard:
        if len(piece):
            found |= _agrees(reference, piece, _shift(reference, piece))
    if not found.all():
        for piece in heard:
            found |= _found(reference, piece)
    return int(np.count_nonzero(~found))


def _shift(reference: Floats, heard: Floats) -> int:
    """Where all of `heard` lies best; right for a piece in which nothing is missing."""
    size = 1 << (len(reference) + len(heard)).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size)), size)
    place = int(np.argmax(products))
    return place if place < len(heard) else place - size


def _found(reference: Floats, heard: Floats) -> Mask:
    found = np.zeros(len(reference), dtype=np.bool_)
    for shift in _shifts(reference, heard):
        found |= _agrees(reference, heard, shift)
    return found


def _shifts(reference: Floats, heard: Floats) -> set[int]:
    """Where pieces of `heard` lie in `reference`: one shift for all of it, and another after each gap."""
    size = 1 << (len(reference) + WINDOW).bit_length()
    spectrum = np.fft.rfft(reference, size)
    power = np.convolve(reference**2, np.ones(WINDOW), "valid")
    shifts: set[int] = set()
    for start in range(0, len(heard) - WINDOW + 1, WINDOW // 2):
        window = heard[start : start + WINDOW]
        own = float(window @ window)
        if own < WINDOW * (0.1 * RMS) ** 2:
            continue
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(window, size)), size)[: len(power)]
        likeness = products / np.sqrt(np.maximum(power, 1.0) * own)
        place = int(np.argmax(likeness))
        if likeness[place] >= LIKENESS:
            shifts.add(start - place)
    return shifts


def _agrees(reference: Floats, heard: Floats, shift: int) -> Mask:
    """Which samples of `reference` are in `heard`, `shift` later, as parts of a run that agrees."""
    first, last = max(0, -shift), min(len(reference), len(heard) - shift)
    agrees = np.zeros(len(reference), dtype=np.bool_)
    if last <= first:
        return agrees
    ours, theirs = reference[first:last], heard[first + shift : last + shift]
    close = np.abs(ours - theirs) <= TOLERANCE * RMS + 0.1 * np.abs(ours)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], close.view(np.int8), [0]))))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= RUN:
            agrees[first + begin : first + end] = True
    return agrees
