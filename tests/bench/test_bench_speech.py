"""The benchmark's count of lost samples: exact where something is lost, and silent where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio.resample import Resampler
from bench.speech import missing, samples, speech, speech_ulaw, ulaw_samples

REFERENCE = samples(speech(1.0, 8000))
HEARD = ulaw_samples(speech_ulaw(1.0))


def test_a_whole_answer_misses_nothing() -> None:
    assert missing(REFERENCE, [HEARD]) == 0


def test_the_same_speech_at_24_khz_is_found_after_our_own_resampler() -> None:
    down = Resampler(24000, 8000)
    heard = samples(down.push(speech(1.0, 24000)) + down.flush())
    assert missing(REFERENCE, [np.concatenate((np.zeros(777), heard))]) == 0


@pytest.mark.parametrize("lost", [40, 160, 600])
def test_a_cut_in_the_middle_is_counted_to_the_sample(lost: int) -> None:
    cut = np.concatenate((HEARD[:3000], HEARD[3000 + lost :]))
    assert missing(REFERENCE, [cut]) == pytest.approx(lost, abs=2)


def test_a_lost_end_is_counted_to_the_sample() -> None:
    assert missing(REFERENCE, [HEARD[:-600]]) == pytest.approx(600, abs=2)


def test_silence_in_place_of_speech_is_a_loss() -> None:
    gap = HEARD.copy()
    gap[2000:2160] = 0
    assert missing(REFERENCE, [gap]) >= 140


def test_what_two_streams_share_out_between_them_is_not_lost() -> None:
    assert missing(REFERENCE, [HEARD[:4500], HEARD[4000:]]) == 0


def test_other_speech_is_no_substitute() -> None:
    assert missing(REFERENCE, [ulaw_samples(speech_ulaw(1.0, seed=2))]) == len(REFERENCE)
