"""Who may call, who is on the line, and what comes after: one process's calls, counted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from agent.call import TEAR_DOWN_S, Call
from agent.record import CallLog

SEAT_S = 60.0  # a seat reserved by the webhook and never taken is free again
REMEMBER = 200  # ended calls whose story can still be followed


@dataclass(slots=True)
class Switchboard:
    """Seats are counted, not measured: a call is let in when fewer than `capacity` are reserved or live."""

    capacity: int
    draining: bool = False
    live: dict[str, Call] = field(default_factory=dict)
    logs: dict[str, CallLog] = field(default_factory=dict)
    _reserved: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def reserve(self, call_id: str) -> bool:
        """Take a seat for a call that is about to connect; False when there is none."""
        if call_id in self._reserved or call_id in self.live:
            return True
        if self.draining or self.taken >= self.capacity:
            return False
        loop = asyncio.get_running_loop()
        self._reserved[call_id] = loop.call_later(SEAT_S, self._reserved.pop, call_id, None)
        return True

    def release(self, call_id: str) -> None:
        """Give back a seat that was never taken."""
        if (timer := self._reserved.pop(call_id, None)) is not None:
            timer.cancel()

    @property
    def taken(self) -> int:
        return len(self.live) + len(self._reserved)

    async def hold(self, call: Call) -> str:
        """Run a call in its seat, and return its outcome."""
        call_id = call.log.id
        self.release(call_id)
        self.live[call_id] = call
        self.logs[call_id] = call.log
        while len(self.logs) > REMEMBER:
            oldest = next(iter(self.logs))
            if oldest in self.live:
                break
            del self.logs[oldest]
        try:
            return await call.run()
        finally:
            self.live.pop(call_id, None)
            if not self.live:
                self._quiet.set()

    async def drain(self, seconds: float) -> None:
        """Let nobody in, and wait for the live calls to end; hang up on those that outlast the time."""
        self.draining = True
        if not self.live:
            return
        self._quiet.clear()
        try:
            await asyncio.wait_for(self._quiet.wait(), seconds)
        except TimeoutError:
            for call in list(self.live.values()):
                await call.hang_up("closed")
            await asyncio.wait_for(self._quiet.wait(), TEAR_DOWN_S * 2)
