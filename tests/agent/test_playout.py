from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.playout import Played, Playout


def tone(seconds: float, rate: int = 24000) -> bytes:
    time = np.arange(int(seconds * rate)) / rate
    return (8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()


def drain(playout: Playout) -> tuple[bytes, list[str]]:
    frames, marks = [], []
    while (frame := playout.next_frame()) is not None:
        frames.append(frame)
        marks += playout.marks_due()
    return b"".join(frames), marks + playout.marks_due()


def test_every_sample_of_an_answer_comes_out_however_it_was_chopped() -> None:
    playout = Playout(24000, 8000)
    audio = tone(1.037)
    playout.begin_block(1, 1, "hola")
    for start in range(0, len(audio), 1234):
        playout.audio(audio[start : start + 1234])
    playout.end_answer()
    played, marks = drain(playout)
    assert len(played) == 2 * round(len(audio) / 2 / 3)
    assert marks == ["a1.1"]


def test_frames_are_20_ms_but_for_the_last_of_an_answer() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "hola")
    playout.audio(tone(0.05))
    playout.end_answer()
    sizes = []
    while (frame := playout.next_frame()) is not None:
        sizes.append(len(frame))
    assert sizes == [320, 320, 160]


def test_nothing_short_is_sent_while_the_model_is_still_talking() -> None:
    playout = Playout(24000, 8000)
    playout.audio(tone(0.015))
    assert playout.next_frame() is None
    playout.audio(tone(0.015))
    assert len(playout.next_frame() or b"") == 320


def test_a_returned_mark_says_which_text_was_heard() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(3, 1, "uno")
    playout.audio(tone(0.1))
    playout.begin_block(3, 2, "dos")
    playout.audio(tone(0.1))
    playout.end_answer()
    _, marks = drain(playout)
    assert [playout.returned(mark) for mark in marks] == [
        Played(3, "uno", 1.0, last=False),
        Played(3, "dos", 1.0, last=True),
    ]
    assert not playout.playing


def test_a_cut_says_how_much_was_heard_and_voids_the_marks() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(0.2))
    playout.begin_block(1, 2, "dos")
    playout.audio(tone(0.4))
    playout.end_answer()
    marks = []
    for _ in range(20):
        playout.next_frame()
        marks += playout.marks_due()
    first, second = playout.cut()
    assert first.fraction == 1.0
    assert second.fraction == pytest.approx(0.5, abs=0.02)
    assert playout.next_frame() is None
    assert [playout.returned(mark) for mark in marks] == [None]


def test_a_block_cut_off_while_it_is_being_made_counts_the_audio_that_waits() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(1.0))
    for _ in range(25):
        playout.next_frame()
    (heard,) = playout.cut()
    assert heard.fraction == pytest.approx(0.5, abs=0.02)


def test_a_cut_before_anything_was_heard_reports_nothing() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(1.0))
    assert playout.cut() == []


def test_silence_is_appended_where_the_player_needs_it() -> None:
    playout = Playout(24000, 24000, tail_s=0.2)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(0.15))
    playout.end_answer()
    played, _ = drain(playout)
    assert played == tone(0.15) + bytes(int(0.2 * 24000) * 2)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=8))
def test_two_answers_never_share_a_frame(lengths: list[int]) -> None:
    playout = Playout(24000, 24000)
    for number, length in enumerate(lengths, 1):
        playout.begin_block(number, 1, str(number))
        playout.audio(bytes([number]) * 2 * length)
        playout.end_answer()
    while (frame := playout.next_frame()) is not None:
        assert len(set(frame)) == 1
