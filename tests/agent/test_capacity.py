"""Places on a clock of our own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.capacity import Admission, CallCapacity
from tests.support.clocks import Seconds


def test_the_call_after_the_last_seat_is_refused() -> None:
    capacity = CallCapacity(2, clock=Seconds())
    assert [capacity.admit(call) for call in "abc"] == [Admission.ACCEPTED, Admission.ACCEPTED, Admission.FULL]


def test_a_call_that_rings_twice_holds_one_seat() -> None:
    capacity = CallCapacity(1, clock=Seconds())
    assert capacity.admit("a") is capacity.admit("a") is Admission.ACCEPTED
    assert capacity.taken == 1


def test_a_seat_whose_stream_never_starts_is_free_after_a_minute() -> None:
    clock = Seconds()
    capacity = CallCapacity(1, clock=clock)
    capacity.admit("a")
    clock.now = 59.9
    assert capacity.admit("b") is Admission.FULL
    clock.now = 60.0
    assert capacity.admit("b") is Admission.ACCEPTED
    assert not capacity.start("a"), "its place went to another call"


def test_a_started_call_keeps_its_seat_until_it_is_released() -> None:
    clock = Seconds()
    capacity = CallCapacity(1, clock=clock)
    capacity.admit("a")
    assert capacity.start("a")
    clock.now = 3600.0
    assert capacity.admit("b") is Admission.FULL
    assert capacity.live == 1
    capacity.release("a")
    capacity.release("a")
    assert capacity.admit("b") is Admission.ACCEPTED


def test_a_call_cannot_have_two_streams() -> None:
    capacity = CallCapacity(2, clock=Seconds())
    assert capacity.start("a")
    assert not capacity.start("a")


def test_while_draining_only_calls_that_were_admitted_start() -> None:
    capacity = CallCapacity(3, clock=Seconds())
    capacity.admit("a")
    capacity.drain()
    assert capacity.admit("b") is Admission.DRAINING
    assert not capacity.start("b")
    assert capacity.start("a")


@given(
    steps=st.lists(st.tuples(st.sampled_from(["admit", "start", "release"]), st.sampled_from("abcdef")), max_size=60)
)
def test_there_are_never_more_calls_than_seats(steps: list[tuple[str, str]]) -> None:
    capacity = CallCapacity(3, clock=Seconds())
    for step, call in steps:
        getattr(capacity, step)(call)
        assert 0 <= capacity.live <= capacity.taken <= 3
