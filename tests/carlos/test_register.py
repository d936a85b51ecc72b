"""One table of calls for several processes, on a clock of our own."""

from __future__ import annotations

import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.caller_limits import CallerLimits
from agent.capacity import Admission, CallCapacity
from carlos.processes.register import LOAD_TOLERANCE_CALLS, MAX_ENDED_CALLS, Register
from tests.support.clocks import Seconds


def shared(
    processes: int,
    capacity: int,
    clock: Seconds,
    limits: CallerLimits = CallerLimits(),  # noqa: B008 - frozen
    *,
    seats_ringing: bool = True,
) -> list[Register]:
    """One register, as each process sees it."""
    fd = Register.create(processes, capacity).fd
    seen = [
        Register(fd, processes, capacity, number, clock=clock, limits=limits, seats_ringing=seats_ringing)
        for number in range(processes)
    ]
    for register in seen:
        register.open()
    return seen


@pytest.fixture
def clock() -> Seconds:
    return Seconds(100.0)


@pytest.fixture
def two(clock: Seconds) -> list[Register]:
    """Two processes with two places."""
    return shared(2, 2, clock)


def test_the_call_after_the_last_seat_is_refused_whoever_took_the_others(two: list[Register]) -> None:
    one, other = two
    assert one.admit("a") is other.admit("b") is Admission.ACCEPTED
    assert one.admit("c") is other.admit("c") is Admission.FULL
    one.release("a")
    assert other.admit("c") is Admission.ACCEPTED


def test_browsers_have_seats_of_their_own_and_the_phone_is_never_busy_for_them(clock: Seconds) -> None:
    fd = Register.create(2, 2, 3).fd
    one, other = (Register(fd, 2, 2, number, browsers=3, clock=clock) for number in range(2))
    started = [register.browsers.start(f"browser {n}") for n, register in enumerate([one, other] * 3)]
    assert started == [True, True, True, False, False, False]
    assert (one.browsers.live, one.live, one.taken) == (3, 0, 0)
    assert one.admit("a") is other.admit("b") is Admission.ACCEPTED
    assert other.admit("c") is Admission.FULL
    assert (other.browsers.taken, other.taken) == (3, 2)
    assert one.holder("browser 1") == 1, "a browser's call is found by its id, too"
    one.drain()
    assert not one.browsers.draining
    other.browsers.release("browser 1")
    assert one.browsers.start("browser 3")
    other.clear(0)
    assert (other.browsers.live, other.taken) == (0, 1)


def test_a_call_that_rings_twice_holds_one_seat(two: list[Register]) -> None:
    assert [register.admit("a") for register in two] == [Admission.ACCEPTED] * 2
    assert two[0].taken == 1
    assert two[1].holder("a") == 0


def test_a_seat_is_taken_where_the_stream_starts(two: list[Register]) -> None:
    one, other = two
    one.admit("a")
    assert other.start("a")
    assert (one.holder("a"), one.taken, one.live) == (1, 1, 1)
    assert not one.start("a"), "a call has one stream"
    one.release("a")
    assert other.live == 1, "another process's place is not ours to free"


def test_a_seat_whose_stream_never_starts_is_free_after_a_minute(two: list[Register], clock: Seconds) -> None:
    one, other = two
    for call in "ab":
        one.admit(call)
    clock.now += 59.9
    assert other.admit("c") is Admission.FULL
    clock.now += 0.1
    assert [other.admit(call) for call in "cd"] == [Admission.ACCEPTED] * 2
    assert not one.start("a"), "its place went to another call"


def test_a_started_call_keeps_its_seat_until_it_is_released(two: list[Register], clock: Seconds) -> None:
    one, other = two
    assert one.start("a")
    clock.now += 3600
    assert "a" in other
    one.release("a")
    one.release("a")
    assert "a" not in other
    assert other.taken == 0


def test_a_process_that_drains_starts_what_it_admitted_and_others_admit_on(two: list[Register]) -> None:
    one, other = two
    one.admit("a")
    one.drain()
    assert one.admit("b") is Admission.DRAINING
    assert one.start("a")
    assert other.admit("b") is Admission.ACCEPTED
    assert {one.place_for(f"{n}") for n in range(50)} == {1}


