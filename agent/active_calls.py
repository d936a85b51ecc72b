"""Who is on the line, and who was: one process's calls."""

from __future__ import annotations

import asyncio

from loguru import logger

from agent.call import TEAR_DOWN_S, Call
from agent.capacity import CallCapacity, CapacityCounter
from agent.transcript import CallTranscript
from common import metrics

MAX_ENDED_CALLS = 200  # ended calls whose story can still be followed


class ActiveCalls:
    """The calls of this process, of phone and browser. Places are counted apart, since a ringing call takes one
    already, and each kind of line has its own: `capacity` is the phone's, of this process or of several."""

    def __init__(self, capacity: int | CapacityCounter, browsers: int | CapacityCounter = 0) -> None:
        self.capacity: CapacityCounter = CallCapacity(capacity) if isinstance(capacity, int) else capacity
        self.browsers: CapacityCounter = CallCapacity(browsers) if isinstance(browsers, int) else browsers
        self.live: dict[str, Call] = {}
        self._logs: dict[str, CallTranscript] = {}
        self._busy = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._ended = asyncio.Semaphore(0)  # a permit for each call that has ended

    @property
    def draining(self) -> bool:
        return self.capacity.draining

    def log_of(self, call_id: str) -> CallTranscript | None:
        """Return the transcript of a live call, or of one of the last that ended."""
        return self._logs.get(call_id)

    async def hold(self, call: Call) -> str:
        """Run a call to its end, and return its outcome."""
        call_id = call.log.id
        self.live[call_id] = call
        self._logs[call_id] = call.log
        self._quiet.clear()
        self._busy.set()
        metrics.ACTIVE_CALLS.set(len(self.live))
        try:
            with logger.contextualize(call_id=call_id, call=call.log):
                logger.bind(event="begun", line=call.log.line.value).info("call: begun")
                return await call.run()
        finally:
            del self.live[call_id]
            metrics.ACTIVE_CALLS.set(len(self.live))
            self._forget_old()
            self._ended.release()
            if not self.live:
                self._busy.clear()
                self._quiet.set()

    async def turned(self, *, busy: bool) -> None:
        """Wait until there are calls, or until there are none."""
        await (self._busy if busy else self._quiet).wait()

    async def ended(self, calls: int) -> None:
        """Wait until so many calls have ended since the last time that this was over. One at a time may wait."""
        for _ in range(calls):
            await self._ended.acquire()

    async def drain(self, seconds: float) -> None:
        """Admit no more calls, wait for the live ones to end, and hang up those that outlast the time."""
        self.capacity.drain()
        self.browsers.drain()
        try:
            await asyncio.wait_for(self._quiet.wait(), seconds)
        except TimeoutError:
            for call in list(self.live.values()):
                await call.hang_up("drained")
            await asyncio.wait_for(self._quiet.wait(), 2 * TEAR_DOWN_S)

    def _forget_old(self) -> None:
        ended = [call_id for call_id in self._logs if call_id not in self.live]
        for call_id in ended[: max(0, len(ended) - MAX_ENDED_CALLS)]:
            del self._logs[call_id]
