"""One process's part in a fleet: for each of its calls it leases a stream to Sonic, in a Region that has one.

    a call rings       a seat of this process, then a lease, then the call is accepted
    its media comes    it has its lease, if it rang here; else the lease is moved here from the process at which it
                       rang, whose seat is free as soon as that looks, which it does at each beat
    a stream is opened on the call's lease, in its Region; a second one beside it on a lease of its own, which the call
                       keeps in place of the old one
    the call ends      its lease is given back at once

Where the store does not answer, nobody is refused for that: the process admits by its own seats, writes down what it
owes, and leases it when the store is back, even beyond what a Region has, for the streams are open already. That rule
is here and nowhere else; `LeasesUnknown` counts how often it was used.

`Fleet.alone` is one process: a stream is opened in the first Region that is up, and nothing is counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from loguru import logger

from agent.capacity import Admission
from agent.regions import BROWSERS, Need, RegionPlan
from agent.sonic.errors import SonicThrottled
from common import metrics
from common.tasks import TaskSet
from data.errors import DataError
from data.leases import BEAT_S, LEASE_S, Member, StreamLeases, Taken

STORE_LIMIT_S = 1.0  # how long a call waits for the store
AUDIT_BEATS = 15  # a minute between two looks at all that is written as ours
MEMBERS_S = 2.0  # how old what is known of the other processes may be
# Times that a call is sent on where another process is known to have a seat; once where that is unknown. Who asks again
# meets any process: where one in two is full, four tries would lose a call in thirty.
MAX_TRIES = 8


@dataclass(slots=True)
class Lease:
    """One stream's, for a call. `in_use`: it is open, or being opened."""

    name: str
    region: str
    in_use: bool = False
    owed: bool = False  # the store could not be told yet


@dataclass(slots=True)
class _Call:
    leases: list[Lease] = field(default_factory=list)
    started: bool = False  # its media came to this process
    made: int = 0  # leases so far: each has a name of its own


@dataclass(frozen=True, slots=True)
class Seats:
    """This process's seats, as its `capacity` counts them."""

    total: int
    taken: Callable[[], int]
    draining: Callable[[], bool]
    holds: Callable[[str], bool]
    free: Callable[[str], None]  # the seat of a call that another process has


