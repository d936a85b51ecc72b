"""The ends of a call, in a time that the test tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.ending import (
    CHECK_S,
    CUT_S,
    FIRST_ANSWER,
    GOODBYE_S,
    GOODBYE_START_S,
    GRACE_S,
    HEARD_BY_S,
    OUTCOMES,
    SPEAKS_BY_S,
    TRANSITIONS,
    Ending,
    Event,
    State,
)
from agent.playout import Played

LATEST = 3  # the answer in which the model asks to hang up


def last_of(answer: int) -> Played:
    return Played(answer, "Chau.", 1.0, last=True)


@pytest.fixture
def asked() -> Ending:
    ending = Ending()
    ending.hang_up(0.0, LATEST, goodbye_said=False)
    return ending


@pytest.fixture
def said_before() -> Ending:
    """The model said goodbye in its latest answer, which is still being heard, and then asked to hang up."""
    ending = Ending()
    ending.hang_up(0.0, LATEST, goodbye_said=True)
    return ending


def test_a_goodbye_that_came_first_is_heard_out_and_needs_no_second_one(said_before: Ending) -> None:
    assert said_before.due == CHECK_S
    said_before.late(CHECK_S, LATEST, playing=True, speaking=False)
    assert (said_before.state, said_before.over) == (State.GOODBYE_SAID, False)
    said_before.played(last_of(LATEST), 2.0, LATEST)
    assert (said_before.state, said_before.due) == (State.LAST_WORD, 2.0 + GRACE_S)
    said_before.late(2.0 + GRACE_S, LATEST, playing=False, speaking=False)
    assert (said_before.over, said_before.outcome) == (True, "completed")


def test_a_goodbye_whose_end_is_not_told_is_over_when_nothing_is_heard_any_more(said_before: Ending) -> None:
    said_before.late(CHECK_S, LATEST, playing=False, speaking=False)
    assert (said_before.state, said_before.due) == (State.LAST_WORD, CHECK_S + GRACE_S)


def test_a_last_word_after_the_goodbye_is_heard_to_its_end(said_before: Ending) -> None:
    said_before.played(last_of(LATEST), 1.0, LATEST)
    said_before.audio(2.0)
    said_before.played(last_of(LATEST), 2.5, LATEST + 1)
    assert said_before.due == 2.0 + GOODBYE_S, "another answer has begun"
    said_before.played(last_of(LATEST + 1), 4.0, LATEST + 1)
    assert said_before.state is State.LAST_WORD


def test_a_last_word_in_the_same_answer_is_heard_to_its_end(said_before: Ending) -> None:
    said_before.late(CHECK_S, LATEST, playing=False, speaking=False)
    said_before.late(CHECK_S + GRACE_S, LATEST, playing=True, speaking=False)
    assert said_before.state is State.GOODBYE_SAID


def test_a_caller_who_has_more_to_say_after_a_goodbye_that_came_first_is_not_hung_up_on(said_before: Ending) -> None:
    said_before.played(last_of(LATEST), 1.0, LATEST)
    said_before.caller_spoke(2.0)
    assert (said_before.state, said_before.due) == (State.TALKING, None)


def test_a_line_that_never_confirms_what_it_played_keeps_nobody_for_ever(said_before: Ending) -> None:
    said_before.late(HEARD_BY_S, LATEST, playing=True, speaking=False)
    said_before.late(HEARD_BY_S + GRACE_S, LATEST, playing=True, speaking=False)
    assert said_before.over


def test_a_goodbye_that_was_heard_completes_the_call(asked: Ending) -> None:
    asked.audio(1.0)
    due = asked.due
    assert due == 1.0 + GOODBYE_S
    asked.played(Played(LATEST + 1, "Chau.", 1.0), 2.0, LATEST + 1)
    assert asked.due == due, "there is more of it"
    asked.played(last_of(LATEST + 1), 3.0, LATEST + 1)
    assert (asked.over, asked.due) == (False, 3.0 + GRACE_S), "the line stays open for a moment"
    asked.late(3.0 + GRACE_S, LATEST + 1, playing=False, speaking=False)
    assert (asked.over, asked.outcome) == (True, "completed")


def test_the_end_of_the_answer_before_is_no_goodbye(asked: Ending) -> None:
    asked.played(last_of(LATEST), 1.0, LATEST)
    assert not asked.over
    asked.played(last_of(LATEST + 1), 2.0, LATEST + 2)
    assert not asked.over, "another answer has followed it"


def test_a_goodbye_that_does_not_begin_is_not_awaited(asked: Ending) -> None:
    assert asked.due == GOODBYE_START_S
    asked.late(asked.due, LATEST, playing=False, speaking=False)
    assert (asked.over, asked.outcome) == (True, "completed")


def test_it_is_awaited_for_as_long_as_the_answer_before_is_being_heard(asked: Ending) -> None:
    for times in range(1, 4):
        assert asked.due == times * GOODBYE_START_S
        asked.late(asked.due, LATEST, playing=True, speaking=False)
        assert asked.state is State.AWAITING_GOODBYE
    asked.late(60.0, LATEST + 1, playing=True, speaking=False)
    assert asked.over, "the goodbye itself is what takes so long"


def test_the_line_is_open_for_as_long_as_the_call_says() -> None:
    ending = Ending(grace_s=0.3)
    ending.hang_up(0.0, LATEST, goodbye_said=False)
    ending.audio(1.0)
    ending.played(last_of(LATEST + 1), 2.0, LATEST + 1)
    assert ending.due == 2.3


def test_a_line_that_does_not_stay_is_over_when_the_last_word_was_heard() -> None:
    ending = Ending()
    ending.hang_up(0.0, LATEST, goodbye_said=False, stays=False)
    ending.audio(1.0)
    ending.played(last_of(LATEST + 1), 2.0, LATEST + 1)
    assert ending.due == 2.0
    ending.late(2.0, LATEST + 1, playing=False, speaking=False)
    assert ending.over
    ending = Ending()
    ending.hang_up(0.0, LATEST, goodbye_said=False, stays=False)
    ending.caller_spoke(0.5)
    ending.hang_up(1.0, LATEST, goodbye_said=False)
    ending.audio(1.5)
    ending.played(last_of(LATEST + 1), 2.0, LATEST + 1)
    assert ending.due == 2.0 + GRACE_S, "it is another goodbye"


@pytest.mark.parametrize("heard", [False, True])
def test_no_time_runs_out_while_the_caller_speaks(asked: Ending, heard: bool) -> None:
    asked.audio(1.0)
    if heard:
        asked.played(last_of(LATEST + 1), 2.0, LATEST + 1)
    state, now = asked.state, 2.0
    while now < 20.0:
        assert asked.due is not None
        now = asked.due
        asked.late(now, LATEST + 1, playing=False, speaking=now > 3.0)
        assert (asked.state, asked.over) == (state, False)
    asked.caller_spoke(now)
    assert (asked.state, asked.due) == (State.TALKING, None)


def test_a_television_keeps_no_line_open(asked: Ending) -> None:
    while not asked.over:
        assert asked.due is not None
        asked.late(asked.due, LATEST, playing=False, speaking=True)
        assert asked.due is None or asked.due <= SPEAKS_BY_S + CHECK_S


def test_a_noise_that_ends_the_goodbye_at_the_model_lets_it_be_heard_and_nothing_is_awaited_after_it(
    asked: Ending,
) -> None:
    asked.audio(1.0)
    asked.cut(2.0)
    assert (asked.state, asked.due) == (State.GOODBYE_SAID, 2.0 + CUT_S)
    asked.late(2.0 + CUT_S, LATEST + 1, playing=True, speaking=False)
    assert asked.state is State.GOODBYE_SAID, "what has come of it is still being played"
    asked.played(last_of(LATEST + 1), 5.0, LATEST + 1)
    asked.late(5.0 + GRACE_S, LATEST + 1, playing=False, speaking=False)
    assert (asked.over, asked.outcome) == (True, "completed")


def test_a_noise_before_the_goodbye_has_begun_costs_a_few_seconds_and_no_more(asked: Ending) -> None:
    asked.cut(1.0)
    asked.late(1.0 + CUT_S, LATEST, playing=False, speaking=False)
    assert asked.due == 1.0 + CUT_S + GRACE_S
    asked.late(1.0 + CUT_S + GRACE_S, LATEST, playing=False, speaking=False)
    assert asked.over


def test_a_caller_who_says_nothing_is_said_goodbye_to_and_may_still_answer() -> None:
    ending = Ending()
    ending.silent(0.0, goodbye_s=3.0)
    assert (ending.due, ending.outcome) == (3.0 + GOODBYE_S, "inactivity")
    ending.played(last_of(FIRST_ANSWER - 2), 3.0, LATEST)
    assert ending.due == 3.0 + GRACE_S
    ending.caller_spoke(4.0)
    assert (ending.state, ending.outcome) == (State.TALKING, "caller_left")


def test_a_caller_who_says_nothing_to_the_goodbye_either_is_hung_up_on() -> None:
    ending = Ending()
    ending.silent(0.0, goodbye_s=3.0)
    ending.played(last_of(FIRST_ANSWER - 2), 3.0, LATEST)
    ending.late(3.0 + GRACE_S, LATEST, playing=False, speaking=False)
    assert (ending.over, ending.outcome) == (True, "inactivity")


def test_nothing_stops_the_goodbye_at_the_limit(asked: Ending) -> None:
    asked.time_up(1.0, goodbye_s=4.0)
    asked.caller_spoke(2.0)
    asked.audio(2.0)
    asked.late(3.0, LATEST, playing=True, speaking=True)
    assert asked.outcome == "too_long"
    assert asked.over


def test_a_caller_who_has_more_to_say_is_not_hung_up_on(asked: Ending) -> None:
    asked.audio(1.0)
    asked.caller_spoke(2.0)
    assert (asked.state, asked.due, asked.outcome) == (State.TALKING, None, "caller_left")
    asked.played(last_of(LATEST + 1), 3.0, LATEST + 1)
    assert not asked.over


def test_an_apology_is_heard_out_and_fails_the_call_whatever_the_caller_does(asked: Ending) -> None:
    asked.lost(1.0, apology_s=5.0)
    assert asked.due == 1.0 + 5.0 + GOODBYE_S
    asked.caller_spoke(2.0)
    asked.played(last_of(LATEST), 3.0, LATEST)
    assert (asked.state, asked.outcome) == (State.APOLOGISING, "failed")
    asked.played(last_of(FIRST_ANSWER - 1), 6.0, LATEST)
    assert (asked.over, asked.outcome) == (True, "failed")


def test_an_apology_that_never_returns_fails_the_call_as_well(asked: Ending) -> None:
    asked.lost(1.0, apology_s=5.0)
    asked.late(21.0, LATEST, playing=True, speaking=False)
    assert (asked.over, asked.outcome) == (True, "failed")


def test_a_call_that_only_talks_awaits_nothing_and_does_not_end() -> None:
    ending = Ending()
    ending.audio(1.0)
    ending.caller_spoke(2.0)
    ending.played(last_of(1), 3.0, 1)
    assert (ending.state, ending.due, ending.over) == (State.TALKING, None, False)


def moves() -> Iterator[tuple[State, Event, State, float | None]]:
    for state, table in TRANSITIONS.items():
        for event, (after, seconds) in table.items():
            yield state, event, after, seconds


def test_what_waits_for_an_end_has_a_time_limit_and_what_does_not_has_none() -> None:
    own = {State.NO_ANSWER, State.NO_ANSWER_SAID, State.TIME_UP, State.APOLOGISING}
    ends = {State.AWAITING_GOODBYE, State.SAYING_GOODBYE, State.LAST_WORD, *own}
    waiting = {*ends, State.GOODBYE_SAID}
    assert all((seconds is not None) is (after in waiting) for _, _, after, seconds in moves())
    assert all(TRANSITIONS[TRANSITIONS[state][Event.LATE][0]] == {} for state in ends)
    assert TRANSITIONS[State.GOODBYE_SAID][Event.LATE][0] in ends


def test_every_state_is_reached_by_a_move_and_has_an_outcome() -> None:
    assert {after for _, _, after, _ in moves()} == set(State) == set(OUTCOMES) == set(TRANSITIONS)


def test_a_caller_who_was_away_gets_all_of_the_time_that_is_left_for_a_goodbye(asked: Ending) -> None:
    asked.audio(1.0)
    assert asked.due == 1.0 + GOODBYE_S
    asked.wait_anew(100.0)
    assert (asked.state, asked.due) == (State.SAYING_GOODBYE, 100.0 + GOODBYE_S)
    asked.caller_spoke(101.0)
    asked.wait_anew(200.0)
    assert asked.due is None, "nothing is awaited"
