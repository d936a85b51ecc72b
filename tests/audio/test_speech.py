"""Where words end, on lines with noise, echo, clicks, and people who speak softly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.audio.speech import FRAME_S, NOISE_REACH_S, NOISE_SHARE, Levels, levels, noise, runs, utterances
from tests.bench.test_bench_counts import Counted

RATE = 8000


def sound(seconds: float, rms: float, seed: int = 5) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, rms, round(seconds * RATE))


def silence(seconds: float) -> NDArray[np.float64]:
    return np.zeros(round(seconds * RATE))


def measured(*parts: NDArray[np.float64]) -> Levels:
    return levels(np.clip(np.concatenate(parts), -32768, 32767).astype("<i2"), RATE)


def said(heard: Levels, played: Levels | None = None) -> list[float]:
    """Where each utterance starts and ends, in seconds."""
    found = utterances(heard, np.zeros_like(heard) if played is None else played)
    return [position * FRAME_S for each in found for position in each]


@pytest.mark.parametrize("noise_rms", [0, 20, 200])
@pytest.mark.parametrize("voice_rms", [600, 6000])
def test_words_end_where_they_end_on_a_quiet_line_and_on_a_noisy_one(voice_rms: float, noise_rms: float) -> None:
    words = (silence(2.0), sound(1.0, voice_rms), silence(2.0), sound(0.5, voice_rms), silence(1.0))
    line = measured(np.concatenate(words) + sound(6.5, noise_rms, seed=9))
    assert said(line) == pytest.approx([2.0, 3.0, 5.0, 5.5], abs=0.02)


def test_nobody_speaks_on_a_line_that_only_hisses() -> None:
    assert said(measured(sound(10.0, 400))) == []
    assert said(measured(silence(3.0))) == []
    assert said(np.zeros(0, dtype=np.float32)) == []


def test_noise_that_grows_in_mid_call_is_noise_soon_after() -> None:
    """Somebody steps out into the street."""
    line = measured(sound(10, 20), sound(10, 300), sound(1, 5000), sound(2, 300))
    assert [at for at in said(line) if at > 10 + 4] == pytest.approx([20.0, 21.0], abs=0.02)


def test_an_offset_and_a_rumble_below_speech_are_no_sound() -> None:
    at = np.arange(4 * RATE) / RATE
    rumble = 2000 + 300 * np.sin(2 * np.pi * 8 * at)
    rumble[RATE : 2 * RATE] += sound(1.0, 2000)
    assert said(measured(rumble)) == pytest.approx([1.0, 2.0], abs=0.02)


def test_a_click_is_no_word_and_does_not_make_one_longer() -> None:
    line = measured(sound(1.0, 5), sound(0.8, 3000), sound(0.4, 5), sound(0.03, 9000), sound(1.0, 5))
    assert said(line) == pytest.approx([1.0, 1.8], abs=0.02)


def test_the_breath_after_a_word_is_no_part_of_it() -> None:
    line = measured(silence(1.0), sound(0.8, 4000), sound(0.5, 120), silence(1.0))  # 30 dB below
    assert said(line) == pytest.approx([1.0, 1.8], abs=0.02)


def test_silent_consonants_do_not_end_an_utterance() -> None:
    line = measured(silence(1.0), sound(0.3, 3000), silence(0.15), sound(0.3, 3000), silence(1.0))
    assert said(line) == pytest.approx([1.0, 1.75], abs=0.02)


@pytest.mark.parametrize("late_s", [0.02, 0.25, 0.5])
@pytest.mark.parametrize("share", [0.02, 0.1])
def test_an_echo_of_carlos_is_no_word_and_a_voice_behind_it_is(share: float, late_s: float) -> None:
    carlos = np.concatenate([np.tile(np.concatenate((sound(0.3, 6000), sound(0.1, 800))), 8), silence(3.0)])
    back = np.concatenate((silence(late_s), carlos * share))[: len(carlos)]
    back += sound(len(back) / RATE, 5, seed=2)
    back[round(4.2 * RATE) : round(4.9 * RATE)] += sound(0.7, 2500, seed=3)
    assert said(measured(back), measured(carlos)) == pytest.approx([4.2, 4.9], abs=0.02)


def test_who_speaks_over_carlos_is_heard_though_his_line_echoes() -> None:
    carlos = np.concatenate((sound(4.0, 4000), silence(2.0)))
    back = carlos * 0.05 + sound(6.0, 5, seed=2)
    back[round(3.5 * RATE) : round(4.5 * RATE)] += sound(1.0, 2500, seed=3)
    assert said(measured(back), measured(carlos)) == pytest.approx([3.5, 4.5], abs=0.02)


def test_levels_are_the_same_at_every_rate() -> None:
    at = np.arange(48000) / 48000
    tone = 8000 * np.sin(2 * np.pi * 400 * at)
    for rate in (8000, 16000, 24000, 48000):
        found = levels(tone[:: 48000 // rate].astype("<i2"), rate)
        assert len(found) == 100
        assert found == pytest.approx(8000 / 2**0.5, rel=0.01)


def test_runs_are_joined_over_short_gaps() -> None:
    flags = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=bool)
    assert runs(flags) == [(1, 3), (4, 5), (8, 9)]
    assert runs(flags, gap=2) == [(1, 5), (8, 9)]
    assert runs(np.zeros(4, dtype=bool)) == []


def test_noise_is_told_between_words_and_within_them() -> None:
    line = measured(sound(1, 100), sound(3, 5000), sound(1, 100), sound(3, 5000), sound(1, 100), sound(3, 100))
    assert noise(line)[-1] == pytest.approx(100, rel=0.2)


@pytest.mark.parametrize("frames", [1, 99, 100, 101, 850, 2000, 2501])
def test_the_noise_of_a_moment_is_the_median_of_the_seconds_around_it(frames: int) -> None:
    heard = (3000 * np.random.default_rng(3).random(frames) ** 4).astype(np.float32)
    quiet = [np.percentile(heard[at : at + 100], NOISE_SHARE) for at in range(0, frames, 100)]
    for at, floor in enumerate(noise(heard)):
        around = quiet[max(0, at // 100 - NOISE_REACH_S) : at // 100 + NOISE_REACH_S + 1]
        assert floor == np.median(around)


def test_the_noise_of_twenty_seconds_is_told_in_few_steps() -> None:
    """It is asked for at each answer, while every other call waits; with a percentile for each second it took 1,330
    Python functions, and now 77."""
    heard = (3000 * np.random.default_rng(3).random(2500) ** 4).astype(np.float32)
    with Counted() as counted:
        noise(heard)
    assert counted.calls <= 95
