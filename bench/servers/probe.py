"""Inside a measured server: how late its event loop wakes up, and where its time goes.

On SIGUSR1 it tells the lag, when first frames were read and how much of the time the loop counted as busy, all since
the last time, and how many tasks there are; SIGUSR2 begins a profile, and ends and tells it. With BENCH_STEPS it tells
the steps of the loop, too, which is then asyncio's own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections import Counter, defaultdict
from types import FrameType

import uvicorn

from bench.child import say
from bench.stats import summary
from common.loop_load import LOOP_LOAD

EVERY_S = 0.02
SAMPLE_S = 0.002  # of CPU time
DEPTH = 60
STEP_MS = 0.2  # of CPU; shorter steps hold nobody up


first_reads: list[float] = []  # when a call's first frame was read, of the machine's monotonic clock
steps: defaultdict[str, list[float]] = defaultdict(list)  # ms of CPU of each step of STEP_MS and more, by name


class Lag:
    """Sleeps, and notes by how much it overslept; and how much of that was the loop's own work, at most: on a busy
    machine it is late without having done anything."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []
        self._own_ms: list[float] = []
        self._busy = 0  # looks at which the loop counted as busy (common.loop_load)

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, worked = loop.time() + EVERY_S, time.thread_time()
            await asyncio.sleep(EVERY_S)
            self._late_ms.append(1000 * (loop.time() - due))
            self._own_ms.append(min(self._late_ms[-1], 1000 * (time.thread_time() - worked)))
            self._busy += LOOP_LOAD.busy

    def tell(self) -> None:
        facts = {
            "own": summary(self._own_ms),
            "busy_share": round(self._busy / max(1, len(self._late_ms)), 2),
            "first_reads": first_reads,
            "tasks": len(asyncio.all_tasks()),
            "steps": steps,
        }
        say(summary(self._late_ms) | facts)
        self._late_ms, self._own_ms, self._busy = [], [], 0
        first_reads.clear()
        steps.clear()


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


def name_of(handle: asyncio.Handle) -> str:
    """A task's coroutine, a socket's protocol, or the callback."""
    callback = handle._callback  # type: ignore[attr-defined]
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        callback = owner.get_coro()
    elif isinstance(owner, asyncio.Transport):
        return f"{type(owner.get_protocol()).__name__}, a socket's data"
    return getattr(callback, "__qualname__", None) or repr(callback)


def note(name: str, ms: float) -> None:
    if ms >= STEP_MS:
        steps[name].append(round(ms, 2))


def note_steps() -> None:
    """Note the CPU time of each step from now on, on asyncio's own loop. A round of the garbage collector, which comes
    in whichever step makes the one object too many, is told by itself."""
    run = asyncio.Handle._run
    began_ms = collected_ms = 0.0  # of CPU: the start of the round under way, and all rounds in the step under way

    def collects(phase: str, facts: dict[str, int]) -> None:
        nonlocal began_ms, collected_ms
        now_ms = 1000 * time.thread_time()
        if phase == "start":
            began_ms = now_ms
        else:
            collected_ms += now_ms - began_ms
            note(f"garbage collector, generation {facts['generation']}", now_ms - began_ms)

    def noted(handle: asyncio.Handle) -> None:
        nonlocal collected_ms
        collected_ms, began = 0.0, time.thread_time()
        run(handle)
        note(name_of(handle), 1000 * (time.thread_time() - began) - collected_ms)

    gc.callbacks.append(collects)
    asyncio.Handle._run = noted  # type: ignore[method-assign, assignment]
    uvicorn.Config.get_loop_factory = lambda self: asyncio.SelectorEventLoop  # type: ignore[method-assign]


def install() -> None:
    """Watch whatever uvicorn serves in this process."""
    if os.environ.get("BENCH_STEPS"):
        note_steps()
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
