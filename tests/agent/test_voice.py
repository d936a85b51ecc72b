from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.voice import PAUSE_S, Segment, VoiceDetector

RATE = 16000
SECOND = 2 * RATE


def noise(seconds: float, level: float, seed: int = 1) -> bytes:
    samples = np.random.default_rng(seed).normal(0, level, int(seconds * RATE))
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def listen(detector: VoiceDetector, pcm: bytes, piece: int = 640) -> list[Segment]:
    ended = (detector.feed(pcm[start : start + piece]) for start in range(0, len(pcm), piece))
    return [segment for segment in ended if segment is not None]


def test_speech_is_found_where_it_is() -> None:
    detector = VoiceDetector(RATE)
    found = listen(detector, bytes(SECOND) + noise(1.2, 3000) + bytes(SECOND))
    assert [(segment.start, segment.end) for segment in found] == [(SECOND, SECOND + int(1.2 * SECOND))]
    assert found[0].voiced == int(1.2 * SECOND)


def test_a_segment_ends_behind_a_pause_and_is_open_until_then() -> None:
    detector = VoiceDetector(RATE)
    listen(detector, noise(1.0, 3000) + bytes(int((PAUSE_S - 0.1) * SECOND)))
    assert detector.speaking
    listen(detector, noise(0.3, 3000))
    assert [segment.start for segment in listen(detector, bytes(SECOND))] == [0], "one segment, with a pause in it"
    assert not detector.speaking


def test_a_click_is_nothing() -> None:
    detector = VoiceDetector(RATE)
    assert listen(detector, bytes(SECOND) + noise(0.04, 8000) + bytes(SECOND)) == []
    assert not detector.speaking


def test_a_steady_noise_becomes_the_floor_and_speech_over_it_is_found() -> None:
    detector = VoiceDetector(RATE)
    listen(detector, noise(120.0, 300))
    assert not detector.speaking, "the hum of a line is no voice for ever"
    found = listen(detector, noise(1.0, 4000) + noise(1.0, 300))
    assert len(found) == 1
    assert abs(found[0].voiced - SECOND) <= 1280


def test_a_quiet_caller_on_a_silent_line_is_heard() -> None:
    detector = VoiceDetector(RATE)
    found = listen(detector, bytes(SECOND) + noise(1.0, 150) + bytes(SECOND))
    assert len(found) == 1


def test_what_was_noise_once_is_noise_for_a_minute() -> None:
    detector = VoiceDetector(RATE)
    (first,) = listen(detector, noise(1.0, 2000) + bytes(SECOND))
    assert detector.is_loud(first)
    detector.was_noise(first)
    (second,) = listen(detector, noise(1.0, 2000, seed=2) + bytes(SECOND))
    assert not detector.is_loud(second)
    listen(detector, bytes(70 * SECOND))
    (third,) = listen(detector, noise(1.0, 2000, seed=3) + bytes(SECOND))
    assert detector.is_loud(third)


@given(st.lists(st.integers(min_value=1, max_value=4000), min_size=1, max_size=40))
def test_pieces_of_any_length_keep_the_clock_of_the_samples(lengths: list[int]) -> None:
    detector = VoiceDetector(RATE)
    for length in lengths:
        detector.feed(bytes(2 * length))
    assert detector.now == 2 * sum(lengths)
