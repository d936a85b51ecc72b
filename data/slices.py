"""Long work on the event loop, in steps short enough for the calls beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable

STEP_S = 0.002  # a call's audio leaves every 20 ms, and this comes on top of what else is due


async def sliced[T](items: Iterable[T], clock: Callable[[], float] = time.perf_counter) -> AsyncIterator[T]:
    """The items one by one; the loop has its turn whenever what was done with them has taken `STEP_S`."""
    began = clock()
    for item in items:
        yield item
        if clock() - began >= STEP_S:
            await asyncio.sleep(0)
            began = clock()
