"""Inside a measured server: how late its event loop wakes up, and where its time goes.

On SIGUSR1 it tells the lag and when first frames were read, both since the last time, and how many tasks there are;
SIGUSR2 begins a profile, and ends and tells it.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from types import FrameType

import uvicorn

from bench.child import say
from bench.stats import summary

EVERY_S = 0.02
SAMPLE_S = 0.002  # of CPU time
DEPTH = 60


first_reads: list[float] = []  # when a call's first frame was read, of the machine's monotonic clock


class Lag:
    """Sleeps, and notes by how much it overslept; and how much of that was the loop's own work, at most: on a busy
    machine it is late without having done anything."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []
        self._own_ms: list[float] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, worked = loop.time() + EVERY_S, time.thread_time()
            await asyncio.sleep(EVERY_S)
            self._late_ms.append(1000 * (loop.time() - due))
            self._own_ms.append(min(self._late_ms[-1], 1000 * (time.thread_time() - worked)))

    def tell(self) -> None:
        facts = {"own": summary(self._own_ms), "first_reads": first_reads, "tasks": len(asyncio.all_tasks())}
        say(summary(self._late_ms) | facts)
        self._late_ms, self._own_ms = [], []
        first_reads.clear()


class Profile:
    """Samples the main thread each time it has used SAMPLE_S of CPU."""

    def __init__(self) -> None:
        self._running = False
        self._stacks: Counter[tuple[str, ...]] = Counter()

    def toggle(self) -> None:
        if not self._running:
            signal.signal(signal.SIGPROF, self._sample)
        self._running = not self._running
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S * self._running, SAMPLE_S * self._running)
        if not self._running:
            say([[*stack, count] for stack, count in self._stacks.most_common()])
            self._stacks.clear()

    def _sample(self, number: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None and len(stack) < DEPTH:
            code = frame.f_code
            stack.append(f"{code.co_filename.rpartition('site-packages/')[2]}:{code.co_qualname}")
            frame = frame.f_back
        self._stacks[tuple(stack)] += 1


def install() -> None:
    """Watch whatever uvicorn serves in this process."""
    startup = uvicorn.Server.startup
    lag, profile = Lag(), Profile()
    summary([0.0])  # the first time takes 50 ms

    async def watched(self: uvicorn.Server, sockets: list[object] | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lag.tell)
        loop.add_signal_handler(signal.SIGUSR2, profile.toggle)
        watching = loop.create_task(lag.watch())
        watching.add_done_callback(lambda task: None)
        self._watching = watching  # type: ignore[attr-defined]
        await startup(self, sockets)  # type: ignore[arg-type]

    uvicorn.Server.startup = watched  # type: ignore[method-assign,assignment]
