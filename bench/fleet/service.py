"""Sonic in several Regions, as its quota sees it: streams that are open, and opens that are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.sonic.errors import SonicLost, SonicThrottled
from agent.sonic.events import ClientEvent, ServiceEvent

OPEN_S = 0.1


@dataclass(eq=False)
class RegionalService:
    """One Region's streams (agent.sonic.session.Opener). `changed` is called whenever one begins or ends."""

    name: str
    quota: int
    changed: Callable[[], None] = lambda: None
    is_down: bool = False
    is_throttling: bool = False
    known_up_at: float = 0.0  # circuit breakers that opened are closed again; the event loop's time
    streams: dict[SimulatedStream, None] = field(default_factory=dict)  # in the order in which they were opened
    most: int = 0
    quota_exceeded: int = 0

    async def open(self, model_id: str) -> SimulatedStream:
        await asyncio.sleep(OPEN_S)
        if self.is_down:
            raise SonicLost("the Region is down")
        if self.is_throttling:
            raise SonicThrottled("429")
        stream = SimulatedStream(self)
        self.streams[stream] = None
        self.quota_exceeded += len(self.streams) > self.quota
        self.most = max(self.most, len(self.streams))
        self.changed()
        return stream

    def break_down(self) -> None:
        self.is_down = True
        for stream in list(self.streams):
            stream.end(SonicLost("the Region is down"))


class SimulatedStream:
    """agent.sonic.session.Stream, in which nothing is said."""

    ready = True

    def __init__(self, service: RegionalService) -> None:
        self._service = service
        self._over: asyncio.Future[SonicLost | None] = asyncio.get_running_loop().create_future()

    def end(self, error: SonicLost | None = None) -> None:
        if not self._over.done():
            self._over.set_result(error)
        self._service.streams.pop(self, None)
        self._service.changed()

    async def opened(self) -> None: ...
    async def send(self, *events: ClientEvent) -> None: ...
    def send_now(self, event: ClientEvent) -> None: ...

    async def receive(self) -> ServiceEvent | None:
        if (error := await asyncio.shield(self._over)) is not None:
            raise error
        return None

    async def close(self) -> None:
        self.end()
