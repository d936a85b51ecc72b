"""The event loop's budget: no step on it takes longer than 20 ms, for every call in the process waits meanwhile.

Always on is `LoopLag`: how late a timer wakes up. With LOGLEVEL=DEBUG a thread beside the loop also names the step, and
while it lasts: of one that takes minutes nothing would be heard otherwise. It asks the loop for an answer every few
milliseconds, and looks where the loop's thread is when none comes.

asyncio's own debug mode cannot tell that here. uvloop measures callbacks and tasks only, never what it calls itself
with what a socket has received, and both loops take a traceback of each callback's making (uvloop 0.22).
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from loguru import logger

from common import metrics
from common.loop_load import LOOP_LOAD

STEP_BUDGET_S = 0.02
LAG_INTERVAL_S = 0.05  # between two looks at the lag: shorter steps are seen by some of the looks only
WATCH_INTERVAL_S = 0.005  # between two questions of the watching thread


async def measure_lag() -> None:
    """Observe `LoopLag`, and the load of the loop, for ever."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            due = loop.time() + LAG_INTERVAL_S
            await asyncio.sleep(LAG_INTERVAL_S)
            now = loop.time()
            late_s = max(0.0, now - due)
            metrics.LOOP_LAG.observe(late_s)
            LOOP_LOAD.look(now, time.thread_time(), late_s)
    finally:
        LOOP_LOAD.forget()


@dataclass(frozen=True, slots=True)
class SlowStep:
    """A step that goes on. `name` is its callback or coroutine, `place` where in it the thread is."""

    name: str
    place: str
    cpu_ms: float  # of the loop's thread since it was asked; little where it waits, or the machine is busy


def log_step(step: SlowStep) -> None:
    logger.debug(
        "a step of the event loop takes more than {:g} ms, {:.0f} of them CPU: {} at {}",
        STEP_BUDGET_S * 1000,
        step.cpu_ms,
        step.name,
        step.place,
    )


@contextmanager
def steps_watched(tell: Callable[[SlowStep], None] = log_step) -> Iterator[None]:
    """Call `tell`, in another thread, for each step of the running loop that takes longer than `STEP_BUDGET_S`.

    Enter it in a task. It counts wall time, so on a busy machine it tells of steps that only had to wait for a core.
    """
    watch = _Watch(asyncio.get_running_loop(), tell)
    watch.start()
    try:
        yield
    finally:
        watch.over.set()
        watch.join()


class _Watch(threading.Thread):
    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[SlowStep], None]) -> None:
        super().__init__(name="event loop watch", daemon=True)
        self.over = threading.Event()
        self._loop = loop
        self._tell = tell
        self._watched = threading.get_ident()
        self._cpu_clock = time.pthread_getcpuclockid(self._watched)
        self._machinery = _depth_of_the_loop()

    def run(self) -> None:
        answered, cpu_ms = threading.Event(), self._cpu_ms()
        while not self.over.wait(WATCH_INTERVAL_S):
            now = self._cpu_ms()
            if now - cpu_ms > STEP_BUDGET_S * 1000:
                self._look(now - cpu_ms)  # this thread could not run: code in C held Python's lock all the while
            answered.clear()
            self._loop.call_soon_threadsafe(answered.set)
            if not answered.wait(STEP_BUDGET_S):
                self._look(self._cpu_ms() - now)
            while not answered.wait(WATCH_INTERVAL_S):
                if self.over.is_set():
                    return
            cpu_ms = self._cpu_ms()

    def _cpu_ms(self) -> float:
        return time.clock_gettime(self._cpu_clock) * 1000

    def _look(self, cpu_ms: float) -> None:
        frames = _outermost_first(sys._current_frames().get(self._watched))
        if len(frames) > self._machinery:
            step, inner = frames[self._machinery], frames[-1]
            place = f"{inner.f_globals.get('__name__')}:{inner.f_lineno}"
            self._tell(SlowStep(step.f_code.co_qualname, place, cpu_ms))


def _depth_of_the_loop() -> int:
    """How many frames of this thread are the loop's and its starter's: the next one is a step's."""
    task = asyncio.current_task()
    coroutine = task.get_coro() if task is not None else None
    frame = getattr(coroutine, "cr_frame", None)
    return len(_outermost_first(frame)) - 1


def _outermost_first(frame: FrameType | None) -> list[FrameType]:
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]
