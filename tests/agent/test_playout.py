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


# --- an answer that was cut, and goes on


def two_sentences(playout: Playout) -> None:
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(2.0))
    playout.begin_block(1, 2, "dos y tres")
    playout.audio(tone(4.0))
    playout.end_answer()


def frames(playout: Playout, seconds: float) -> list[str]:
    marks = []
    for _ in range(round(seconds / 0.02)):
        assert playout.next_frame() is not None
        marks += playout.marks_due()
    return marks


@pytest.mark.parametrize("rate", [8000, 24000])
def test_what_was_not_heard_goes_on_shortly_before_where_it_was_cut(rate: int) -> None:
    playout = Playout(24000, rate)
    two_sentences(playout)
    marks = frames(playout, 4.5)
    assert playout.rewind(0.5) == [Played(1, "uno", 1.0)]
    assert playout.playing
    assert [playout.returned(mark) for mark in marks] == [None], "it is told already"
    played, marks = drain(playout)
    assert 2.0 <= len(played) / 2 / rate <= 3.01
    assert [playout.returned(mark) for mark in marks] == [Played(1, "dos y tres", 1.0, last=True)]
    assert not playout.playing


def test_the_mark_of_what_is_said_again_is_another_one() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(1.0))
    playout.end_answer()
    _, first = drain(playout)
    playout.rewind(1.0)
    _, second = drain(playout)
    assert first != second
    assert playout.returned(first[0]) is None
    assert playout.returned(second[0]) == Played(1, "uno", 1.0, last=True)


def test_what_was_put_back_and_is_dropped_counts_as_far_as_it_was_heard() -> None:
    playout = Playout(24000, 8000)
    two_sentences(playout)
    frames(playout, 4.0)
    playout.rewind()
    (heard,) = playout.cut()
    assert heard.text == "dos y tres"
    assert heard.fraction == pytest.approx(0.5, abs=0.02)
    assert not playout.playing


def test_what_is_cut_again_and_again_counts_once_and_as_a_whole() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(6.0))
    playout.end_answer()
    for _ in range(2):
        frames(playout, 2.0)
        assert playout.rewind() == []
    frames(playout, 1.5)
    (heard,) = playout.cut()
    assert 3.5 / 6 - 0.02 <= heard.fraction <= 5.5 / 6 + 0.02


def test_hardly_anything_heard_of_what_is_said_again_takes_back_nothing() -> None:
    playout = Playout(24000, 8000)
    two_sentences(playout)
    frames(playout, 4.0)
    playout.rewind()
    frames(playout, 0.02)
    (heard,) = playout.cut()
    assert heard.fraction == pytest.approx(0.5, abs=0.02)


def test_an_answer_that_is_still_being_made_ends_with_what_had_come_of_it() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(1.0))
    playout.audio(tone(1.0))
    frames(playout, 0.6)
    playout.rewind()
    playout.end_answer()
    played, marks = drain(playout)
    assert len(played) == pytest.approx(2.0 * 16000, abs=16), "from the beginning: less than a second was heard"
    assert playout.returned(marks[0]) == Played(1, "uno", 1.0, last=True)


def test_a_sentence_that_the_service_will_not_finish_counts_as_far_as_it_came() -> None:
    text = "Esto dura unos tres segundos si se dice entero."
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, text)
    playout.audio(tone(1.5))
    frames(playout, 1.2)
    playout.rewind(whole=False)
    playout.end_answer()
    _, marks = drain(playout)
    part = playout.returned(marks[0])
    assert part is not None
    assert part.last
    assert part.fraction == pytest.approx(1.5 / (len(text) * 0.066), abs=0.02)


def test_answers_that_wait_are_kept_apart_and_an_excuse_is_not_made_again() -> None:
    playout = Playout(24000, 24000)
    two_sentences(playout)
    playout.begin_block(2, 1, "cuatro")
    playout.audio(tone(0.5))
    playout.end_answer()
    playout.fill(tone(1.0))
    frames(playout, 0.5)
    playout.rewind()
    played, marks = drain(playout)
    assert len(played) == len(tone(6.5))
    heard = [playout.returned(mark) for mark in marks]
    assert [(part.answer, part.last) for part in heard if part] == [(1, False), (1, True), (2, True)]


def test_nothing_is_kept_of_what_was_heard() -> None:
    playout = Playout(24000, 8000)
    playout.begin_block(1, 1, "uno")
    playout.audio(tone(0.5))
    playout.end_answer()
    drain(playout)
    assert playout.rewind() == [Played(1, "uno", 1.0, last=True)]
    assert not playout.playing


@given(st.lists(st.integers(1, 150), max_size=6), st.integers(1, 5))
def test_however_often_it_is_cut_every_sample_is_heard_and_no_block_is_told_twice(cuts: list[int], blocks: int) -> None:
    playout = Playout(24000, 24000)
    said = set[int]()
    for number in range(blocks):  # 1.25 s each, and no two samples of two blocks alike
        samples = (np.arange(30000) // 3 + 10000 * number - 30000).astype("<i2")
        said.update(samples.tolist())
        playout.begin_block(1, number, str(number))
        playout.audio(samples.tobytes())
    playout.end_answer()
    told: list[Played] = []
    heard = set[int]()

    def take() -> bool:
        frame = playout.next_frame()
        heard.update(np.frombuffer(frame or b"", dtype="<i2").tolist())
        told.extend(part for mark in playout.marks_due() if (part := playout.returned(mark)))
        return frame is not None

    for cut in cuts:
        for _ in range(cut):
            take()
        told += playout.rewind()
    while take():
        pass
    assert heard == said
    assert [part.text for part in told] == [str(number) for number in range(blocks)]
    assert [part.last for part in told] == [False] * (blocks - 1) + [True]
