from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.pause import BACK_S, last_pause

RATE = 24000
SECOND = RATE * 2  # bytes


def speech(seconds: float, *pauses: tuple[float, float]) -> bytes:
    """Loud noise, with quiet from one second to another."""
    samples = np.random.default_rng(5).normal(0, 6000, int(seconds * RATE)).clip(-32000, 32000)
    for begins, ends in pauses:
        samples[int(begins * RATE) : int(ends * RATE)] /= 100
    return samples.astype("<i2").tobytes()


def test_it_goes_on_in_the_pause_before_the_word_that_was_cut() -> None:
    pcm = speech(4.0, (1.0, 1.1), (2.5, 2.6))
    assert 2.5 * SECOND <= last_pause(pcm, 3 * SECOND, RATE) <= 2.6 * SECOND


def test_it_goes_no_further_back_than_a_second() -> None:
    pcm = speech(4.0, (1.0, 1.1))
    assert (3 - BACK_S) * SECOND <= last_pause(pcm, 3 * SECOND, RATE) <= 3 * SECOND


def test_what_had_hardly_begun_is_said_again_from_its_beginning() -> None:
    assert last_pause(speech(2.0, (0.3, 0.4)), int(0.9 * SECOND), RATE) == 0


@given(st.integers(0, 3 * SECOND))
def test_it_is_always_a_sample_before_the_cut(at: int) -> None:
    found = last_pause(bytes(3 * SECOND), at, RATE)
    assert found % 2 == 0
    assert 0 <= found <= at
