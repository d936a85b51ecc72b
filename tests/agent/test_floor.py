"""The clock of the floor, in a time that the test tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.call_state import CallState
from agent.floor import (
    CUE_ANSWER_S,
    DUE_IN,
    FILLER_S,
    LIMIT_PATIENCE_S,
    MOST_FILLERS,
    NOISE_S,
    SILENCE_STEPS,
    WARNING_S,
    Due,
    Floor,
    FloorTimes,
    Holder,
    Sound,
)

TIMES = FloorTimes()
QUIET = Sound(carlos_until=0.0, caller_until=0.0)
PROMPT_S = 8.0
CLIP_S = 2.0  # as long as everything lasts that Carlos says here

type Line = Callable[[float], Sound]


def floor(limit_at: float | None = None, **times: float | None) -> Floor:
    return Floor(replace(TIMES, **times), 0.0, limit_at)  # type: ignore[arg-type]


def silent(at: float) -> Sound:
    return QUIET


def run(floor: Floor, until: float, line: Line = silent, state: CallState = CallState.LISTENING, answers: bool = False,
        began: float = 0.0) -> list[tuple[float, Due]]:  # fmt: skip
    """Let the time pass, by the floor's own clock. What it has due is heard for `CLIP_S`; what the model is asked to
    say it says if it `answers`. Return what was due, and when, in tenths of a second."""
    told: list[tuple[float, Due]] = []
    carlos_until, now = 0.0, began
    while now < until:
        sound = line(now)
        sound = replace(sound, carlos_until=max(sound.carlos_until, carlos_until))
        while (due := floor.look(now, state, sound)) is not None:
            told.append((round(now, 1), due))
            if answers or due not in (Due.STILL_THERE, Due.WARNING):
                carlos_until = now + CLIP_S
                sound = replace(sound, carlos_until=carlos_until)
        assert floor.due > now, "it is looked at again, and not for ever at once"
        now = floor.due
    return told


def kinds(told: list[tuple[float, Due]]) -> list[Due]:
    return [due for _, due in told]


def speaking(until: float) -> Line:
    return lambda at: replace(QUIET, caller_until=min(at, until))


# --- nobody speaks


def test_a_silent_caller_is_asked_twice_and_then_said_goodbye_to_within_half_a_minute() -> None:
    told = run(floor(), 60.0, answers=True)
    assert kinds(told) == [Due.STILL_THERE, Due.STILL_THERE, Due.NO_ANSWER]
    assert [at for at, _ in told] == [8.0, 18.0, 24.0], "each counted from when Carlos was last heard"


def test_a_clip_asks_where_the_model_does_not() -> None:
    told = run(floor(), 12.0)
    assert told == [(8.0, Due.STILL_THERE), (8.0 + CUE_ANSWER_S, Due.STILL_THERE_CLIP)]


def test_a_clip_does_not_ask_a_caller_who_has_begun_to_speak() -> None:
    told = run(floor(), 20.0, lambda at: replace(QUIET, caller_until=min(at, 15.0) if at > 9 else 0.0))
    assert told == [(8.0, Due.STILL_THERE), (15.8, Due.STILL_THERE_CLIP)], "his words would have come first"


def test_words_begin_the_silence_anew() -> None:
    one = floor()
    assert kinds(run(one, 20.0, answers=True)) == [Due.STILL_THERE, Due.STILL_THERE]
    one.understood(20.0, spoken=False)
    told = run(one, 30.0, answers=True, began=20.0)
    assert told == [(28.0, Due.STILL_THERE)], "it is the first question again"


def test_words_make_the_clip_unnecessary() -> None:
    one = floor()
    run(one, 9.0)
    one.understood(9.0, spoken=True)
    assert run(one, 12.0, began=9.0) == []


def test_nobody_asks_a_caller_who_speaks() -> None:
    assert run(floor(), 15.0, speaking(14.0)) == []


def test_a_voice_that_is_not_understood_for_half_a_minute_is_nobody() -> None:
    told = run(floor(), 90.0, speaking(90.0), answers=True)
    assert kinds(told) == [Due.STILL_THERE, Due.STILL_THERE, Due.NO_ANSWER]
    assert told[0][0] == NOISE_S
    assert told[-1][0] <= NOISE_S + 20


def test_half_a_minute_of_noise_is_counted_from_what_carlos_said_last() -> None:
    told = run(floor(), 60.0, lambda at: Sound(carlos_until=min(at, 20.0), caller_until=at), answers=True)
    assert told[0][0] == 20.0 + NOISE_S


def test_nobody_is_asked_on_a_line_without_such_a_time() -> None:
    assert run(floor(silence_prompt_s=None), 100.0) == []


# --- the caller is away


def test_who_is_away_is_asked_nothing_and_his_silence_begins_when_he_is_back() -> None:
    one = floor()
    assert kinds(run(one, 20.0, answers=True)) == [Due.STILL_THERE, Due.STILL_THERE]
    one.caller_away()
    assert run(one, 200.0, began=20.0) == []
    one.caller_back(200.0)
    assert run(one, 209.0, began=200.0, answers=True) == [(208.0, Due.STILL_THERE)], "it is the first question again"


def test_who_is_away_waits_for_no_answer() -> None:
    one = floor()
    one.caller_away()
    assert run(one, 30.0, lambda at: replace(QUIET, owed=True, tool=True), CallState.TOOL_PENDING) == []
    assert one.take_dead_air() == []
    one.caller_back(30.0)
    told = run(one, 32.0, lambda at: replace(QUIET, owed=True, tool=True), CallState.TOOL_PENDING, began=30.0)
    assert told == [(31.2, Due.FILLER)]


def test_the_limit_is_one_for_who_is_away_too() -> None:
    one = floor(limit_at=100.0)
    one.caller_away()
    assert run(one, 200.0) == [(100.0, Due.TIME_UP)]


# --- an answer is owed


def owing(at: float) -> Sound:
    return replace(QUIET, owed=True)


def test_while_an_answer_is_owed_a_silence_is_never_longer_than_its_limit() -> None:
    told = run(floor(), 60.0, owing)
    assert [at for at, _ in told[:2]] == [FILLER_S, pytest.approx(2 * FILLER_S + CLIP_S)]
    assert kinds(told) == [Due.FILLER] * MOST_FILLERS


def test_a_tool_that_takes_its_time_is_excused_for_sooner() -> None:
    one = floor()
    one.tool_called(1.0)
    told = run(one, 10.0, lambda at: replace(QUIET, owed=True, tool=True), CallState.TOOL_PENDING, began=1.0)
    assert told[0] == (2.2, Due.FILLER)
    assert told[1][0] == pytest.approx(2.2 + CLIP_S + FILLER_S), "and then like any other answer"


def test_a_result_that_is_there_first_needs_no_excuse() -> None:
    one = floor()
    one.tool_called(1.0)
    assert run(one, 4.0, lambda at: replace(QUIET, owed=True, tool=at < 2.1, carlos_until=2.0 if at > 2 else 0)) == []


def test_nobody_is_asked_to_wait_while_somebody_speaks() -> None:
    one = floor()
    one.tool_called(1.0)
    tool = replace(QUIET, owed=True, tool=True)
    told = run(one, 6.0, lambda at: replace(tool, caller_until=min(at, 4.0)), CallState.TOOL_PENDING)
    assert told[0] == (5.2, Due.FILLER), "1.2 s after the caller's last sound"


def test_an_answer_that_began_is_excused_for_from_the_start_if_it_stalls() -> None:
    one = floor()
    run(one, 15.0, owing)
    one.answer_began()
    assert one.fillers == 0


def test_keys_are_no_silence() -> None:
    assert run(floor(), 60.0, lambda at: replace(QUIET, keying=True)) == []


# --- the limit


def test_the_last_minute_is_told_and_at_the_limit_comes_the_goodbye() -> None:
    told = run(floor(limit_at=300.0, silence_prompt_s=None), 400.0, answers=True)
    assert told == [(300.0 - WARNING_S, Due.WARNING), (300.0, Due.TIME_UP)]


def test_the_last_minute_is_told_when_neither_speaks() -> None:
    told = run(floor(limit_at=300.0, silence_prompt_s=None), 290.0, speaking(245.0), answers=True)
    assert told == [(245.8, Due.WARNING)]


def test_a_minute_that_is_over_half_way_is_not_told() -> None:
    assert run(floor(limit_at=300.0, silence_prompt_s=None), 290.0, owing)[-1][1] is Due.FILLER
    assert Due.WARNING not in kinds(run(floor(limit_at=300.0), 299.0, speaking(299.0)))


def test_a_call_that_is_no_longer_than_a_minute_is_not_told_of_one() -> None:
    assert kinds(run(floor(limit_at=50.0, silence_prompt_s=None), 100.0)) == [Due.TIME_UP]


def test_a_sentence_may_be_finished_at_the_limit_but_not_for_ever() -> None:
    told = run(floor(limit_at=100.0, silence_prompt_s=None), 120.0, speaking(103.0), answers=True)
    assert told[-1] == (103.8, Due.TIME_UP)
    told = run(floor(limit_at=100.0, silence_prompt_s=None), 120.0, speaking(130.0), answers=True)
    assert told[-1] == (100.0 + LIMIT_PATIENCE_S, Due.TIME_UP)


# --- who has it


@pytest.mark.parametrize(
    ("sound", "holder"),
    [
        (replace(QUIET, carlos_until=11.0, caller_until=10.0), Holder.CARLOS),
        (replace(QUIET, caller_until=9.9, owed=True), Holder.CALLER),
        (replace(QUIET, keying=True, tool=True), Holder.CALLER),
        (replace(QUIET, owed=True, tool=True), Holder.TOOL),
        (replace(QUIET, owed=True), Holder.MODEL),
        (QUIET, Holder.NOBODY),
    ],
)
def test_one_side_has_the_floor(sound: Sound, holder: Holder) -> None:
    assert floor().holder(10.0, sound) is holder


def test_a_television_has_no_floor() -> None:
    assert floor().holder(NOISE_S + 1, replace(QUIET, caller_until=NOISE_S + 1)) is Holder.NOBODY


@pytest.mark.parametrize("state", CallState)
def test_every_state_says_what_may_fall_due_in_it(state: CallState) -> None:
    told = run(floor(limit_at=70.0), 200.0, state=state) + run(floor(limit_at=70.0), 200.0, owing, state=state)
    assert set(kinds(told)) <= DUE_IN[state]


def test_a_goodbye_and_an_apology_are_not_spoken_over() -> None:
    assert DUE_IN[CallState.ENDING] == {Due.FILLER}
    assert not DUE_IN[CallState.CLOSING] | DUE_IN[CallState.APOLOGISING] | DUE_IN[CallState.OVER]


def test_every_silence_ends() -> None:
    assert SILENCE_STEPS[-1][0] is Due.NO_ANSWER
    assert sum(share for _, share in SILENCE_STEPS) * PROMPT_S <= 30


# --- dead air


@pytest.mark.parametrize(
    ("line", "state", "began_at"),
    [
        (lambda at: replace(QUIET, caller_until=min(at, 2.0), owed=at >= 3.0), CallState.LISTENING, [2.0]),
        (lambda at: replace(QUIET, owed=True, carlos_until=2.9), CallState.LISTENING, [2.9]),
        (lambda at: replace(QUIET, owed=at < 2.9), CallState.LISTENING, []),
        (lambda at: replace(QUIET, owed=True, keying=True), CallState.LISTENING, []),
        (silent, CallState.LISTENING, []),
        (lambda at: replace(QUIET, tool=True), CallState.TOOL_PENDING, []),  # he is asked to wait after 1.2 s
        (lambda at: replace(QUIET, tool=True), CallState.CLOSING, []),
    ],
)
def test_a_silence_of_three_seconds_in_which_an_answer_is_owed_is_dead_air(
    line: Line, state: CallState, began_at: list[float]
) -> None:
    told = floor()
    run(told, 6.1, line, state)
    assert told.take_dead_air() == began_at
    assert told.take_dead_air() == [], "each is told once"


def test_each_silence_behind_a_filler_is_dead_air_of_its_own() -> None:
    told = floor()
    run(told, 11.0, lambda at: replace(QUIET, owed=True))
    assert [round(began, 1) for began in told.take_dead_air()] == [0.0, 5.6]
