"""The ends of a call, in a time that the test tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.ending import APOLOGY_ANSWER, GOODBYE_S, GOODBYE_START_S, OUTCOMES, TRANSITIONS, Ending, Event, State
from agent.playout import Played

LATEST = 3  # the answer in which the model asks to hang up


def last_of(answer: int) -> Played:
    return Played(answer, "Chau.", 1.0, last=True)


@pytest.fixture
def asked() -> Ending:
    ending = Ending()
    ending.hang_up(0.0, LATEST)
    return ending


def test_a_goodbye_that_was_heard_completes_the_call(asked: Ending) -> None:
    asked.audio(1.0)
    due = asked.due
    assert due == 1.0 + GOODBYE_S
    asked.played(Played(LATEST + 1, "Chau.", 1.0), 2.0, LATEST + 1)
    assert not asked.over, "there is more of it"
    asked.played(last_of(LATEST + 1), 3.0, LATEST + 1)
    assert (asked.over, asked.outcome, asked.due) == (True, "completed", None)


def test_the_end_of_the_answer_before_is_no_goodbye(asked: Ending) -> None:
    asked.played(last_of(LATEST), 1.0, LATEST)
    assert not asked.over
    asked.played(last_of(LATEST + 1), 2.0, LATEST + 2)
    assert not asked.over, "another answer has followed it"


def test_a_goodbye_that_does_not_begin_is_not_awaited(asked: Ending) -> None:
    assert asked.due == GOODBYE_START_S
    asked.late(asked.due, LATEST, playing=False)
    assert (asked.over, asked.outcome) == (True, "completed")


def test_it_is_awaited_for_as_long_as_the_answer_before_is_being_heard(asked: Ending) -> None:
    for times in range(1, 4):
        assert asked.due == times * GOODBYE_START_S
        asked.late(asked.due, LATEST, playing=True)
        assert asked.state is State.AWAITING_GOODBYE
    asked.late(60.0, LATEST + 1, playing=True)
    assert asked.over, "the goodbye itself is what takes so long"


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
    asked.played(last_of(APOLOGY_ANSWER), 6.0, LATEST)
    assert (asked.over, asked.outcome) == (True, "failed")


def test_an_apology_that_never_returns_fails_the_call_as_well(asked: Ending) -> None:
    asked.lost(1.0, apology_s=5.0)
    asked.late(21.0, LATEST, playing=True)
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
    waiting = {State.AWAITING_GOODBYE, State.SAYING_GOODBYE, State.APOLOGISING}
    assert all((seconds is not None) is (after in waiting) for _, _, after, seconds in moves())
    assert all(TRANSITIONS[TRANSITIONS[state][Event.LATE][0]] == {} for state in waiting)


def test_every_state_is_reached_by_a_move_and_has_an_outcome() -> None:
    assert {after for _, _, after, _ in moves()} == set(State) == set(OUTCOMES) == set(TRANSITIONS)