def test_the_seats_of_a_process_that_died_are_free_and_nobody_holds_its_calls(two: list[Register]) -> None:
    one, other = two
    one.start("a")
    one.admit("b")
    other.clear(0)
    assert (other.taken, other.holder("a"), other.holder("b")) == (0, None, None)
    assert {other.place_for(f"{n}") for n in range(50)} == {1}
    assert other.start("a")


def test_a_call_of_a_process_that_is_gone_is_taken_by_who_is_asked(two: list[Register]) -> None:
    one, other = two
    one.start("a")
    other.disown("a", 1)
    assert other.holder("a") == 0, "it is no more process 1's"
    other.disown("a", 0)
    assert other.start("a")
    assert one.holder("a") == 1


def test_a_call_that_is_refused_is_nobodys_and_whoever_is_asked_next_may_take_it(two: list[Register]) -> None:
    one, other = two
    one.drain()
    assert one.admit("a", "+54911") is Admission.DRAINING
    assert one.holder("a") is None, "its next request goes to a process that takes calls"
    assert other.admit("a", "+54911") is Admission.ACCEPTED
    assert (one.holder("a"), one.taken) == (1, 1)


def test_where_media_may_come_to_another_host_a_call_that_rings_here_has_no_seat_before_it_came(
    clock: Seconds,
) -> None:
    one, other = shared(2, 2, clock, seats_ringing=False)
    assert [one.admit(call) for call in "abc"] == [Admission.ACCEPTED] * 3
    assert (one.taken, one.holds("a"), other.holds("a")) == (0, True, True)
    assert other.start("a"), "its media came to another process of this host"
    assert one.start("b")
    assert (one.taken, one.live) == (2, 2)
    assert not one.start("c"), "there are two seats, whatever rang"
    assert other.admit("d") is Admission.FULL
    other.release("a")
    assert one.start("c")
    clock.now += 60
    assert not one.holds("a")


def test_who_held_a_call_is_known_after_its_end_for_the_last_thousand(clock: Seconds) -> None:
    one, other = shared(2, 1, clock)
    for number in range(MAX_ENDED_CALLS + 1):
        clock.now += 1
        one.start(f"call {number}")
        one.release(f"call {number}")
    assert other.holder("call 0") == 0
    clock.now += 1
    other.start("one more")
    assert (other.holder("call 0"), other.holder("call 1"), other.holder("one more")) == (None, 0, 1)


def test_new_calls_go_where_there_are_fewest(clock: Seconds) -> None:
    seen = shared(3, 1000, clock)
    for number in range(300):
        seen[seen[0].place_for(f"call {number}")].start(f"call {number}")
    held = [sum(seen[0].holder(f"call {number}") == process for number in range(300)) for process in range(3)]
    assert max(held) - min(held) <= LOAD_TOLERANCE_CALLS + 1


def test_calls_that_ring_at_once_do_not_all_go_the_same_way(clock: Seconds) -> None:
    first, _ = shared(2, 1000, clock)
    first.start("a call that is on")
    assert {first.place_for(f"call {number}") for number in range(20)} == {0, 1}


def test_a_call_goes_nowhere_else_where_no_process_takes_any(clock: Seconds) -> None:
    _, other = shared(2, 10, clock)
    other.clear(0)
    other.clear(1)
    assert other.place_for("a") == 1


def test_a_call_without_a_name_is_nobodys(two: list[Register]) -> None:
    assert two[0].holder("") is None
    assert "" not in two[0]


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["admit", "start", "release", "clear"]), st.integers(0, 1), st.sampled_from("abcdef")
        ),
        max_size=60,
    )
)
def test_there_are_never_more_calls_than_seats(steps: list[tuple[str, int, str]]) -> None:
    seen = shared(2, 3, Seconds(100.0))
    for step, process, call in steps:
        getattr(seen[process], step)(process if step == "clear" else call)
        assert 0 <= seen[0].live <= seen[1].taken <= 3


