"""Where a process opens its streams to Sonic: one Region or several, alone or in a fleet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from agent.active_calls import ActiveCalls
from agent.fleet import Fleet, Seats
from agent.regions import RegionPlan
from agent.sonic.breaker import Breaker, CircuitBreaker
from agent.sonic.regional import RegionalStreams
from agent.sonic.session import Opener
from common.settings import Settings
from data.leases import StreamLeases
from data.store import Store


class SonicFleet:
    """The openers and circuit breakers of the Regions, and this process's part in the fleet. `on_moved` is told of a
    call that rang here and whose media came to another process."""

    def __init__(
        self, settings: Settings, store: Store, active_calls: ActiveCalls, openers: Mapping[str, Opener]
    ) -> None:
        plan = RegionPlan(settings.streams_in(settings.aws_default_region), settings.sonic_headroom)
        self.on_moved: Callable[[str], None] = lambda call_id: None
        self._active_calls = active_calls
        self._first = plan.regions[0]
        self._openers = openers
        self._breakers = {region: CircuitBreaker() for region in plan.regions}
        phones, browsers = active_calls.capacity, active_calls.browsers
        if settings.leases_streams:
            seats = Seats(
                settings.max_calls,
                lambda: phones.taken,
                lambda: phones.draining,
                lambda call_id: phones.holds(call_id) or browsers.holds(call_id),
                self._free,
            )
            leases = StreamLeases(lambda: store.backend, plan.streams, uuid4().hex[:12])
            self.fleet = Fleet(plan, seats, leases, self._is_down)
        else:
            self.fleet = Fleet.alone(plan, self._is_down)
        is_plain = self.fleet.is_one_process and len(plan.regions) == 1
        self._streams = None if is_plain else RegionalStreams(self.fleet, openers, self._breakers)

    @property
    def openers(self) -> Sequence[Opener]:
        """Those of the Regions, in the order of preference."""
        return tuple(self._openers.values())

    def opener_of(self, call_id: str) -> Opener:
        return self._streams.of(call_id) if self._streams else self._openers[self._first]

    def breaker_of(self, call_id: str) -> Breaker:
        return self._streams.of(call_id) if self._streams else self._breakers[self._first]

    def _is_down(self, region: str) -> bool:
        return self._breakers[region].is_open

    def _free(self, call_id: str) -> None:
        self._active_calls.capacity.release(call_id)
        self.on_moved(call_id)
