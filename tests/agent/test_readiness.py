"""Whether a process may have calls, from what it has seen; on a clock of the test's."""

from __future__ import annotations

import pytest

from agent.readiness import GRACE_S, NOT_YET, Part, Readiness
from tests.support.clocks import Seconds

DOWN_S = GRACE_S[Part.SONIC]


@pytest.fixture
def clock() -> Seconds:
    return Seconds(1000.0)


def proven(clock: Seconds) -> Readiness:
    readiness = Readiness(clock)
    for part in Part:
        readiness.worked(part)
    return readiness


def test_a_process_has_no_calls_before_every_part_has_worked_once(clock: Seconds) -> None:
    readiness = Readiness(clock)
    assert readiness.told() == {"store": NOT_YET, "sonic": NOT_YET}
    readiness.worked(Part.SONIC)
    assert not readiness.may_have_calls()
    readiness.worked(Part.STORE)
    assert readiness.may_have_calls()
    assert readiness.told() == {"store": "ok", "sonic": "ok"}


def test_what_never_worked_is_not_ready_however_short_its_fault(clock: Seconds) -> None:
    readiness = Readiness(clock)
    readiness.worked(Part.SONIC)
    readiness.failed(Part.STORE, "the table orders cannot be read")
    assert not readiness.may_have_calls()
    assert readiness.told()["store"] == "the table orders cannot be read"


def test_one_answer_of_the_store_does_not_prove_all_of_it(clock: Seconds) -> None:
    readiness = Readiness(clock)
    readiness.worked(Part.SONIC)
    readiness.failed(Part.STORE, "the index StatusIndex of orders cannot be read")
    readiness.answered(Part.STORE)
    assert not readiness.may_have_calls()
    assert not readiness.works(Part.STORE)


def test_a_store_that_fails_later_takes_no_calls_away(clock: Seconds) -> None:
    readiness = proven(clock)
    readiness.failed(Part.STORE, "dynamodb: ConnectTimeoutError")
    clock.now += 1e6
    assert readiness.may_have_calls()
    assert readiness.fails(Part.STORE)
    assert readiness.told()["store"] == "dynamodb: ConnectTimeoutError"
    readiness.answered(Part.STORE)
    assert not readiness.fails(Part.STORE)


def test_a_sonic_that_does_nothing_but_fail_does_after_a_while(clock: Seconds) -> None:
    readiness = proven(clock)
    readiness.failed(Part.SONIC, "refused")
    clock.now += DOWN_S - 1
    readiness.failed(Part.SONIC, "lost")
    assert readiness.may_have_calls()
    clock.now += 1
    assert not readiness.may_have_calls()
    assert readiness.told()["sonic"] == "lost"
    readiness.worked(Part.SONIC)
    assert readiness.may_have_calls()


def test_one_stream_that_is_accepted_begins_the_time_anew(clock: Seconds) -> None:
    readiness = proven(clock)
    for _ in range(10):
        readiness.failed(Part.SONIC, "lost")
        clock.now += DOWN_S / 2
        readiness.worked(Part.SONIC)
    readiness.failed(Part.SONIC, "lost")
    clock.now += DOWN_S / 2
    assert readiness.may_have_calls()


def test_a_sonic_without_a_free_stream_is_reached_and_says_so(clock: Seconds) -> None:
    readiness = Readiness(clock)
    readiness.worked(Part.STORE)
    readiness.failed(Part.SONIC, "throttled", reached=True)
    assert readiness.may_have_calls()
    assert readiness.told()["sonic"] == "throttled"
    clock.now += DOWN_S - 1
    readiness.failed(Part.SONIC, "throttled", reached=True)
    clock.now += DOWN_S - 1
    assert readiness.may_have_calls()


def test_what_was_not_looked_at_yet_does_not_fail(clock: Seconds) -> None:
    readiness = Readiness(clock)
    assert not readiness.fails(Part.STORE)
    assert not readiness.works(Part.STORE)
