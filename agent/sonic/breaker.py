"""A circuit breaker for the streams of one process and Region: 40 calls must not dial a dead service 40 times a second.

Closed, it lets everything through. `FAILURE_LIMIT` failures within `FAILURE_WINDOW_S`, with no proof of health in
between, open it: then `PROBES_PER_S` streams a second are dialled, by whoever waits first, and the first of them that
lives closes it.
The pattern: Nygard, "Release It!", ch. 5.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from common import metrics

FAILURE_LIMIT = 5
FAILURE_WINDOW_S = 5.0
PROBES_PER_S = 5


class Breaker(Protocol):
    """What a call's session asks before it dials: the `CircuitBreaker` of its Region, or of the Region that is next
    (agent.sonic.regional)."""

    @property
    def is_open(self) -> bool: ...
    async def admit(self) -> None: ...
    def failed(self) -> None: ...
    def proved(self) -> None: ...


class CircuitBreaker:
    """Limits how often a process dials. All times are the event loop's."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._failures: deque[float] = deque(maxlen=FAILURE_LIMIT)
        self._dials: deque[float] = deque(maxlen=PROBES_PER_S)
        self._closing = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Return True while the service seems to be down."""
        return len(self._failures) == FAILURE_LIMIT and self._failures[0] > self._now() - FAILURE_WINDOW_S

    async def admit(self) -> None:
        """Wait until a stream may be dialled; there is no limit to the wait but the caller's own."""
        while (wait := self._wait_s()) > 0:
            self._closing.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._closing.wait()
            except TimeoutError:
                continue  # a place is free now, perhaps: who else waits may have been first
        self._dials.append(self._now())

    def failed(self) -> None:
        """A stream could not be had, or was lost."""
        was_open = self.is_open
        self._failures.append(self._now())
        if self.is_open and not was_open:
            metrics.CIRCUIT_OPENED.add()

    def proved(self) -> None:
        """A stream lives: it gave events for a while without an error."""
        self._failures.clear()
        self._closing.set()

    def _wait_s(self) -> float:
        if not self.is_open or len(self._dials) < PROBES_PER_S:
            return 0.0
        return max(0.0, self._dials[0] + 1.0 - self._now())
