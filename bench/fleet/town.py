"""Tasks behind a load balancer, Regions with their quotas, and callers. What admits them is the product's.

    simulated here                                      the product's
    arrivals (Poisson) and lengths (log-normal)         seats (agent.capacity.CallCapacity)
    the balancer: the task with the fewest open calls   the answer to a ring (agent.fleet.Fleet)
    the carrier: rings, media 1 s later on any task,    leases (data.leases.StreamLeases)
      asks again when it is told to                     the Region of a stream (agent.sonic.regional)
    the service: streams, its quota, its outages        circuit breakers (agent.sonic.breaker.CircuitBreaker)
    the store: a backend in memory, 5 to 15 ms away

A call is *refused with capacity* if it heard busy although a Region that was up had had a stream more than its headroom
free for SETTLE_S, and some task had a seat: what is given back needs a few ways to the store until another can have it.
A Region is up that answered for as long as a circuit breaker remembers. A stream is free that is not open, not promised
to a call that rings, and not a task's that died less than 15 s ago.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log
from typing import Any

from agent.capacity import Admission, CallCapacity
from agent.fleet import Fleet, Seats
from agent.regions import Need, RegionPlan
from agent.sonic.breaker import FAILURE_WINDOW_S, CircuitBreaker
from agent.sonic.errors import SonicError
from agent.sonic.regional import CallStreams, RegionalStreams
from bench.fleet.memory import MemoryBackend
from bench.fleet.service import RegionalService
from data.leases import StreamLeases

MEAN_CALL_S, SPREAD = 180.0, 0.6  # of the log-normal distribution
LONGEST_CALL_S = 1800.0
MEDIA_AFTER_S = (0.5, 2.0)  # from the answer to a ring to the call's media
ASK_AGAIN_S = 0.2
ROTATE_S = (400.0, 430.0)  # a stream's age when it is replaced
RESERVE_S = 2.0  # for which the old one is kept then
RECONNECT_S = (0.1, 1.0)  # between two tries of a call whose stream is lost
RECONNECT_LIMIT_S = 8.0
MAX_RESUMES = 2
DRAIN_S = 110.0
BOOT_S = 20.0  # from a task's end to its successor's start
DEAD_LEASES_S = 15.0
SETTLE_S = 0.25
RAMP_S = 30.0  # in which the calls ring that are there from the beginning
STORE_S = (0.005, 0.015)


@dataclass(frozen=True, slots=True)
class Load:
    """`calls` at once on average are offered to `tasks` with `seats` each."""

    calls: int
    tasks: int
    streams: dict[str, int]
    seats: int = 16
    headroom: int = 2


@dataclass(slots=True)
class Score:
    offered: int = 0
    answered: int = 0
    refused: int = 0
    refused_with_capacity: int = 0
    sent_on: int = 0  # rings that were sent to another task
    moved: int = 0  # calls whose media came to another task than the one that answered
    lost: int = 0  # calls that were answered and could not be brought to their end
    most: int = 0  # calls at once


@dataclass(eq=False)
class Task:
    capacity: CallCapacity
    fleet: Fleet
    streams: RegionalStreams
    beating: asyncio.Task[None] | None = None
    calls: dict[asyncio.Task[str], None] = field(default_factory=dict)  # in order: a set's is not the seed's
    is_dead: bool = False
    is_draining: bool = False

    @property
    def has_seat(self) -> bool:
        return not (self.is_dead or self.is_draining) and self.capacity.taken < self.capacity.capacity


class JitteryBackend(MemoryBackend):
    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def _answer(self) -> None:
        self.latency_s = self._chance.uniform(*STORE_S)
        await super()._answer()


def virtual_time() -> datetime:
    return datetime.fromtimestamp(1.7e9 + asyncio.get_running_loop().time(), UTC)


class Town:
    """One load, for a while."""

    def __init__(self, load: Load, seed: int) -> None:
        self.load = load
        self.score = Score()
        self.chance = random.Random(f"{seed} {load.calls}")
        self.store = JitteryBackend(self.chance)
        self.plan = RegionPlan(load.streams, load.headroom)
        self.regions = {name: RegionalService(name, streams, self.look) for name, streams in load.streams.items()}
        self.tasks: list[Task] = []
        self.promised: dict[str, str] = {}  # calls that ring: Region of their lease
        self.graves: deque[tuple[float, Counter[str]]] = deque()  # when a task died, and what it had leased
        self.free_since: dict[str, float] = {}  # Regions that have a stream for a new call
        self.callers: dict[asyncio.Task[None], None] = {}
        self._on_line = 0
        self._names = 0
        self._is_over = False

    # The fleet.

    async def open_task(self) -> Task:
        self._names += 1
        seats = self.load.seats
        capacity = CallCapacity(seats, clock=asyncio.get_running_loop().time, seats_ringing=False)
        breakers = {region: CircuitBreaker() for region in self.plan.regions}
        leases = StreamLeases(lambda: self.store, self.plan.streams, f"task{self._names}", virtual_time)
        fleet = Fleet(
            self.plan,
            Seats(seats, lambda: capacity.taken, lambda: capacity.draining, capacity.holds, capacity.release),
            leases,
            lambda region: breakers[region].is_open,
        )
        task = Task(capacity, fleet, RegionalStreams(fleet, self.regions, breakers))
        await fleet.beat()
        task.beating = asyncio.create_task(fleet.run())
        self.tasks.append(task)
        return task

    def balance(self) -> Task | None:
        """The target with the fewest open requests, as `least_outstanding_requests` has it."""
        ready = [task for task in self.tasks if not (task.is_dead or task.is_draining)]
        if not ready:
            return None
        fewest = min(len(task.calls) for task in ready)
        return self.chance.choice([task for task in ready if len(task.calls) == fewest])

    async def kill_one(self) -> None:
        """A task dies with its calls, and another is started for it."""
        alive = [task for task in self.tasks if not (task.is_dead or task.is_draining)]
        if len(alive) < 2:
            return
        task = self.chance.choice(alive)
        task.is_dead = True
        self.tasks.remove(task)
        had = Counter(lease.region for lease in task.fleet.leased)
        self.graves.append((asyncio.get_running_loop().time(), had))
        if task.beating is not None:
            task.beating.cancel()
        for call in list(task.calls):
            call.cancel()
        self.look()
        await asyncio.sleep(BOOT_S)
        await self.open_task()

    async def release(self, seconds: float) -> None:
        """A rolling release: each task in turn is followed by another, all within the time."""
        for old in list(self.tasks):
            if old.is_dead:
                continue
            await self.open_task()
            old.is_draining = True
            old.capacity.drain()
            self._start(self._drain(old))
            await asyncio.sleep(seconds / self.load.tasks)

    async def _drain(self, task: Task) -> None:
        if task.calls:
            await asyncio.wait(task.calls, timeout=DRAIN_S)
        for call in list(task.calls):
            call.cancel()
        await asyncio.gather(*task.calls, return_exceptions=True)
        if not task.is_dead:
            self.tasks.remove(task)
            if task.beating is not None:
                task.beating.cancel()
            await task.fleet.close()

    async def outage(self, region: str, seconds: float) -> None:
        service = self.regions[region]
        service.break_down()
        await asyncio.sleep(seconds)
        service.is_down = False
        service.known_up_at = asyncio.get_running_loop().time() + FAILURE_WINDOW_S

    async def throttle(self, region: str, seconds: float) -> None:
        self.regions[region].is_throttling = True
        await asyncio.sleep(seconds)
        self.regions[region].is_throttling = False
        self.regions[region].known_up_at = asyncio.get_running_loop().time() + FAILURE_WINDOW_S

    # What is free.

    def look(self) -> None:
        """Note which Regions have a stream for a new call, and since when; to be called at each change."""
        now = asyncio.get_running_loop().time()
        while self.graves and now - self.graves[0][0] > DEAD_LEASES_S:
            self.graves.popleft()
        taken = Counter(self.promised.values())
        for _, had in self.graves:
            taken += had
        for name, service in self.regions.items():
            used = len(service.streams) + taken[name]
            is_up = not (service.is_down or service.is_throttling) and now >= service.known_up_at
            if is_up and used < service.quota - self.load.headroom:
                self.free_since.setdefault(name, now)
            else:
                self.free_since.pop(name, None)

    @property
    def has_capacity(self) -> bool:
        self.look()
        now = asyncio.get_running_loop().time()
        is_free = any(now - since > SETTLE_S for since in self.free_since.values())
        return is_free and any(task.has_seat for task in self.tasks)

    # Callers.

    async def arrivals(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.chance.expovariate(self.load.calls / MEAN_CALL_S))
            if loop.time() >= until:
                return
            self._rings(self._length_s())

    async def residents(self) -> None:
        """As many calls as are offered on average, all of which began before the simulation did: what is left of them
        is a part of a length that is drawn in proportion to itself."""
        for _ in range(self.load.calls):
            await asyncio.sleep(RAMP_S / self.load.calls)
            self._rings(self._length_s(SPREAD**2) * self.chance.random())

    def _rings(self, seconds: float) -> None:
        self.score.offered += 1
        self._start(self._caller(f"CA{self.score.offered}", seconds))

    def _length_s(self, shift: float = 0.0) -> float:
        drawn = self.chance.lognormvariate(log(MEAN_CALL_S) - SPREAD**2 / 2 + shift, SPREAD)
        return min(LONGEST_CALL_S, drawn)

    async def hang_up(self) -> None:
        """End the simulation for all who are in it."""
        self._is_over = True
        for caller in list(self.callers):
            caller.cancel()
        await asyncio.gather(*self.callers, return_exceptions=True)
        for task in self.tasks:
            if task.beating is not None:
                task.beating.cancel()
            await task.fleet.close()

    async def _caller(self, call_id: str, seconds: float) -> None:
        answering = await self._ring(call_id)
        if answering is None:
            return self._refuse()
        end = asyncio.get_running_loop().time() + seconds
        self._on_line += 1
        self.score.most = max(self.score.most, self._on_line)
        try:
            for resumes in range(MAX_RESUMES + 1):
                match await self._stream(call_id, answering, end):
                    case "over":
                        self.score.answered += 1
                        return
                    case "turned away" if resumes == MAX_RESUMES:
                        return self._refuse()
                answering = await self._resume(call_id)
                if answering is None:
                    break
            self.score.lost += 1
        except asyncio.CancelledError:
            self.score.answered += 1
            raise
        finally:
            self._on_line -= 1

    def _refuse(self) -> None:
        self.score.refused += 1
        self.score.refused_with_capacity += self.has_capacity

    async def _ring(self, call_id: str) -> Task | None:
        """Ask tasks until one answers; None for busy."""
        tries = 0
        while True:
            task = self.balance()
            if task is None:
                return None
            admission = await task.fleet.answer(call_id, task.capacity.admit(call_id), tries=tries)
            if admission is Admission.ACCEPTED:
                self._promise(call_id, task)
                return task
            if admission is not Admission.ELSEWHERE:
                return None
            tries += 1
            self.score.sent_on += 1
            await asyncio.sleep(ASK_AGAIN_S)

    async def _resume(self, call_id: str) -> Task | None:
        task = self.balance()
        if task is None:
            return None
        admission = await task.fleet.answer(call_id, task.capacity.admit(call_id), Need.GOES_ON)
        if admission is not Admission.ACCEPTED:
            return None
        self._promise(call_id, task)
        return task

    def _promise(self, call_id: str, task: Task) -> None:
        lease = next((lease for lease in task.fleet.leased if lease.name == call_id), None)
        if lease is not None:
            self.promised[call_id] = lease.region
            self.look()

    def keep_promise(self, call_id: str) -> None:
        if self.promised.pop(call_id, None) is not None:
            self.look()

    async def _stream(self, call_id: str, answering: Task, end: float) -> str:
        """The call's media, on whichever task: until the call is "over", the task is gone ("cut"), or there is no
        place ("turned away")."""
        await asyncio.sleep(self.chance.uniform(*MEDIA_AFTER_S))
        task = self.balance()
        if task is None:
            self.keep_promise(call_id)
            return "turned away"
        self.score.moved += task is not answering
        holding = asyncio.create_task(self._hold(call_id, task, end))
        task.calls[holding] = None
        try:
            return await holding
        except asyncio.CancelledError:
            if self._is_over:
                raise
            return "cut"
        finally:
            task.calls.pop(holding, None)
            self.keep_promise(call_id)

    async def _hold(self, call_id: str, task: Task, end: float) -> str:
        if not task.capacity.start(call_id):
            return "turned away"
        if not await task.fleet.start(call_id):
            task.capacity.release(call_id)
            return "turned away"
        talk = _Talk(self, call_id, task.streams.of(call_id), end)
        try:
            return await talk.run()
        finally:
            await talk.close()
            if not task.is_dead:
                task.capacity.release(call_id)
                task.fleet.release(call_id)

    def _start(self, work: Any) -> None:
        running = asyncio.create_task(work)
        self.callers[running] = None
        running.add_done_callback(self.callers.pop)


class _Talk:
    """A call's streams, one after another, as its session has them."""

    def __init__(self, town: Town, call_id: str, streams: CallStreams, end: float) -> None:
        self._town = town
        self._call_id = call_id
        self._streams = streams
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._open: list[Any] = []

    async def run(self) -> str:
        """Return "over", or "cut" when no stream can be had for too long."""
        while True:
            stream = await self._dial_until(self._loop.time() + RECONNECT_LIMIT_S)
            if stream is None:
                return "cut"
            self._town.keep_promise(self._call_id)
            self._streams.proved()
            if await self._talk(stream):
                return "over"
            self._streams.failed()

    async def _talk(self, stream: Any) -> bool:
        """Return True at the call's end, False when the stream is lost."""
        while True:
            rotation = self._loop.time() + self._town.chance.uniform(*ROTATE_S)
            try:
                async with asyncio.timeout_at(min(self._end, rotation)):
                    await stream.receive()
            except TimeoutError:
                if self._loop.time() >= self._end:
                    return True
            except SonicError:
                await self._close(stream)
                return False
            with suppress(SonicError):
                fresh = await self._dial()
                await asyncio.sleep(RESERVE_S)
                await self._close(stream)
                stream = fresh

    async def _dial_until(self, limit: float) -> Any | None:
        while True:
            try:
                async with asyncio.timeout_at(limit):
                    return await self._dial()
            except (SonicError, TimeoutError):
                self._streams.failed()
            if self._loop.time() >= min(limit, self._end):
                return None
            await asyncio.sleep(self._town.chance.uniform(*RECONNECT_S))

    async def _dial(self) -> Any:
        await self._streams.admit()
        stream = await self._streams.open("sonic")
        self._open.append(stream)
        return stream

    async def _close(self, stream: Any) -> None:
        self._open.remove(stream)
        await stream.close()

    async def close(self) -> None:
        for stream in list(self._open):
            await self._close(stream)


async def simulate(load: Load, seconds: float, seed: int) -> tuple[Town, float]:
    """Offer a load for a while, with deaths, a throttle, an outage and a release; return the town and how long it ran,
    in simulated seconds."""
    town = Town(load, seed)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(load.tasks):
        await town.open_task()
    first, *others = load.streams
    events: Sequence[tuple[float, Any]] = [
        (0.40, town.kill_one),
        (0.50, lambda: town.throttle(first, 20)),
        (0.60, lambda: town.outage((others or [first])[-1], 30)),
        (0.70, town.kill_one),
        (0.75, lambda: town.release(0.2 * seconds)),
    ]

    async def at(moment: float, event: Any) -> None:
        await asyncio.sleep(moment * seconds)
        await event()

    happening = [asyncio.create_task(at(moment, event)) for moment, event in events]
    happening.append(asyncio.create_task(town.residents()))
    await town.arrivals(began + seconds)
    await asyncio.gather(*happening)
    ran = loop.time() - began
    await town.hang_up()
    return town, ran
