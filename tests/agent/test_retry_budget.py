from __future__ import annotations

import pytest

from agent.sonic.budget import HEALTHY_S, INCIDENT_S, MAX_BACKOFF_S, MAX_OPENS, OPENS_WINDOW_S, RetryBudget
from tests.support.clocks import Seconds


def outage(budget: RetryBudget, clock: Seconds, dial_s: float = 0.0) -> list[float]:
    """Fail until the budget is spent; returns when each stream was dialled."""
    dialled = []
    while (wait := budget.failed()) is not None:
        clock.now += wait
        budget.opened()
        dialled.append(clock.now)
        clock.now += dial_s
    return dialled


def test_the_first_try_follows_at_once_and_the_others_back_off() -> None:
    clock = Seconds(100.0)
    dialled = outage(RetryBudget(clock, jitter=lambda: 1.0), clock)
    waits = [after - before for before, after in zip([100.0, *dialled], dialled, strict=False)]
    assert waits[:5] == [0.0, 0.5, 1.0, 2.0, MAX_BACKOFF_S]


def test_an_incident_is_over_after_some_seconds_however_fast_or_slow_streams_fail() -> None:
    for dial_s in (0.0, 0.1, 3.0):
        clock = Seconds()
        dialled = outage(RetryBudget(clock, jitter=lambda: 0.3), clock, dial_s)
        assert dialled[-1] < INCIDENT_S
        assert len(dialled) <= MAX_OPENS


def test_jitter_of_nothing_is_still_bounded_by_the_opens_of_a_minute() -> None:
    clock = Seconds()
    assert len(outage(RetryBudget(clock, jitter=lambda: 0.0), clock)) <= MAX_OPENS


def test_an_event_refills_nothing_and_an_answer_that_was_heard_does() -> None:
    clock = Seconds()
    budget = RetryBudget(clock, jitter=lambda: 1.0)
    outage(budget, clock)
    assert budget.failed() is None
    budget.progress()
    assert budget.failed() == 0.0


def test_a_call_dials_no_more_than_so_many_streams_a_minute_whatever_was_heard_of_them() -> None:
    clock = Seconds()
    budget = RetryBudget(clock)
    opens: list[float] = []
    while clock.now < 10 * OPENS_WINDOW_S:
        if (wait := budget.failed()) is not None:
            clock.now += wait
            budget.opened()
            opens.append(clock.now)
        clock.now += 0.3  # the first syllable of an answer
        budget.progress()
    assert max(sum(at <= other < at + OPENS_WINDOW_S for other in opens) for at in opens) <= MAX_OPENS


def test_one_try_is_owed_even_where_the_caller_has_waited_long_already() -> None:
    clock = Seconds(50.0)
    budget = RetryBudget(clock)
    assert budget.failed(since=38.0) == 0.0
    assert budget.failed() is None


def test_a_stream_that_nobody_waits_for_leaves_room_for_one_that_somebody_does() -> None:
    clock = Seconds()
    budget = RetryBudget(clock)
    for _ in range(MAX_OPENS // 2):
        assert budget.allows_another
        budget.opened()
    assert not budget.allows_another
    assert budget.failed() == 0.0
    clock.now += OPENS_WINDOW_S + 1
    assert budget.allows_another


def test_health_takes_longer_than_an_incident() -> None:
    assert HEALTHY_S > INCIDENT_S


@pytest.mark.parametrize("tries", [1, 4, 50])
def test_back_off_never_grows_beyond_its_bound(tries: int) -> None:
    clock = Seconds()
    budget = RetryBudget(clock, jitter=lambda: 1.0)
    for _ in range(tries):
        wait = budget.failed()
        assert wait is None or wait <= MAX_BACKOFF_S
