"""A call's streams to Sonic where there are several Regions, or several processes that share a Region's streams.

Each is opened in the Region of its lease, and asks the circuit breaker of that Region.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Protocol
from weakref import WeakValueDictionary

from agent.fleet import Lease
from agent.sonic.breaker import CircuitBreaker
from agent.sonic.errors import SonicError
from agent.sonic.events import ClientEvent, ServiceEvent
from agent.sonic.session import Opener, Stream


class Lender(Protocol):
    """Who gives leases: agent.fleet.Fleet."""

    @property
    def is_one_process(self) -> bool: ...
    async def lend(self, call_id: str, avoided: Collection[str] = ()) -> Lease: ...
    def returned(self, call_id: str, lease: Lease) -> None: ...


class RegionalStreams:
    """The `CallStreams` of each call; one for all who ask about the same call."""

    def __init__(self, lender: Lender, openers: Mapping[str, Opener], breakers: Mapping[str, CircuitBreaker]) -> None:
        self._lender = lender
        self._openers = openers
        self._breakers = breakers
        self._of_calls: WeakValueDictionary[str, CallStreams] = WeakValueDictionary()

    def of(self, call_id: str) -> CallStreams:
        streams = self._of_calls.get(call_id)
        if streams is None:
            streams = self._of_calls[call_id] = CallStreams(call_id, self._lender, self._openers, self._breakers)
        return streams


class CallStreams:
    """One call's opener (agent.sonic.session.Opener) and breaker (agent.sonic.breaker.Breaker). Where something has
    failed, the call's next stream is opened in another Region, if one has a stream to lease."""

    def __init__(
        self,
        call_id: str,
        lender: Lender,
        openers: Mapping[str, Opener],
        breakers: Mapping[str, CircuitBreaker],
    ) -> None:
        self._call_id = call_id
        self._lender = lender
        self._openers = openers
        self._breakers = breakers
        self._admitted: deque[Lease] = deque()  # on which a stream may be dialled now
        self._opened_ahead = False
        self._last: str | None = None  # the Region in which a stream was dialled last
        self._failed: set[str] = set()

    # The breaker.

    @property
    def is_open(self) -> bool:
        """Return True while all Regions seem to be down."""
        return all(breaker.is_open for breaker in self._breakers.values())

    async def admit(self) -> None:
        """Lease a stream, and wait until one may be dialled in its Region. Raise SonicThrottled without a lease."""
        if self._opened_ahead:
            self._opened_ahead = False
            return
        self._last = None
        lease = await self._lender.lend(self._call_id, self._failed)
        try:
            await self._breakers[lease.region].admit()
        except BaseException:
            self._lender.returned(self._call_id, lease)
            raise
        self._admitted.append(lease)

    def failed(self) -> None:
        """The last stream could not be had, or was lost. One for which there was no lease says nothing of a Region."""
        if self._last is not None:
            self._breakers[self._last].failed()
            self._failed.add(self._last)

    def proved(self) -> None:
        if self._last is not None:
            self._breakers[self._last].proved()
            self._failed.discard(self._last)

    # The opener.

    async def open(self, model_id: str) -> Stream:
        if self._admitted:
            lease = self._admitted.popleft()
        else:
            lease = await self._lender.lend(self._call_id, self._failed)
            self._opened_ahead = True  # before the call has a session: the next to ask gets this stream
        self._last = lease.region
        try:
            stream = await self._openers[lease.region].open(model_id)
        except BaseException:
            self._lender.returned(self._call_id, lease)
            raise
        if self._lender.is_one_process:
            return stream
        return _LeasedStream(stream, lambda: self._lender.returned(self._call_id, lease))


class _LeasedStream:
    """Tells once that the stream is over: when it has failed, or is closed."""

    def __init__(self, stream: Stream, over: Callable[[], None]) -> None:
        self._stream = stream
        self._over: Callable[[], None] | None = over

    @property
    def ready(self) -> bool:
        return self._stream.ready

    async def opened(self) -> None:
        await self._stream.opened()

    async def send(self, *events: ClientEvent) -> None:
        await self._stream.send(*events)

    def send_now(self, event: ClientEvent) -> None:
        self._stream.send_now(event)

    async def receive(self) -> ServiceEvent | None:
        try:
            return await self._stream.receive()
        except SonicError:
            self._is_over()
            raise

    async def close(self) -> None:
        try:
            await self._stream.close()
        finally:
            self._is_over()

    def _is_over(self) -> None:
        over, self._over = self._over, None
        if over is not None:
            over()
