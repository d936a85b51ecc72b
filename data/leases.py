"""Leases of Sonic's streams: which process has how many of the streams that an account may have open in each Region.

    PK                  SK    version  leases                                     in table `calls`
    LEASES#us-east-1    000   17       {"CA12…": "7f3a…", "CA98…+1": "07bc…"}      a shard: a part of a Region's streams
    LEASES#us-east-1    001   9        {"CA55…": "7f3a…"}
    FLEET               7f3a…          until, seats, taken, draining              a process, which is alive until then

A lease is kept under its call, so that whichever process gets the call's media may take it over. Every change of a
shard is one conditional write of one small item: a shard never holds more than its streams, and no item is written by
everybody. Leases are not had in advance: one that lies idle with a process is one that another is refused.

**Whose process is dead?** One whose `until`, by its own clock at its last beat, has passed by more than SKEW_S on the
clock of whoever asks. With a beat each BEAT_S that is good for LEASE_S a dead process's leases are free to others
LEASE_S + SKEW_S after its last beat. Clocks may disagree: by SKEW_S more in one direction they come free that much
later (at most 14 s in all), and in the other a living process keeps its leases up to a disagreement of
SKEW_S + LEASE_S - BEAT_S = 8 s. `carlos check` says when a clock is off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from zlib import crc32

from common.times import Clock, utcnow
from data.backends.base import Absent, Backend, ConditionFailed, Delete, Item, Put, Version
from data.errors import Unavailable
from data.tables import TTL_ATTRIBUTE, TableName

SHARD_STREAMS = 10  # at most; an item of fewer than 1,024 bytes, which is one unit of a write
BEAT_S = 4.0
LEASE_S = 10.0
SKEW_S = 2.0
KEEP_MEMBERS = timedelta(days=1)  # rows of processes that died
CHANGES = 24  # tries of one change; each one that fails means that another process had its own done
FLEET = "FLEET"


class Taken(Enum):
    """What came of asking for a lease."""

    OURS = auto()
    THEIRS = auto()  # a living process has it for the same call
    FULL = auto()


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a lease is taken: so many streams of the Region stay free, and of leases whose names begin with `prefix`
    there are no more than `most`."""

    keep_free: int = 0
    prefix: str = ""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A process of the fleet, as it said at its last beat."""

    name: str
    seats: int
    taken: int
    draining: bool

    @property
    def has_seat(self) -> bool:
        return not self.draining and self.taken < self.seats


@dataclass(frozen=True, slots=True)
class Shard:
    """`size` streams of a Region, and who has them: lease -> process. Version 0: there is no such item yet."""

    region: str
    number: int
    size: int
    version: int = 0
    leases: Mapping[str, str] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return max(0, self.size - len(self.leases))

    def put(self, leases: Mapping[str, str]) -> Put:
        """Return the write of `leases` in place of these, if nobody has written since."""
        item: Item = {
            "PK": _region_key(self.region),
            "SK": _shard_key(self.number),
            "version": self.version + 1,
            "leases": dict(leases),
        }
        return Put(TableName.CALLS, item, Version(self.version) if self.version else Absent())


def shard_sizes(streams: int) -> list[int]:
    """Return how a Region's streams are split: as few shards as may be, as equal as may be."""
    count = max(1, -(-streams // SHARD_STREAMS))
    return [streams // count + (number < streams % count) for number in range(count)]


def shards_of(region: str, streams: int, items: Iterable[Item]) -> dict[int, Shard]:
    """Return a Region's shards by number, whether there is an item of them or not. One beyond today's `streams` was
    made when there were more."""
    sizes = dict(enumerate(shard_sizes(streams)))
    shards = {number: Shard(region, number, size) for number, size in sizes.items()}
    for item in items:
        number = int(item["SK"])
        shards[number] = Shard(region, number, sizes.get(number, 0), item["version"], item["leases"])
    return shards


def allows(terms: Terms, shards: Sequence[Shard], streams: int) -> bool:
    """Return whether a Region has a stream to give on these terms. More leases than streams there may be, when some
    were not asked for: the store was away, or the Region has fewer streams than it had."""
    leases = [lease for shard in shards for lease in shard.leases]
    if terms.most is not None and sum(lease.startswith(terms.prefix) for lease in leases) >= terms.most:
        return False
    return streams - len(leases) > terms.keep_free and any(shard.free for shard in shards)


class StreamLeases:
    """The leases of one process, `name`, which is made up anew at each start. `streams` says how many each Region has.

    Any method may raise Unavailable; then it is unknown whether a change was made, and asking again is harmless.
    """

    def __init__(
        self, backend: Callable[[], Backend], streams: Mapping[str, int], name: str, clock: Clock = utcnow
    ) -> None:
        self.name = name
        self._backend = backend
        self._streams = streams
        self._clock = clock
        self._places: dict[str, tuple[str, int]] = {}  # our leases: Region and shard

    # One lease.

    async def take(self, lease: str, region: str, terms: Terms = Terms(), *, anyway: bool = False) -> Taken:  # noqa: B008 - frozen
        """Lease one of the Region's streams. `anyway`: it is in use already, so say so, however many there are."""
        for attempt in range(CHANGES):
            shards = await self._shards(region)
            found = next((shard for shard in shards if lease in shard.leases), None)
            if found is not None and await self._is_alive(found.leases[lease]):
                if found.leases[lease] != self.name:
                    return Taken.THEIRS
                self._places[lease] = region, found.number
                return Taken.OURS
            if not anyway and not allows(terms, shards, self._streams[region]):
                shards = await self._without_dead(shards)
                if not allows(terms, shards, self._streams[region]):
                    return Taken.FULL
            shard = found or self._preferred(shards, attempt)
            if await self._write(shard, {**shard.leases, lease: self.name}):
                self._places[lease] = region, shard.number
                return Taken.OURS
        raise Unavailable("a lease: too many conflicts")

    async def move(self, lease: str, regions: Collection[str]) -> str | None:
        """Take a lease over from whoever has it. Return its Region, None where nobody has it."""
        for _ in range(CHANGES):
            several = await asyncio.gather(*(self._shards(region) for region in regions))
            shard = next((shard for shards in several for shard in shards if lease in shard.leases), None)
            if shard is None:
                return None
            if shard.leases[lease] == self.name or await self._write(shard, {**shard.leases, lease: self.name}):
                self._places[lease] = shard.region, shard.number
                return shard.region
        raise Unavailable("a lease: too many conflicts")

    async def give(self, lease: str, region: str) -> None:
        """Give a lease back, if it is ours still."""
        place = self._places.get(lease)
        for _ in range(CHANGES):
            shards = [await self._shard(*place)] if place else await self._shards(region)
            shard = next((shard for shard in shards if shard.leases.get(lease) == self.name), None)
            if shard is None or await self._write(shard, _without(shard.leases, {lease})):
                self._places.pop(lease, None)
                return
        raise Unavailable("a lease: too many conflicts")

    async def moved(self, leases: Iterable[str]) -> set[str]:
        """Return those of ours that another process has taken over, or that are gone."""
        gone = set()
        for lease in leases:
            if place := self._places.get(lease):
                shard = await self._shard(*place)
                if shard.leases.get(lease) != self.name:
                    gone.add(lease)
                    del self._places[lease]
        return gone

    async def audit(self, ours: Callable[[], Collection[str]]) -> set[str]:
        """Give back what is written as ours and is not among `ours` when it has been read; return what is missing
        there: others took this process for dead."""
        missing = set(ours())
        for region in self._streams:
            for shard in await self._shards(region):
                written = {lease for lease, name in shard.leases.items() if name == self.name}
                missing -= written
                if stray := written - set(ours()):
                    await self._write(shard, _without(shard.leases, stray))
        return missing

    # The fleet.

    async def beat(self, *, seats: int, taken: int, draining: bool) -> None:
        """Say that this process lives, which its leases need, and how many calls it could take."""
        now = self._clock()
        item: Item = {
            "PK": FLEET,
            "SK": self.name,
            "until": _ms(now + timedelta(seconds=LEASE_S)),
            "seats": seats,
            "taken": taken,
            "draining": draining,
            TTL_ATTRIBUTE: int((now + KEEP_MEMBERS).timestamp()),
        }
        await self._backend().put(Put(TableName.CALLS, item))

    async def leave(self) -> None:
        """Say that this process has ended."""
        await self._backend().transact([Delete(TableName.CALLS, (FLEET, self.name))])

    async def others(self) -> list[Member]:
        """Return the other processes that are alive."""
        return [
            Member(item["SK"], int(item["seats"]), int(item["taken"]), bool(item["draining"]))
            for item in await self._alive()
            if item["SK"] != self.name
        ]

    async def _alive(self) -> list[Item]:
        now = _ms(self._clock() - timedelta(seconds=SKEW_S))
        return [item for item in await self._backend().query(TableName.CALLS, FLEET) if item["until"] >= now]

    async def _is_alive(self, name: str) -> bool:
        return name == self.name or name in {item["SK"] for item in await self._alive()}

    async def _without_dead(self, shards: Sequence[Shard]) -> list[Shard]:
        """The same shards without the leases of dead processes; whoever writes one, leaves them out."""
        alive = {self.name, *(item["SK"] for item in await self._alive())}
        return [
            Shard(
                shard.region,
                shard.number,
                shard.size,
                shard.version,
                {lease: name for lease, name in shard.leases.items() if name in alive},
            )
            for shard in shards
        ]

    # Shards.

    async def _shards(self, region: str) -> list[Shard]:
        items = await self._backend().query(TableName.CALLS, _region_key(region))
        return list(shards_of(region, self._streams[region], items).values())

    async def _shard(self, region: str, number: int) -> Shard:
        item = await self._backend().get(TableName.CALLS, _region_key(region), _shard_key(number))
        return shards_of(region, self._streams[region], [item])[number] if item else Shard(region, number, 0)

    async def _write(self, shard: Shard, leases: Mapping[str, str]) -> bool:
        """Return False where it was written since it was read: by somebody else, or by this very write, whose answer
        was lost. Whoever asks reads it again, and sees."""
        try:
            await self._backend().put(shard.put(leases))
        except ConditionFailed:
            return False
        return True

    def _preferred(self, shards: Sequence[Shard], attempt: int) -> Shard:
        """The shard that a lease goes to: each process has an order of its own, or all would write the same one."""
        usable = [shard for shard in shards if shard.free] or [shard for shard in shards if shard.size]
        ordered = sorted(usable, key=lambda shard: crc32(f"{self.name}{shard.number}".encode()))
        return ordered[attempt % len(ordered)]


def _without(leases: Mapping[str, str], gone: Collection[str]) -> dict[str, str]:
    return {lease: name for lease, name in leases.items() if lease not in gone}


def _region_key(region: str) -> str:
    return f"LEASES#{region}"


def _shard_key(number: int) -> str:
    return f"{number:03d}"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