TAKER = """
import sys
from agent.caller_limits import CallerLimits
from agent.capacity import Admission, CallCapacity
from carlos.processes.register import Register
register = Register(int(sys.argv[1]), 2, 1, int(sys.argv[2]))
sys.stdin.readline()
accepted = wrong = n = 0
while n < int(sys.argv[3]) or not accepted:  # the other one may be stopped for long while it has the seat
    n += 1
    call = f"{sys.argv[2]} {n}"
    if register.admit(call) is Admission.ACCEPTED:
        accepted += 1
        wrong += (register.taken, register.holder(call)) != (1, register.number)
        register.release(call)
print(accepted, wrong)
"""
ROUNDS = 5000


@pytest.mark.slow
async def test_two_processes_never_both_take_the_last_seat() -> None:
    register = Register.create(2, 1)
    pipe = asyncio.subprocess.PIPE
    takers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", TAKER, str(register.fd), str(number), str(ROUNDS)),
            stdin=pipe,
            stdout=pipe,
            pass_fds=[register.fd],
        )
        for number in range(2)
    ]
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write(b"go\n")
    counts = [[int(word) for word in (await taker.communicate())[0].split()] for taker in takers]
    assert all(accepted for accepted, _ in counts)
    assert [wrong for _, wrong in counts] == [0, 0]
    assert register.taken == 0


def test_a_number_holds_so_many_places_over_all_processes(clock: Seconds) -> None:
    one, other = shared(2, 9, clock, CallerLimits(seats=2))
    assert one.admit("a", "+54911") is other.admit("b", "+54911") is Admission.ACCEPTED
    assert other.start("a")
    assert one.admit("c", "+54911") is other.admit("d", "+54911") is Admission.SEATED
    assert other.admit("e", "+54912") is Admission.ACCEPTED
    assert one.admit("f") is other.admit("g") is one.admit("h") is Admission.ACCEPTED, "a withheld number is nobody's"
    assert other.holds("b")
    assert not other.holds("c")
    other.release("a")
    assert one.admit("c", "+54911") is Admission.ACCEPTED
    other.clear(0)
    assert other.admit("i", "+54911") is Admission.ACCEPTED, "a process that died holds nobody's places"


def test_a_number_rings_so_often_a_minute_over_all_processes(clock: Seconds) -> None:
    one, other = shared(2, 1, clock, CallerLimits(calls_per_minute=3))
    told = [register.admit(call, "+54911") for register, call in ((one, "a"), (other, "b"), (one, "c"), (other, "d"))]
    assert told == [Admission.ACCEPTED, Admission.FULL, Admission.FULL, Admission.TOO_OFTEN]
    assert other.admit("b", "+54911") is Admission.FULL, "asked twice it is one call"
    clock.now += 60
    assert other.admit("e", "+54911") is Admission.ACCEPTED, "its minute is over, and the place that was held is free"


def test_a_call_that_goes_on_is_still_its_callers(clock: Seconds) -> None:
    one, other = shared(2, 9, clock, CallerLimits(seats=1))
    assert one.admit("a", "+54911") is Admission.ACCEPTED
    assert one.start("a")
    one.release("a")
    assert other.admit("a") is Admission.ACCEPTED, "its next stream"
    assert other.start("a")
    assert one.admit("b", "+54911") is Admission.SEATED


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["admit", "admit", "start", "release", "later"]),
            st.sampled_from("abcdefgh"),
            st.sampled_from(["", "+54911", "+54912"]),
        ),
        max_size=40,
    ),
    seats_ringing=st.booleans(),
)
def test_one_process_and_several_let_the_same_calls_in(
    steps: list[tuple[str, str, str]], *, seats_ringing: bool
) -> None:
    clock, limits = Seconds(100.0), CallerLimits(seats=2, calls_per_minute=3)
    capacity = CallCapacity(3, clock=clock, limits=limits, seats_ringing=seats_ringing)
    (register,) = shared(1, 3, clock, limits, seats_ringing=seats_ringing)
    for step, call, caller in steps:
        clock.now += 20.0 if step == "later" else 0.5
        if step == "admit":
            assert capacity.admit(call, caller) is register.admit(call, caller)
        elif step != "later":
            assert getattr(capacity, step)(call) is getattr(register, step)(call)
        assert (capacity.taken, capacity.live, capacity.holds(call)) == (
            register.taken, register.live, register.holds(call)
        )  # fmt: skip
