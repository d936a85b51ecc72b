from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import soxr

from sandbox.brain import SpeechEnded, SpeechStarted
from sandbox.speech.ear import PAUSE_MS, SileroEar

RATE = 8_000
WINDOW_MS = 32


def silence(milliseconds: int) -> bytes:
    return bytes(milliseconds * RATE // 1000 * 2)


def listen(ear: SileroEar, pcm: bytes) -> tuple[list[SpeechStarted], list[SpeechEnded]]:
    events: Sequence[SpeechStarted | SpeechEnded] = ear.feed(pcm)
    started = [event for event in events if isinstance(event, SpeechStarted)]
    return started, [event for event in events if isinstance(event, SpeechEnded)]


def test_silence_and_noise_are_no_speech() -> None:
    noise = np.random.default_rng(7).normal(0, 1500, 5 * RATE).astype("<i2").tobytes()
    assert listen(SileroEar(RATE), silence(2000) + noise + silence(2000)) == ([], [])


def test_an_utterance_is_found_where_it_is(spoken_dni: bytes) -> None:
    length_ms = len(spoken_dni) // 2 * 1000 // RATE
    [start], [end] = listen(SileroEar(RATE), silence(3000) + spoken_dni + silence(1500))
    assert 3050 <= start.offset_ms <= 3350
    assert 3000 + length_ms - 350 <= end.offset_ms <= 3000 + length_ms + 100


def test_an_utterance_comes_with_the_silence_around_it(spoken_dni: bytes) -> None:
    [start], [end] = listen(SileroEar(RATE), silence(1000) + spoken_dni + silence(1500))
    kept_ms = len(end.audio) // 2 * 1000 // RATE
    assert kept_ms == pytest.approx(end.offset_ms - start.offset_ms + 300 + 160, abs=2 * WINDOW_MS)
    assert spoken_dni[8000:40000] in end.audio


@pytest.mark.parametrize("endpointing", ["HIGH", "MEDIUM", "LOW"])
def test_endpointing_sets_the_pause_that_ends_a_turn(endpointing: str, spoken_dni: bytes) -> None:
    _, [end] = listen(SileroEar(RATE, endpointing), silence(500) + spoken_dni + silence(1500))
    assert end.detected_ms - end.offset_ms == pytest.approx(PAUSE_MS[endpointing], abs=WINDOW_MS)


def test_a_short_breath_does_not_end_a_turn(spoken_dni: bytes) -> None:
    started, ended = listen(SileroEar(RATE), silence(500) + spoken_dni + silence(100) + spoken_dni + silence(1500))
    assert len(started) == len(ended) == 1


@pytest.mark.parametrize("endpointing", ["HIGH", "MEDIUM", "LOW"])
def test_what_a_pause_may_end_is_told_before_it_is_known(endpointing: str, spoken_dni: bytes) -> None:
    paused: list[tuple[bytes, int]] = []
    ear = SileroEar(RATE, endpointing, lambda pcm, rate: paused.append((pcm, rate)))
    assert not listen(ear, spoken_dni + silence(300))[1]
    known = paused[-1]
    _, [end] = listen(ear, silence(1000))
    assert paused[-1] == known == (end.audio, RATE)


def test_a_pause_is_told_once_and_again_when_more_was_said(spoken_dni: bytes) -> None:
    paused: list[bytes] = []
    ear = SileroEar(RATE, "LOW", lambda pcm, rate: paused.append(pcm))
    _, [end] = listen(ear, spoken_dni + silence(350) + spoken_dni + silence(1500))
    assert len(set(paused)) == len(paused)
    assert any(len(spoken_dni) * 0.8 < len(pcm) < len(spoken_dni) * 1.2 for pcm in paused)
    assert paused[-1] == end.audio


def test_two_turns_are_two_utterances(spoken_dni: bytes) -> None:
    started, ended = listen(SileroEar(RATE), (spoken_dni + silence(4000)) * 2)
    assert len(started) == len(ended) == 2
    assert ended[0].detected_ms < started[1].offset_ms


def test_the_size_of_the_pieces_does_not_matter(spoken_dni: bytes) -> None:
    pcm = silence(700) + spoken_dni + silence(1500)
    ear = SileroEar(RATE)
    in_pieces = [event for start in range(0, len(pcm), 333) for event in ear.feed(pcm[start : start + 333])]
    assert in_pieces == SileroEar(RATE).feed(pcm)


@pytest.mark.parametrize("before", [0, 1, 100, 255, 256, 257, 7_777])
def test_the_same_sound_makes_the_same_utterance_anywhere(before: int, spoken_dni: bytes) -> None:
    _, [first] = listen(SileroEar(RATE), spoken_dni + silence(1500))
    _, [end] = listen(SileroEar(RATE), bytes(2 * before) + spoken_dni + silence(1500))
    assert end.audio == first.audio
    assert end.detected_ms == pytest.approx(first.detected_ms + before * 1000 / RATE, abs=1)


def test_a_later_utterance_is_cut_like_the_first(spoken_dni: bytes) -> None:
    _, [first, second] = listen(SileroEar(RATE), silence(20) + spoken_dni + silence(1501) + spoken_dni + silence(1500))
    assert first.audio == second.audio


def test_speech_in_a_noisy_room_is_found(spoken_dni: bytes) -> None:
    pcm = silence(5000) + spoken_dni + silence(1500)
    noise = np.random.default_rng(7).normal(0, 200, len(pcm) // 2)
    [start], [end] = listen(SileroEar(RATE), (np.frombuffer(pcm, "<i2") + noise).astype("<i2").tobytes())
    assert 5000 <= start.offset_ms <= 5350
    assert end.offset_ms <= 5000 + len(spoken_dni) // 2 * 1000 // RATE + 100


def test_sixteen_kilohertz_hears_the_same(spoken_dni: bytes) -> None:
    pcm = silence(1000) + spoken_dni + silence(1500)
    [narrow], _ = listen(SileroEar(RATE), pcm)
    wide = soxr.resample(np.frombuffer(pcm, dtype="<i2"), RATE, 2 * RATE)
    [start], [end] = listen(SileroEar(2 * RATE), wide.tobytes())
    assert start.offset_ms == pytest.approx(narrow.offset_ms, abs=4 * WINDOW_MS)
    assert end.audio


def test_a_monologue_is_cut_before_it_outgrows_the_recogniser(spoken_dni: bytes) -> None:
    _, ended = listen(SileroEar(RATE), spoken_dni * 6)
    assert len(ended) == 1
    assert len(ended[0].audio) / 2 / RATE < 29


def test_tuning_begins_anew(spoken_dni: bytes) -> None:
    ear = SileroEar(16_000)
    ear.feed(spoken_dni)
    ear.tune(RATE, "HIGH")
    assert listen(ear, silence(1000)) == ([], [])


def test_other_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="8000 or 16000"):
        SileroEar(24_000)
