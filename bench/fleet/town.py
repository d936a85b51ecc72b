"""Tasks behind a load balancer, Regions with their quotas, and callers. What admits them is the product's.

    simulated here                                      the product's
    arrivals (Poisson) and lengths (log-normal)         seats (agent.capacity.CallCapacity)
    the balancer: the task with the fewest open calls   the answer to a ring (agent.fleet.Fleet)
      of its own, in each of its nodes                  leases (data.leases.StreamLeases)
    the carrier: rings, media 1 s later on any task,    the Region of a stream (agent.sonic.regional)
      asks again when it is told to                     circuit breakers (agent.sonic.breaker.CircuitBreaker)
    the service: streams, its quota, its outages
    the store: a backend in memory, 5 to 15 ms away

A node of the balancer knows of no call that came through another: with several nodes tasks are unevenly full. Then a
task answers with a redirect, and media that comes to a full one is turned away and opened again.

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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from math import log
from typing import Any

from agent.capacity import Admission, CallCapacity
from agent.fleet import Fleet, Seats
from agent.regions import Need, RegionPlan
from agent.sonic.breaker import FAILURE_WINDOW_S, CircuitBreaker
from agent.sonic.regional import RegionalStreams
from bench.fleet.memory import MemoryBackend
from bench.fleet.score import Loss, Moment, Score
from bench.fleet.service import RegionalService
from bench.fleet.talk import Talk
from data.leases import StreamLeases
from telephony.phone_calls import MAX_RESUMES

MEAN_CALL_S, SPREAD = 180.0, 0.6  # of the log-normal distribution
LONGEST_CALL_S = 1800.0
MEDIA_AFTER_S = (0.5, 2.0)  # from the answer to a ring to the call's media
ASK_AGAIN_S = 0.2
DRAIN_S = 110.0
BOOT_S = 20.0  # from a task's end to its successor's start
DEAD_LEASES_S = 15.0
SETTLE_S = 0.25
RAMP_S = 30.0  # in which the calls ring that are there from the beginning
STORE_S = (0.005, 0.015)
LOOK_EVERY_S = 1.0  # at how much there is of what


@dataclass(frozen=True, slots=True)
class Load:
    """`calls` at once on average are offered to `tasks` with `seats` each, through so many `nodes` of a balancer."""

    calls: int
    tasks: int
    streams: dict[str, int]
    seats: int = 16
    headroom: int = 2
    nodes: int = 1


class Over(Enum):
    """How a stream ended."""

    HUNG_UP = auto()  # with the call
    CUT = auto()  # its task died, or did not wait any longer
    TURNED_AWAY = auto()  # its task had no seat


@dataclass(eq=False)
class Task:
    capacity: CallCapacity
    fleet: Fleet
    streams: RegionalStreams
    beating: asyncio.Task[None] | None = None
    calls: dict[asyncio.Task[Over | Loss], int] = field(default_factory=dict)  # and the balancer's node of each
    of_nodes: Counter[int] = field(default_factory=Counter)  # calls through each
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
        self.history: list[Moment] = []
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

    def balance(self) -> tuple[Task | None, int]:
        """The target with the fewest open requests, as `least_outstanding_requests` has it, of one of the balancer's
        nodes; and the node."""
        node = self.chance.randrange(self.load.nodes)
        ready = [task for task in self.tasks if not (task.is_dead or task.is_draining)]
        if not ready:
            return None, node
        fewest = min(task.of_nodes[node] for task in ready)
        return self.chance.choice([task for task in ready if task.of_nodes[node] == fewest]), node

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

    async def watch(self) -> None:
        """Keep what there is, every second."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            leased = len({lease.name for task in self.tasks for lease in task.fleet.leased})
            streams = sum(len(region.streams) for region in self.regions.values())
            self.history.append(Moment(loop.time() - began, self._on_line, leased, streams))
            await asyncio.sleep(LOOK_EVERY_S)

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
        tries, answering = await self._ask(call_id, Need.CALL)
        if not isinstance(answering, Task):
            return self._refuse()
        end = asyncio.get_running_loop().time() + seconds
        self._on_line += 1
        self.score.most = max(self.score.most, self._on_line)
        try:
            loss = await self._lines(call_id, answering, tries, end)
        except asyncio.CancelledError:
            self.score.answered += 1
            raise
        finally:
            self._on_line -= 1
        if loss is None:
            self.score.answered += 1
        else:
            self.score.losses[loss] += 1

    def _refuse(self) -> None:
        self.score.refused += 1
        self.score.refused_with_capacity += self.has_capacity

    async def _lines(self, call_id: str, answering: Task, tries: int, end: float) -> Loss | None:
        """The call's streams until it is over, as telephony.phone_calls has them follow each other; or why it is
        lost."""
        resumes = 0
        while True:
            over = await self._stream(call_id, answering, end)
            match over:
                case Over.HUNG_UP:
                    return None
                case Over.TURNED_AWAY if not answering.fleet.may_send_on(tries):
                    return Loss.NO_SEAT
                case Over.CUT if resumes == MAX_RESUMES:
                    return Loss.DIED_AGAIN
                case Loss():
                    return over
            tries, place = await self._ask(call_id, Need.GOES_ON, tries)
            if not isinstance(place, Task):
                return place
            answering = place
            if over is Over.CUT:
                resumes, tries = resumes + 1, 0
                self.score.resumed += 1
            else:
                tries += 1
                self.score.opened_again += 1

    async def _ask(self, call_id: str, need: Need, tries: int = 0) -> tuple[int, Task | Loss]:
        """Ask tasks until one answers with a stream. Return how often the call was sent on by then, and that task; or
        what there was none of."""
        while True:
            task, _ = self.balance()
            if task is None:
                return tries, Loss.NO_SEAT
            admission = await task.fleet.answer(call_id, task.capacity.admit(call_id), need, tries)
            if admission is Admission.ACCEPTED:
                self._promise(call_id, task)
                return tries, task
            if admission is not Admission.ELSEWHERE:
                return tries, Loss.NO_LEASE if admission is Admission.EXHAUSTED else Loss.NO_SEAT
            tries += 1
            self.score.sent_on += 1
            await asyncio.sleep(ASK_AGAIN_S)

    def _promise(self, call_id: str, task: Task) -> None:
        lease = next((lease for lease in task.fleet.leased if lease.name == call_id), None)
        if lease is not None:
            self.promised[call_id] = lease.region
            self.look()

    def keep_promise(self, call_id: str) -> None:
        if self.promised.pop(call_id, None) is not None:
            self.look()

    async def _stream(self, call_id: str, answering: Task, end: float) -> Over | Loss:
        """The call's media, on whichever task: how it ended, or why there was no stream to Sonic for it."""
        await asyncio.sleep(self.chance.uniform(*MEDIA_AFTER_S))
        task, node = self.balance()
        if task is None:
            self.keep_promise(call_id)
            return Over.TURNED_AWAY
        self.score.moved += task is not answering
        holding = asyncio.create_task(self._hold(call_id, task, end))
        task.calls[holding] = node
        task.of_nodes[node] += 1
        try:
            return await holding
        except asyncio.CancelledError:
            if self._is_over:
                raise
            return Over.CUT
        finally:
            del task.calls[holding]
            task.of_nodes[node] -= 1
            self.keep_promise(call_id)

    async def _hold(self, call_id: str, task: Task, end: float) -> Over | Loss:
        if not task.capacity.start(call_id):
            return Over.TURNED_AWAY
        if not await task.fleet.start(call_id):
            task.capacity.release(call_id)
            return Loss.NO_LEASE
        talk = Talk(task.streams.of(call_id), end, self.chance, lambda: self.keep_promise(call_id))
        try:
            return await talk.run() or Over.HUNG_UP
        finally:
            await talk.close()
            if not task.is_dead:
                task.capacity.release(call_id)
                task.fleet.release(call_id)

    def _start(self, work: Any) -> None:
        running = asyncio.create_task(work)
        self.callers[running] = None
        running.add_done_callback(self.callers.pop)


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
    watching = asyncio.create_task(town.watch())
    await town.arrivals(began + seconds)
    await asyncio.gather(*happening)
    ran = loop.time() - began
    watching.cancel()
    await town.hang_up()
    return town, ran
