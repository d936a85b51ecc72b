"""Memory that ended calls held, given back to the system while others go on.

A call's objects know each other in circles, so they wait for the garbage collector, and the event loop stands still for
a round of it. Its own full rounds come when a quarter more has been made than there was at the last one, and the last
one saw the whole server: after dozens of calls, and then all of them at once, for a tenth of a second and more where
many come. So a round is made before ended calls are more than live ones. What is freed lies between what is in use, and
glibc gives no page of that back unless it is asked.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Callable

from agent.active_calls import ActiveCalls

TRIM_INTERVAL_S = 15.0
MAX_CALLS_FOR_FULL_COLLECTION = 16  # a full round is longer with more live calls
ENDED_CALLS_PER_ROUND = 8  # at least


async def give_back(active_calls: ActiveCalls) -> None:
    """Collect and give back, again and again while there are calls and once after the last. Never returns."""
    trim = _trimmer()
    while True:
        await active_calls.turned(busy=True)
        await asyncio.sleep(TRIM_INTERVAL_S)
        # What stood before the first call is out of this: carlos.server freezes it.
        gc.collect(2 if len(active_calls.live) <= MAX_CALLS_FOR_FULL_COLLECTION else 1)
        await asyncio.to_thread(trim, 0)  # its call leaves the interpreter free


async def collect_ended(active_calls: ActiveCalls) -> None:
    """Make a full round of the garbage collector whenever as many calls have ended as are live, and some at least: a
    round sees the live ones, too, so with many of them it must be made less often. Never returns."""
    ended = 0
    while True:
        await active_calls.ended(ENDED_CALLS_PER_ROUND)
        ended += ENDED_CALLS_PER_ROUND
        if ended >= len(active_calls.live):
            gc.collect()
            ended = 0


def _trimmer() -> Callable[[int], object]:
    """glibc's malloc_trim; of another C library, nothing."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return lambda pad: None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    called: Callable[[int], object] = trim
    return called
