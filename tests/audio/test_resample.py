"""The design's numbers, on signals. Levels are dB; SINAD is signal to everything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.audio import Resampler
from agent.audio.pcm import PCM16, pcm16
from agent.audio.resample import filter_for

PAIRS = [(8000, 16000), (24000, 8000), (8000, 24000), (16000, 8000), (24000, 16000), (16000, 24000)]
CALL = PAIRS[:2]  # what a phone call uses


def tone(hz: float, rate: int, seconds: float = 1.0, amplitude: float = 0.8) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return pcm16(amplitude * 32767 * np.sin(2 * np.pi * hz * time))


def convert(pcm: bytes, source: int, target: int, chunk: int = 320) -> bytes:
    resampler = Resampler(source, target)
    pieces = [resampler.push(pcm[at : at + chunk]) for at in range(0, len(pcm), chunk)]
    return b"".join([*pieces, resampler.flush()])


def middle(pcm: bytes) -> NDArray[np.float64]:
    """Without the edges, where the signal starts out of silence."""
    samples = np.frombuffer(pcm, dtype=PCM16).astype(float)
    return samples[400:-400]


def fit(samples: NDArray[np.float64], hz: float, rate: int) -> NDArray[np.float64]:
    """The best sine of `hz` in the samples (least squares)."""
    time = np.arange(len(samples)) / rate
    basis = np.stack([np.sin(2 * np.pi * hz * time), np.cos(2 * np.pi * hz * time)], axis=1)
    return np.asarray(basis @ np.linalg.lstsq(basis, samples, rcond=None)[0])


def db(ratio: float) -> float:
    return float(20 * np.log10(ratio))


def rms(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_tone_of_1_khz_keeps_80_db_of_sinad(source: int, target: int) -> None:
    out = middle(convert(tone(1000, source), source, target))
    best = fit(out, 1000, target)
    assert db(rms(best) / rms(out - best)) >= 80


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_pass_band_is_flat_to_3300_hz(source: int, target: int) -> None:
    for hz in (100, 300, 1000, 2000, 3000, 3300):
        out = middle(convert(tone(hz, source), source, target))
        gain = db(rms(fit(out, hz, target)) / rms(middle(tone(hz, target))))
        assert abs(gain) <= 0.15, hz


@pytest.mark.parametrize("source", [16000, 24000])
def test_a_tone_of_4300_hz_does_not_fold_into_8_khz(source: int) -> None:
    out = middle(convert(tone(4300, source), source, 8000))
    assert db(rms(out) / rms(middle(tone(4300, source)))) <= -60


@pytest.mark.parametrize("hz", [300, 1000, 2000, 3300])
def test_going_up_leaves_no_image_of_speech(hz: int) -> None:
    out = middle(convert(tone(hz, 8000), 8000, 16000))
    assert db(rms(fit(out, 8000 - hz, 16000)) / rms(out)) <= -60


@pytest.mark.parametrize(("source", "target"), CALL)
def test_the_output_is_aligned_with_the_input(source: int, target: int) -> None:
    out = middle(convert(tone(1000, source), source, target))
    expected = middle(tone(1000, target))
    assert np.max(np.abs(out - expected)) <= 4


@pytest.mark.parametrize(("source", "target"), CALL)
def test_no_more_than_3_ms_is_held_between_pushes(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    frame = source // 50  # 20 ms
    made = sum(len(resampler.push(bytes(2 * frame))) // 2 for _ in range(10))
    assert 0 < 0.2 - made / target <= 0.003
    assert resampler.delay_s <= 0.003


@pytest.mark.parametrize(("source", "target"), PAIRS)
@given(samples=st.integers(0, 700), chunk=st.integers(1, 900))
def test_the_length_is_exact_after_a_flush(source: int, target: int, samples: int, chunk: int) -> None:
    out = convert(bytes(2 * samples), source, target, chunk)
    assert len(out) // 2 == (2 * samples * target + source) // (2 * source)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@given(cuts=st.lists(st.integers(0, 2400), max_size=12))
def test_any_chunks_give_the_same_bits(source: int, target: int, cuts: list[int]) -> None:
    pcm = pcm16(np.random.default_rng(7).normal(0, 12000, 1200))
    edges = [0, *sorted(cuts), len(pcm)]
    resampler = Resampler(source, target)
    pieces = [resampler.push(pcm[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    assert b"".join([*pieces, resampler.flush()]) == convert(pcm, source, target, len(pcm))


def test_a_full_scale_square_wave_is_clipped_and_does_not_wrap() -> None:
    square = pcm16(np.where(np.arange(2400) % 48 < 24, 32767, -32768))
    out = np.frombuffer(convert(square, 24000, 8000), dtype=PCM16)
    assert out.max() == 32767
    assert out.min() == -32768
    assert np.all(out[4:7] > 20000), "an overshoot that wraps would turn negative"


def test_a_constant_stays_that_constant() -> None:
    out = middle(convert(pcm16(np.full(24000, 12345)), 24000, 8000))
    assert np.all(out == 12345)


def test_a_flush_starts_a_new_stream() -> None:
    resampler = Resampler(24000, 8000)
    loud = tone(500, 24000, 0.1)
    first = resampler.push(loud) + resampler.flush()
    second = resampler.push(loud) + resampler.flush()
    assert first == second
    assert resampler.flush() == b""


def test_a_reset_drops_what_was_held() -> None:
    resampler = Resampler(8000, 16000)
    resampler.push(tone(500, 8000, 0.1) + b"\x01")
    resampler.reset()
    assert resampler.push(bytes(320)) + resampler.flush() == bytes(640)


def test_an_odd_byte_waits_for_its_other_half() -> None:
    pcm = tone(700, 8000, 0.1)
    resampler = Resampler(8000, 16000)
    out = resampler.push(pcm[:321]) + resampler.push(pcm[321:322]) + resampler.push(pcm[322:]) + resampler.flush()
    assert out == convert(pcm, 8000, 16000)


def test_the_taps_are_made_once_a_process() -> None:
    assert Resampler(24000, 8000)._filter is Resampler(24000, 8000)._filter is filter_for(24000, 8000)


@pytest.mark.parametrize("rates", [(8000, 8000), (0, 8000), (8000, -1)])
def test_senseless_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="two different positive rates"):
        Resampler(*rates)
