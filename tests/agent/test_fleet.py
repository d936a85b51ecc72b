"""Processes that share Sonic's streams, on a clock of their own and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.capacity import Admission, CallCapacity
from agent.fleet import MAX_TRIES, Fleet, Seats
from agent.regions import Need, RegionPlan
from agent.sonic.errors import SonicThrottled
from bench.fleet.memory import MemoryBackend
from data.leases import BEAT_S, StreamLeases
from tests.support.virtual_loop import run_virtually

EAST, WEST = "us-east-1", "us-west-2"


def now() -> datetime:
    return datetime.fromtimestamp(1e9 + asyncio.get_running_loop().time(), UTC)


@dataclass
class Process:
    """Seats and leases of one, as a server has them."""

    fleet: Fleet
    capacity: CallCapacity
    beating: asyncio.Task[None] | None = None

    async def ring(self, call: str, tries: int | None = None) -> Admission:
        return await self.fleet.answer(call, self.capacity.admit(call), tries=tries)

    async def media(self, call: str) -> bool:
        return self.capacity.start(call) and await self.fleet.start(call)

    def end(self, call: str) -> None:
        self.capacity.release(call)
        self.fleet.release(call)

    def kill(self) -> None:
        assert self.beating is not None
        self.beating.cancel()


@dataclass
class Town:
    """A store, and the processes over it."""

    plan: RegionPlan
    store: MemoryBackend = field(default_factory=lambda: MemoryBackend(latency_s=0.005))
    down: set[str] = field(default_factory=set)
    processes: list[Process] = field(default_factory=list)

    async def open(self, seats: int = 16) -> Process:
        capacity = CallCapacity(seats, clock=asyncio.get_running_loop().time)
        leases = StreamLeases(lambda: self.store, self.plan.streams, f"p{len(self.processes)}", now)
        fleet = Fleet(
            self.plan,
            Seats(seats, lambda: capacity.taken, lambda: capacity.draining, capacity.holds, capacity.release),
            leases,
            self.down.__contains__,
        )
        process = Process(fleet, capacity)
        await fleet.beat()
        process.beating = asyncio.create_task(fleet.run())
        self.processes.append(process)
        return process

    async def close(self) -> None:
        for process in self.processes:
            process.kill()
            await process.fleet.close()


def in_a_town(streams: dict[str, int], story: Callable[[Town], Awaitable[Any]], headroom: int = 0) -> None:
    async def told() -> None:
        town = Town(RegionPlan(streams, headroom))
        await story(town)
        await town.close()

    run_virtually(told())


async def rings(town: Town, calls: int) -> list[Admission]:
    """Calls that ring at once, one at each process in turn."""
    processes = town.processes
    return await asyncio.gather(*(processes[n % len(processes)].ring(f"CA{n}") for n in range(calls)))


@pytest.mark.parametrize(("headroom", "taken"), [(0, 40), (2, 36), (5, 30)])
def test_two_regions_of_twenty_take_forty_calls_less_the_headroom(headroom: int, taken: int) -> None:
    async def story(town: Town) -> None:
        for _ in range(4):
            await town.open()
        answers = await rings(town, 44)
        assert answers.count(Admission.ACCEPTED) == taken
        assert answers.count(Admission.EXHAUSTED) == 44 - taken
        assert sum(process.capacity.taken for process in town.processes) == taken, "who is refused keeps no seat"
        regions = [lease.region for process in town.processes for lease in process.fleet.leased]
        assert regions.count(EAST) == regions.count(WEST) == taken / 2

    in_a_town({EAST: 20, WEST: 20}, story, headroom)


def test_a_killed_process_gives_its_ten_leases_back_within_15_s() -> None:
    async def story(town: Town) -> None:
        dead, heir = await town.open(), await town.open()
        for n in range(10):
            assert await dead.ring(f"CA{n}") is Admission.ACCEPTED
            assert await dead.media(f"CA{n}")
        assert await heir.ring("CA10") is Admission.EXHAUSTED
        dead.kill()
        await asyncio.sleep(15)
        assert [await heir.ring(f"CA{n}") for n in range(11, 21)] == [Admission.ACCEPTED] * 10
        assert await heir.ring("CA21") is Admission.EXHAUSTED

    in_a_town({EAST: 10}, story)


def test_a_region_that_is_down_is_passed_over() -> None:
    async def story(town: Town) -> None:
        process = await town.open()
        town.down.add(EAST)
        await process.ring("CA1")
        town.down.clear()
        await process.ring("CA2")
        assert [lease.region for lease in process.fleet.leased] == [WEST, EAST]

    in_a_town({EAST: 20, WEST: 20}, story)


def test_media_at_another_process_leaves_one_lease_and_one_seat() -> None:
    async def story(town: Town) -> None:
        rang, talks = await town.open(), await town.open()
        assert await rang.ring("CA1") is Admission.ACCEPTED
        assert await talks.media("CA1")
        assert [lease.region for lease in talks.fleet.leased] == [WEST]
        await asyncio.sleep(2 * BEAT_S)
        assert (rang.capacity.taken, rang.fleet.leased) == (0, [])
        assert talks.capacity.taken == 1
        assert await rang.ring("CA2") is Admission.EXHAUSTED, "all streams are in use"
        talks.end("CA1")
        await asyncio.sleep(1)
        assert await rang.ring("CA3") is Admission.ACCEPTED

    async def fills_the_east(town: Town) -> None:
        other = await town.open()
        await other.ring("CA0")
        other.capacity.start("CA0")
        await story(town)

    in_a_town({EAST: 1, WEST: 1}, fills_the_east)


def test_a_call_that_rang_and_never_came_holds_its_lease_for_a_minute() -> None:
    async def story(town: Town) -> None:
        process = await town.open()
        await process.ring("CA1")
        await asyncio.sleep(59)
        assert await process.ring("CA2") is Admission.EXHAUSTED
        await asyncio.sleep(1 + BEAT_S)
        assert await process.ring("CA3") is Admission.ACCEPTED

    in_a_town({EAST: 1}, story)


def test_a_stream_is_replaced_in_the_headroom_and_the_call_has_one_lease_again() -> None:
    async def story(town: Town) -> None:
        process = await town.open()
        for n in range(3):
            await process.ring(f"CA{n}")
            await process.media(f"CA{n}")
        old = await process.fleet.lend("CA0")
        fresh = await process.fleet.lend("CA0")
        assert (len(process.fleet.leased), fresh is old) == (4, False)
        await process.fleet.lend("CA1")
        with pytest.raises(SonicThrottled):
            await process.fleet.lend("CA1")
        process.fleet.returned("CA0", old)
        await asyncio.sleep(1)
        assert len(process.fleet.leased) == 3
        assert await process.fleet.lend("CA1"), "it is free for the next"

    in_a_town({EAST: 4}, story, headroom=1)


def test_a_call_whose_region_fails_moves_to_another() -> None:
    async def story(town: Town) -> None:
        process = await town.open()
        await process.ring("CA1")
        await process.media("CA1")
        lost = await process.fleet.lend("CA1")
        process.fleet.returned("CA1", lost)
        assert (await process.fleet.lend("CA1")) is lost, "a lost stream is followed by another in the same Region"
        process.fleet.returned("CA1", lost)
        moved = await process.fleet.lend("CA1", avoided={EAST})
        assert (lost.region, moved.region) == (EAST, WEST)
        assert process.fleet.leased == [moved]

    in_a_town({EAST: 20, WEST: 20}, story)


def test_a_store_that_is_away_refuses_nobody_and_is_told_of_every_call_when_it_is_back() -> None:
    async def story(town: Town) -> None:
        process, other = await town.open(seats=3), await town.open()
        town.store.is_away = True
        assert [await process.ring(f"CA{n}") for n in range(4)] == [Admission.ACCEPTED] * 3 + [Admission.FULL]
        assert await process.media("CA0")
        process.end("CA1")
        town.store.is_away = False
        await asyncio.sleep(2 * BEAT_S)
        assert await other.ring("CA9") is Admission.EXHAUSTED, "two streams are written down, of one"
        process.end("CA0")
        process.end("CA2")
        await asyncio.sleep(1)
        assert await other.ring("CA10") is Admission.ACCEPTED

    in_a_town({EAST: 1}, story)


def test_a_call_that_goes_on_elsewhere_after_its_process_died_has_its_lease() -> None:
    async def story(town: Town) -> None:
        dead, heir = await town.open(), await town.open()
        await dead.ring("CA1")
        await dead.media("CA1")
        dead.kill()
        assert await heir.fleet.answer("CA1", heir.capacity.admit("CA1"), Need.GOES_ON) is Admission.ACCEPTED
        assert await heir.media("CA1")
        await asyncio.sleep(20)
        assert [lease.name for lease in heir.fleet.leased] == ["CA1"]
        assert await heir.ring("CA2") is Admission.EXHAUSTED

    in_a_town({EAST: 1}, story)


def test_a_call_is_sent_on_while_another_process_has_a_seat() -> None:
    async def story(town: Town) -> None:
        full, other = await town.open(seats=1), await town.open(seats=1)
        await full.ring("CA1")
        assert [await full.ring("CA2", tries) for tries in (None, 0, MAX_TRIES)] == [
            Admission.FULL,
            Admission.ELSEWHERE,
            Admission.FULL,
        ]
        await other.ring("CA3")
        await asyncio.sleep(2 * BEAT_S)
        assert await full.ring("CA2", 0) is Admission.FULL, "all are full"
        town.store.is_away = True
        await asyncio.sleep(BEAT_S)
        assert [await full.ring("CA2", tries) for tries in (0, 1)] == [Admission.ELSEWHERE, Admission.FULL]
        town.store.is_away = False

    in_a_town({EAST: 20}, story)


def test_a_draining_process_sends_calls_on() -> None:
    async def story(town: Town) -> None:
        draining, _ = await town.open(), await town.open()
        draining.capacity.drain()
        assert await draining.ring("CA1", 0) is Admission.ELSEWHERE

    in_a_town({EAST: 20}, story)


def test_browsers_have_a_part_of_the_streams() -> None:
    async def story(town: Town) -> None:
        process = await town.open()
        answers = [await process.fleet.admit(f"b{n}", Need.BROWSER) for n in range(5)]
        assert answers == [True] * 4 + [False]
        assert await process.ring("CA1") is Admission.ACCEPTED

    in_a_town({EAST: 20}, story)


def test_one_process_alone_counts_no_streams() -> None:
    async def story() -> None:
        down: set[str] = set()
        capacity = CallCapacity(30)
        fleet = Fleet.alone(RegionPlan({EAST: 20, WEST: 20}), down.__contains__)
        answers = [await fleet.answer(f"CA{n}", capacity.admit(f"CA{n}"), tries=0) for n in range(31)]
        assert answers == [Admission.ACCEPTED] * 30 + [Admission.FULL]
        assert (await fleet.lend("CA0")).region == EAST
        down.add(EAST)
        assert (await fleet.lend("CA0")).region == WEST

    run_virtually(story())
