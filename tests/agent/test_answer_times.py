"""From the caller's last word to the first sound of the answer: on a clock that a test moves."""

from __future__ import annotations

import numpy as np
import pytest

from agent.answer_times import AnswerTime, AnswerTimes, SpeechEnd

CALLER_RATE, CARLOS_RATE = 16000, 8000
FRAME_S = 0.02


class Line:
    """Both sides in frames of 20 ms; `late_s` is how long the network holds each of the caller's up."""

    def __init__(self) -> None:
        self.times = AnswerTimes(CALLER_RATE, CARLOS_RATE)
        self.now = 100.0
        self.late_s = 0.0
        self.random = np.random.default_rng(4)
        self.found: list[AnswerTime] = []

    def goes_on(self, seconds: float, caller: float = 10.0, carlos: float | None = None) -> None:
        """Time passes with sounds of these levels; Carlos sends nothing where there is none of his."""
        for _ in range(round(seconds / FRAME_S)):
            if carlos is not None:
                found = self.times.carlos(self.sound(carlos, CARLOS_RATE), self.now)
                self.found += [] if found is None else [found]
            self.now += FRAME_S
            self.times.caller(self.sound(caller, CALLER_RATE), self.now + self.late_s)

    def sound(self, rms: float, rate: int) -> bytes:
        samples = self.random.normal(0, rms, round(rate * FRAME_S))
        return np.clip(samples, -32768, 32767).astype("<i2").tobytes()


def asked() -> Line:
    """A caller has said something for a second, and has been silent for another."""
    line = Line()
    line.goes_on(2.0, carlos=3000.0)
    line.goes_on(1.0)
    line.goes_on(1.0, caller=2000.0)
    line.goes_on(1.0)
    return line


def near(milliseconds: int) -> object:
    return pytest.approx(milliseconds, abs=25)


def test_the_time_is_from_the_last_word_to_the_first_sound_and_not_to_the_silence_before_it() -> None:
    line = asked()
    line.times.expect(SpeechEnd(line.now - 0.95, line.now - 0.3))
    line.goes_on(0.2, carlos=0.0)
    line.goes_on(1.0, carlos=3000.0)
    [time] = line.found
    assert time == AnswerTime(near(1200), near(1150), near(500))  # type: ignore[arg-type]


def test_a_sound_that_answers_nothing_has_no_time() -> None:
    line = asked()
    line.goes_on(1.0, carlos=3000.0)
    assert line.found == []


def test_only_the_first_sound_of_an_answer_has_a_time() -> None:
    line = asked()
    line.times.expect(SpeechEnd())
    for _ in range(3):
        line.goes_on(0.5, carlos=3000.0)
        line.goes_on(0.6)
    assert line.found == [AnswerTime(near(1000))]  # type: ignore[arg-type]


def test_who_speaks_again_is_not_answered_yet() -> None:
    line = asked()
    line.times.expect(SpeechEnd())
    line.times.forget()
    line.goes_on(0.5, caller=2000.0)
    line.goes_on(0.5, carlos=3000.0)
    assert line.found == []


def test_an_answer_that_begins_before_the_caller_has_finished_has_no_time_of_ours() -> None:
    line = asked()
    line.goes_on(1.0, caller=2000.0)
    line.times.expect(SpeechEnd(line.now - 1.5))
    line.goes_on(0.5, caller=2000.0, carlos=3000.0)
    assert line.found == [AnswerTime(None, near(1500))]  # type: ignore[arg-type]


def test_what_carlos_says_after_he_went_on_regardless_is_no_answer_to_it() -> None:
    line = asked()
    line.goes_on(0.5, carlos=3000.0)
    line.goes_on(0.3, caller=2000.0, carlos=3000.0)
    line.times.expect(SpeechEnd())
    line.goes_on(2.0, carlos=3000.0)
    line.goes_on(0.5)
    line.goes_on(0.5, carlos=3000.0)
    assert line.found == [AnswerTime()]


def test_an_interruption_is_answered_though_carlos_stopped_after_it() -> None:
    line = asked()
    line.goes_on(1.0, carlos=3000.0)
    line.goes_on(0.4, caller=2000.0, carlos=3000.0)
    line.goes_on(0.3, carlos=3000.0)
    line.goes_on(1.0)
    line.times.expect(SpeechEnd())
    line.goes_on(0.5, carlos=3000.0)
    assert line.found == [AnswerTime(near(1300))]  # type: ignore[arg-type]


def test_the_echo_of_carlos_is_none_of_the_callers_words() -> None:
    line = Line()
    line.goes_on(3.0, caller=250.0, carlos=3000.0)
    line.goes_on(0.3, caller=250.0)
    line.goes_on(1.0, caller=1500.0)
    line.goes_on(1.0)
    line.times.expect(SpeechEnd())
    line.goes_on(0.5, caller=250.0, carlos=3000.0)
    assert line.found == [AnswerTime(near(1000))]  # type: ignore[arg-type]


def test_frames_that_the_network_held_up_are_counted_where_they_were_said() -> None:
    line = Line()
    line.goes_on(2.0, carlos=3000.0)
    line.goes_on(1.0)
    line.late_s = 0.15  # a stall, and all of it comes at once behind
    line.goes_on(0.5, caller=2000.0)
    line.late_s = 0.0
    line.goes_on(1.0)
    line.times.expect(SpeechEnd())
    line.goes_on(0.5, carlos=3000.0)
    assert line.found == [AnswerTime(near(1000))]  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 333, 1024, 5000])
def test_pieces_may_have_any_length(size: int) -> None:
    line = asked()
    voice = b"".join(line.sound(2000.0, CALLER_RATE) for _ in range(50))
    for start in range(0, len(voice), size):
        piece = voice[start : start + size]
        line.now += len(piece) / CALLER_RATE / 2
        line.times.caller(piece, line.now)
    line.goes_on(0.8)
    line.times.expect(SpeechEnd())
    line.goes_on(0.5, carlos=3000.0)
    assert line.found == [AnswerTime(near(800))]  # type: ignore[arg-type]


def test_what_is_kept_of_a_long_call_is_bounded_and_old_words_are_no_turn() -> None:
    line = asked()
    line.goes_on(60.0)
    line.times.expect(SpeechEnd())
    line.goes_on(0.5, carlos=3000.0)
    assert line.found == [AnswerTime()]
    for side in (line.times._caller, line.times._carlos):
        assert len(side._levels) <= 2500


def test_a_line_without_a_sound_of_the_caller_has_no_times() -> None:
    times = AnswerTimes(CALLER_RATE, CARLOS_RATE)
    times.expect(SpeechEnd())
    assert times.carlos(b"\x10\x27\xf0\xd8" * 80, 5.0) == AnswerTime()