class Fleet:
    """`leases` None: there is one process (`alone`). `is_down` tells of a Region what its circuit breaker says."""

    def __init__(
        self,
        plan: RegionPlan,
        seats: Seats,
        leases: StreamLeases | None,
        is_down: Callable[[str], bool] = lambda region: False,
    ) -> None:
        self._plan = plan
        self._seats = seats
        self._leases = leases
        self._is_down = is_down
        self._calls: dict[str, _Call] = {}
        self._unreturned: dict[str, str] = {}  # lease: Region
        self._returning = TaskSet()
        self._asked: set[str] = set()  # leases that the store is being asked for
        self._members: list[Member] = []
        self._members_at = float("-inf")
        self._beaten_at: float | None = None
        self._beats = 0
        self._in_touch = True

    @classmethod
    def alone(
        cls,
        plan: RegionPlan = RegionPlan({}),  # noqa: B008 - frozen
        is_down: Callable[[str], bool] = lambda region: False,
    ) -> Self:
        """Return the fleet of one process, which leases nothing, keeps nothing and asks for nobody's seats."""
        nobodys = Seats(0, lambda: 0, lambda: False, lambda call_id: True, lambda call_id: None)
        return cls(plan, nobodys, None, is_down)

    @property
    def is_one_process(self) -> bool:
        return self._leases is None

    def may_send_on(self, tries: int | None) -> bool:
        """Return whether a call that was sent on `tries` times (None: it cannot be) may be sent on once more, if there
        is a reason to think that another process has a place for it."""
        return self._leases is not None and tries is not None and tries < MAX_TRIES

    @property
    def leased(self) -> list[Lease]:
        """The leases of this process's calls."""
        return [lease for call in self._calls.values() for lease in call.leases]

    # Calls.

    async def answer(
        self, call_id: str, admission: Admission, need: Need = Need.CALL, tries: int | None = None
    ) -> Admission:
        """Return what becomes of a call for which this process's own seats gave `admission`: ACCEPTED once it has a
        lease; EXHAUSTED, and its seat free, where no Region has a stream; ELSEWHERE where another process may have the
        seat that this one has not, and the call was sent on `tries` times (None: it cannot be)."""
        if admission is Admission.ACCEPTED:
            if await self.admit(call_id, need):
                return Admission.ACCEPTED
            self._seats.free(call_id)
            return Admission.EXHAUSTED
        is_full = admission in (Admission.FULL, Admission.DRAINING)
        if is_full and tries is not None and self.may_send_on(tries) and await self._others_have_seats(tries):
            return Admission.ELSEWHERE
        return admission

    async def admit(self, call_id: str, need: Need = Need.CALL) -> bool:
        """Lease a stream for a call. Return False where no Region has one."""
        if self._leases is None or call_id in self._calls:
            return True
        name = BROWSERS + call_id if need is Need.BROWSER else call_id
        found = await self._take(name, need, self._plan.usable(self._is_down))
        if found is None:
            metrics.LEASES_EXHAUSTED.add()
            logger.warning("no Region has a stream for call {}", call_id)
            return False
        if found.region:
            self._calls.setdefault(call_id, _Call()).leases.append(found)
        return True

    async def start(self, call_id: str) -> bool:
        """A call's media has come: take its lease over, if it rang at another process. Return False where it had none
        any more, and no Region has one."""
        if self._leases is None:
            return True
        if call_id not in self._calls:
            await self._take_over(call_id)
        if call_id not in self._calls and not await self.admit(call_id, Need.GOES_ON):
            return False
        self._calls.setdefault(call_id, _Call()).started = True
        return True

    def release(self, call_id: str) -> None:
        """Give back what the call has."""
        if call := self._calls.pop(call_id, None):
            for lease in call.leases:
                self._give(lease)

    async def _take(self, name: str, need: Need, regions: Collection[str]) -> Lease | None:
        """Take a lease in the first of the Regions that has one; None where none has. Without a Region: another process
        has it."""
        assert self._leases is not None  # noqa: S101 - its callers asked
        self._asked.add(name)
        try:
            for region in regions:
                async with asyncio.timeout(STORE_LIMIT_S):
                    taken = await self._leases.take(name, region, self._plan.terms(need, region))
                if taken is not Taken.FULL:
                    return Lease(name, region if taken is Taken.OURS else "")
        except (DataError, TimeoutError) as error:
            self._unknown(error)
            return Lease(name, region, owed=True)
        finally:
            self._asked.discard(name)
        return None

    async def _take_over(self, call_id: str) -> None:
        assert self._leases is not None  # noqa: S101 - its caller asked
        try:
            async with asyncio.timeout(STORE_LIMIT_S):
                region = await self._leases.move(call_id, self._plan.regions)
        except (DataError, TimeoutError) as error:
            self._unknown(error)
            first = self._plan.usable(self._is_down)[0]
            self._calls[call_id] = _Call([Lease(call_id, first, owed=True)])
        else:
            if region is not None:
                self._calls[call_id] = _Call([Lease(call_id, region)])

    def _give(self, lease: Lease) -> None:
        self._unreturned[lease.name] = lease.region
        self._returning.create(self._return(lease.name), f"return of a lease in {lease.region}")

    async def _return(self, name: str) -> None:
        """Give a lease back; at the next beat, where the store cannot be told now."""
        region = self._unreturned.pop(name, None)
        if region is None or self._leases is None:
            return
        try:
            await self._leases.give(name, region)
        except DataError as error:
            self._unreturned[name] = region
            self._unknown(error)

    # Streams of a call.

    async def lend(self, call_id: str, avoided: Collection[str] = ()) -> Lease:
        """Return the lease on which a call may open a stream now, and count it as in use. Raise SonicThrottled where
        there is none: a call whose stream runs needs a second one for a moment."""
        order = self._plan.order(self._is_down, avoided)
        if self._leases is None:
            return Lease(call_id, order[0], in_use=True)
        call = self._calls.setdefault(call_id, _Call())
        idle = next((lease for lease in call.leases if not lease.in_use), None)
        if idle is None or idle.region in avoided or self._is_down(idle.region):
            better = order if idle is None else order[: order.index(idle.region)]
            call.made += 1
            found = await self._take(f"{call_id}+{call.made}", Need.GOES_ON, better)
            if found is not None and found.region:
                if call_id not in self._calls:  # it ended meanwhile
                    self._give(found)
                    raise SonicThrottled("the call is over")
                call.leases.append(found)
                if idle is not None:
                    self._drop(call, idle)
                idle = found
        if idle is None:
            metrics.LEASES_EXHAUSTED.add()
            raise SonicThrottled("no Region has a stream to lease")
        idle.in_use = True
        return idle

    def returned(self, call_id: str, lease: Lease) -> None:
        """A call's stream is over. Its lease stays with the call if it is its last one: another stream may follow."""
        lease.in_use = False
        call = self._calls.get(call_id)
        if call is not None and lease in call.leases and len(call.leases) > 1:
            self._drop(call, lease)

    def _drop(self, call: _Call, lease: Lease) -> None:
        call.leases.remove(lease)
        self._give(lease)

    # Other processes.

    async def _others_have_seats(self, tries: int) -> bool:
        """Where the store does not say so, they may have: at the first try."""
        assert self._leases is not None  # noqa: S101 - its caller asked
        now = asyncio.get_running_loop().time()
        if now - self._members_at >= MEMBERS_S:
            try:
                async with asyncio.timeout(STORE_LIMIT_S):
                    self._members = await self._leases.others()
            except (DataError, TimeoutError) as error:
                self._unknown(error)
                return tries == 0
            self._members_at = now
        return any(member.has_seat for member in self._members)

    # From time to time.

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat as long as the server runs, and give everything back at the end."""
        beats = asyncio.create_task(self.run(), name="leases")
        try:
            yield
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)
            await self.close()

    async def run(self) -> None:
        """Beat until cancelled."""
        while self._leases is not None:
            await self.beat()
            await asyncio.sleep(BEAT_S)

    async def beat(self) -> None:
        """Say that this process lives, and set right what has changed since the last time."""
        leases, now = self._leases, asyncio.get_running_loop().time()
        if leases is None:
            return
        for call_id in [call_id for call_id in self._calls if not self._seats.holds(call_id)]:
            self.release(call_id)  # it rang, and its media came nowhere
        try:
            seats = self._seats
            await leases.beat(seats=seats.total, taken=seats.taken(), draining=seats.draining())
            self._beats += 1
            lapsed = self._beaten_at is None or now - self._beaten_at > LEASE_S
            self._beaten_at = now
            for name in list(self._unreturned):
                await self._return(name)
            await self._let_go(leases)
            if (lapsed and self._calls) or self._beats % AUDIT_BEATS == 0:
                await self._audit(leases)
            await self._pay(leases)
        except DataError as error:
            self._unknown(error)
        else:
            self._known()
        count = Counter(lease.region for lease in self.leased)
        for region in self._plan.regions:
            metrics.SONIC_LEASES.set(count[region], region=region)

    async def close(self) -> None:
        """Give everything back."""
        for call_id in list(self._calls):
            self.release(call_id)
        await self._returning.wait()
        if self._leases is not None:
            try:
                await self._leases.leave()
            except DataError as error:
                self._unknown(error)

    async def _let_go(self, leases: StreamLeases) -> None:
        """Free the seats of calls that rang here and whose media came to another process."""
        waiting = [call_id for call_id, call in self._calls.items() if not call.started]
        for call_id in await leases.moved(waiting):
            if (call := self._calls.get(call_id)) is not None and not call.started:
                del self._calls[call_id]
                logger.info("call {} is another process's", call_id)
                self._seats.free(call_id)

    async def _audit(self, leases: StreamLeases) -> None:
        missing = await leases.audit(lambda: {*self._asked, *(lease.name for lease in self.leased)})
        for lease in self.leased:
            lease.owed |= lease.name in missing

    async def _pay(self, leases: StreamLeases) -> None:
        """Lease what is used already."""
        for lease in self.leased:
            if lease.owed:
                await leases.take(lease.name, lease.region, anyway=True)
                lease.owed = False

    def _unknown(self, error: DataError | TimeoutError) -> None:
        metrics.LEASES_UNKNOWN.add()
        if self._in_touch:
            logger.error("leases cannot be read or changed, calls are admitted by this process's seats: {!r}", error)
        self._in_touch = False

    def _known(self) -> None:
        if not self._in_touch:
            logger.info("leases can be read and changed again")
        self._in_touch = True
