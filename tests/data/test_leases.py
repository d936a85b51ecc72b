"""What leases promise, on both stores."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from data.leases import BEAT_S, LEASE_S, SKEW_S, StreamLeases, Taken, Terms, shard_sizes
from data.store import Store
from tests.support.clocks import Clock

EAST, WEST = "us-east-1", "us-west-2"


async def a_process(store: Store, name: str, clock: Clock, **streams: int) -> StreamLeases:
    regions = {region.replace("_", "-"): count for region, count in streams.items()} or {EAST: 20}
    leases = StreamLeases(lambda: store.backend, regions, name, clock)
    await leases.beat(seats=16, taken=0, draining=False)
    return leases


def test_a_region_is_split_into_shards_that_are_small_and_equal() -> None:
    assert [shard_sizes(streams) for streams in (1, 10, 20, 25)] == [[1], [10], [10, 10], [9, 8, 8]]
    assert sum(shard_sizes(437)) == 437


async def test_two_processes_never_have_more_than_there_are(store: Store, clock: Clock) -> None:
    one, other = await a_process(store, "one", clock), await a_process(store, "other", clock)
    asked = [process.take(f"{process.name}{n}", EAST) for n in range(13) for process in (one, other)]
    answers = await asyncio.gather(*asked)
    assert answers.count(Taken.OURS) == 20, "nobody is refused before all are taken"
    assert answers.count(Taken.FULL) == 6


async def test_what_is_given_back_is_free_for_others(store: Store, clock: Clock) -> None:
    one = await a_process(store, "one", clock, us_east_1=1)
    other = await a_process(store, "other", clock, us_east_1=1)
    assert await one.take("CA1", EAST) is Taken.OURS
    assert await one.take("CA1", EAST) is Taken.OURS, "a call that rings twice has one"
    assert await other.take("CA2", EAST) is Taken.FULL
    await other.give("CA1", EAST)
    assert await other.take("CA2", EAST) is Taken.FULL, "it was not the other's to give"
    await one.give("CA1", EAST)
    await one.give("CA1", EAST)
    assert await other.take("CA2", EAST) is Taken.OURS


async def test_some_streams_stay_free_for_who_may_have_them(store: Store, clock: Clock) -> None:
    one = await a_process(store, "one", clock, us_east_1=4)
    new = Terms(keep_free=1)
    answers = [await one.take(f"CA{n}", EAST, new) for n in range(4)]
    assert answers == [Taken.OURS] * 3 + [Taken.FULL]
    assert await one.take("CA0+1", EAST) is Taken.OURS
    assert await one.take("CA1+1", EAST) is Taken.FULL


async def test_no_more_than_a_part_of_the_streams_is_of_one_kind(store: Store, clock: Clock) -> None:
    one = await a_process(store, "one", clock)
    browsers = Terms(prefix="browser:", most=2)
    answers = [await one.take(f"browser:{n}", EAST, browsers) for n in range(3)]
    assert answers == [Taken.OURS, Taken.OURS, Taken.FULL]
    assert await one.take("CA1", EAST) is Taken.OURS


async def test_a_call_s_lease_goes_to_the_process_that_gets_its_media(store: Store, clock: Clock) -> None:
    one = await a_process(store, "one", clock, us_east_1=1, us_west_2=1)
    other = await a_process(store, "other", clock, us_east_1=1, us_west_2=1)
    await one.take("CA1", WEST)
    assert await one.moved(["CA1"]) == set()
    assert await other.take("CA1", WEST) is Taken.THEIRS, "its webhook came twice"
    assert await other.move("CA1", (EAST, WEST)) == WEST
    assert await one.moved(["CA1"]) == {"CA1"}
    await one.give("CA1", WEST)
    assert await one.take("CA2", WEST) is Taken.FULL, "it is the other's now"
    assert await other.move("CA3", (EAST, WEST)) is None


async def test_a_dead_process_s_leases_come_back_within_15_s_and_a_living_one_s_never_do(
    store: Store, clock: Clock
) -> None:
    dead, living = await a_process(store, "dead", clock, us_east_1=20), await a_process(store, "living", clock)
    heir = await a_process(store, "heir", clock)
    for n in range(10):
        await dead.take(f"CAd{n}", EAST)
        await living.take(f"CAl{n}", EAST)
    passed = 0.0
    while await heir.take("CAh0", EAST) is Taken.FULL:
        clock.advance(seconds=1)
        passed += 1
        if passed % BEAT_S == 0:
            await living.beat(seats=16, taken=10, draining=False)
            await heir.beat(seats=16, taken=0, draining=False)
    assert LEASE_S + SKEW_S <= passed <= 15
    answers = [await heir.take(f"CAh{n}", EAST) for n in range(1, 11)]
    assert answers == [Taken.OURS] * 9 + [Taken.FULL]
    assert [member.name for member in await heir.others()] == ["living"]


@pytest.mark.parametrize("apart_s", [-7, 7])
async def test_clocks_that_disagree_take_no_lease_from_the_living(store: Store, clock: Clock, apart_s: int) -> None:
    one = await a_process(store, "one", clock, us_east_1=1)
    other = await a_process(store, "other", Clock(clock.now + timedelta(seconds=apart_s)), us_east_1=1)
    await one.take("CA1", EAST)
    assert await other.take("CA2", EAST) is Taken.FULL


async def test_a_process_that_was_taken_for_dead_says_again_what_it_uses(store: Store, clock: Clock) -> None:
    one = await a_process(store, "one", clock, us_east_1=1)
    await one.take("CA1", EAST)
    clock.advance(seconds=60)
    other = await a_process(store, "other", clock, us_east_1=1)
    assert await other.take("CA2", EAST) is Taken.OURS
    await one.beat(seats=16, taken=1, draining=False)
    assert await one.audit(lambda: {"CA1"}) == {"CA1"}
    assert await one.take("CA1", EAST, anyway=True) is Taken.OURS
    await other.give("CA2", EAST)
    assert await other.take("CA3", EAST) is Taken.FULL


async def test_what_nobody_in_the_process_knows_of_is_given_back(store: Store, clock: Clock) -> None:
    one = await a_process(store, "one", clock)
    for call in ("CA1", "CA2"):
        await one.take(call, EAST)
    assert await one.audit(lambda: {"CA2"}) == set()
    assert await one.moved(["CA1", "CA2"]) == {"CA1"}


async def test_a_process_says_how_many_seats_it_has_until_it_leaves(store: Store, clock: Clock) -> None:
    one, other = await a_process(store, "one", clock), await a_process(store, "other", clock)
    await one.beat(seats=16, taken=16, draining=False)
    assert [member.has_seat for member in await other.others()] == [False]
    await one.beat(seats=16, taken=15, draining=False)
    assert [member.has_seat for member in await other.others()] == [True]
    await one.beat(seats=16, taken=3, draining=True)
    assert [member.has_seat for member in await other.others()] == [False]
    await one.leave()
    assert await other.others() == []
