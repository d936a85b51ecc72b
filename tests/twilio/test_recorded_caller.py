"""When a recorded caller speaks: on synthetic audio, without a clock."""

from __future__ import annotations

import audioop
from collections.abc import Sequence

import numpy as np

from sandbox.twilio.caller import RecordedCaller
from sandbox.twilio.script import Turn
from sandbox.twilio.stream import FRAME, FRAME_MS, SILENT_FRAME, Act

TONE = audioop.lin2ulaw((4000 * np.sin(2 * np.pi * 400 * np.arange(FRAME) / 8000)).astype("<i2").tobytes(), 2)
SPEECH = b"\x10" * FRAME


def spoken(milliseconds: int, interrupt_ms: int | None = None) -> Turn:
    return Turn("hola", SPEECH * (milliseconds // FRAME_MS), interrupt_ms=interrupt_ms)


def play(caller: RecordedCaller, milliseconds: int, *, carlos: bool) -> list[Act]:
    """What he does while Carlos speaks, or after the mark of what Carlos said has come back."""
    frame = TONE if carlos else SILENT_FRAME
    if not carlos:
        caller.marked()
    return [caller.listen(frame) for _ in range(milliseconds // FRAME_MS)]


def onset_ms(acts: Sequence[Act]) -> int | None:
    return next((index * FRAME_MS for index, act in enumerate(acts) if act.sound == SPEECH), None)


def test_he_waits_for_the_greeting_to_end_and_then_a_second() -> None:
    caller = RecordedCaller([spoken(400)])
    assert onset_ms(play(caller, 2000, carlos=True)) is None
    assert onset_ms(play(caller, 2000, carlos=False)) == 980  # the 50th frame of silence makes 1000 ms


def test_a_pause_between_two_sentences_is_not_the_end() -> None:
    caller = RecordedCaller([spoken(400)])
    play(caller, 1000, carlos=True)
    assert onset_ms(play(caller, 600, carlos=False)) is None
    assert onset_ms(play(caller, 1000, carlos=True)) is None
    assert onset_ms(play(caller, 1200, carlos=False)) == 980


def test_sound_that_stops_without_a_mark_is_waited_for() -> None:
    caller = RecordedCaller([spoken(400)])
    play(caller, 1000, carlos=True)
    assert {caller.listen(SILENT_FRAME) for _ in range(200)} == {Act()}
    assert onset_ms(play(caller, 100, carlos=True)) is None
    assert onset_ms(play(caller, 1200, carlos=False)) == 980


def test_a_server_without_marks_is_answered_in_the_end() -> None:
    caller = RecordedCaller([spoken(400)])
    play(caller, 1000, carlos=True)
    assert onset_ms([caller.listen(SILENT_FRAME) for _ in range(300)]) == 5280


def test_he_says_a_whole_turn_and_waits_for_its_answer() -> None:
    caller = RecordedCaller([spoken(400), spoken(200)])
    play(caller, 500, carlos=True)
    first = play(caller, 5000, carlos=False)
    assert sum(act.sound == SPEECH for act in first) == 400 // FRAME_MS
    play(caller, 500, carlos=True)
    second = play(caller, 5000, carlos=False)
    assert sum(act.sound == SPEECH for act in second) == 200 // FRAME_MS


def test_what_carlos_says_while_the_caller_speaks_is_no_answer() -> None:
    caller = RecordedCaller([spoken(1000), spoken(200)])
    play(caller, 500, carlos=True)
    assert play(caller, 1000, carlos=False)[-1].sound == SPEECH
    play(caller, 980, carlos=True)
    assert onset_ms(play(caller, 5000, carlos=False)) is None


def test_he_interrupts_so_many_milliseconds_after_carlos_began() -> None:
    caller = RecordedCaller([spoken(400, interrupt_ms=1200)])
    play(caller, 300, carlos=False)
    assert onset_ms(play(caller, 3000, carlos=True)) == 1200


def test_an_interruption_of_a_short_answer_comes_when_it_is_over() -> None:
    caller = RecordedCaller([spoken(400, interrupt_ms=5000)])
    play(caller, 300, carlos=True)
    assert onset_ms(play(caller, 3000, carlos=False)) == 980


def test_he_presses_keys_one_by_one() -> None:
    caller = RecordedCaller([Turn(digits="28#")])
    play(caller, 300, carlos=True)
    acts = play(caller, 3000, carlos=False)
    pressed = [(index * FRAME_MS, act.digit) for index, act in enumerate(acts) if act.digit]
    assert pressed == [(980, "2"), (1220, "8"), (1460, "#")]


def test_he_gives_up_when_nobody_answers() -> None:
    caller = RecordedCaller([spoken(400)])
    acts = play(caller, 20_000, carlos=False)
    assert [index for index, act in enumerate(acts) if act.hang_up] == [20_000 // FRAME_MS - 1]
    assert caller.outcome == "silence"


def test_he_hangs_up_himself_when_the_agent_does_not() -> None:
    caller = RecordedCaller([spoken(400)])
    play(caller, 300, carlos=True)
    play(caller, 1600, carlos=False)
    play(caller, 300, carlos=True)
    acts = play(caller, 12_000, carlos=False)
    assert acts[10_000 // FRAME_MS - 1].hang_up
    assert caller.outcome == "completed"


def test_a_call_that_ends_before_everything_is_said_is_unfinished() -> None:
    caller = RecordedCaller([spoken(400), spoken(400)])
    play(caller, 300, carlos=True)
    play(caller, 3000, carlos=False)
    assert caller.outcome == "unfinished"


def test_a_call_in_which_everything_was_said_is_completed() -> None:
    caller = RecordedCaller([spoken(400)])
    play(caller, 300, carlos=True)
    play(caller, 3000, carlos=False)
    assert caller.outcome == "completed"


def test_an_agent_who_never_stops_is_hung_up_on() -> None:
    caller = RecordedCaller([spoken(400)])
    acts = play(caller, 300_000, carlos=True)
    assert acts[-1].hang_up
    assert caller.outcome == "too_long"


def test_each_turn_is_told_as_it_begins() -> None:
    told: list[str] = []
    caller = RecordedCaller([spoken(400)], begins=lambda turn: told.append(turn.say))
    play(caller, 300, carlos=True)
    assert told == []
    play(caller, 1000, carlos=False)
    assert told == ["hola"]


def test_answers_are_told_as_they_begin_and_each_frame_of_both_sides() -> None:
    answers: list[int] = []
    frames: list[tuple[int, int]] = []
    caller = RecordedCaller(
        [spoken(400)], answered=answers.append, overheard=lambda said, heard: frames.append((len(said), len(heard)))
    )
    play(caller, 1000, carlos=False)
    play(caller, 200, carlos=True)
    assert answers == [1020]
    assert set(frames) == {(160, 160)}
    assert len(frames) == 60
