"""Long work on the event loop, in steps short enough for the calls beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable

STEP_S = 0.002  # a call's audio leaves every 20 ms, and this comes on top of what else is due
PAUSE_S = 0.002  # a process that never rests is the one that a busy machine lets wait


async def sliced[T](items: Iterable[T], clock: Callable[[], float] = time.perf_counter) -> AsyncIterator[T]:
    """Yield the items one by one; whenever the work on them has taken `STEP_S`, others have the event loop for
    `PAUSE_S`."""
    began = clock()
    for item in items:
        yield item
        if clock() - began >= STEP_S:
            await asyncio.sleep(PAUSE_S)
            began = clock()
