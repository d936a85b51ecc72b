"""Steps of the event loop that take too long are named while they last, whatever calls them."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from loguru import logger

from carlos import event_loop
from carlos.event_loop import SlowStep, log_step, measure_lag, steps_watched
from common import metrics
from common.loop_load import LOOP_LOAD
from sandbox.hang import HANG_S
from tests.support.waiting import until

LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


class Told:
    """Holds a step up until it has been named."""

    def __init__(self, name: str) -> None:
        self.steps: list[SlowStep] = []
        self._name = name
        self._named = threading.Event()

    def __call__(self, step: SlowStep) -> None:
        self.steps.append(step)
        if self._name in step.name:
            self._named.set()

    def last_until_named(self) -> None:
        assert self._named.wait(HANG_S)


def run(work: Coroutine[Any, Any, None], loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


@LOOPS
def test_a_task_is_called_by_its_coroutine(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    told = Told("answer_a_call")

    async def inside() -> None:
        await asyncio.sleep(0)
        told.last_until_named()

    async def answer_a_call() -> None:
        await inside()

    async def main() -> None:
        with steps_watched(told):
            await asyncio.create_task(answer_a_call())

    run(main(), loop)
    assert any("answer_a_call" in step.name and step.place.startswith("threading:") for step in told.steps)


@LOOPS
def test_what_a_socket_received_is_a_step_too(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    told = Told("_read_ready" if loop is asyncio.new_event_loop else "Reader.data_received")

    class Reader(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            told.last_until_named()
            received.set()

    async def main() -> None:
        ours, theirs = socket.socketpair()
        with theirs, steps_watched(told):
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(Reader, ours)
            theirs.send(b"x")
            await received.wait()
            transport.close()
            await asyncio.sleep(0)

    received = asyncio.Event()
    run(main(), loop)


async def test_code_in_c_that_lets_no_thread_run_is_looked_at_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it is the CPU that the loop used between two questions."""
    looks: list[float] = []
    readings = iter([0.0, 25.0])
    monkeypatch.setattr(event_loop._Watch, "_cpu_ms", lambda watch: next(readings, 25.0))
    monkeypatch.setattr(event_loop._Watch, "_look", lambda watch, cpu_ms: looks.append(cpu_ms))
    with steps_watched():
        await until(lambda: 25.0 in looks)


async def test_the_watch_ends_with_its_block() -> None:
    before = threading.active_count()
    with steps_watched():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_loop_that_waits_is_in_no_step() -> None:
    """Its thread is no deeper than the loop's own frames are."""

    async def main() -> None:
        watch = event_loop._Watch(asyncio.get_running_loop(), found.append)
        watch._look(0.0)
        assert [step.name.rpartition(".")[2] for step in found] == ["main"]
        watch._machinery += len(event_loop._outermost_first(sys._getframe())) + 1
        watch._look(0.0)

    found: list[SlowStep] = []
    asyncio.run(main())
    assert len(found) == 1


def test_a_step_is_a_line_of_the_log() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message}", level="DEBUG")
    log_step(SlowStep("Reader.data_received", "json.decoder:353", 214.4))
    logger.remove(sink)
    step = "214 of them CPU: Reader.data_received at json.decoder:353"
    assert lines == [f"DEBUG a step of the event loop takes more than 20 ms, {step}\n"]


async def test_the_lag_is_observed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    observed: list[float] = []
    monkeypatch.setattr(event_loop, "LAG_INTERVAL_S", 0.0)
    monkeypatch.setattr(metrics.LOOP_LAG.__class__, "observe", lambda metric, seconds: observed.append(seconds))
    measuring = asyncio.create_task(measure_lag())
    await until(lambda: len(observed) >= 3)
    measuring.cancel()
    assert min(observed) >= 0.0


async def test_the_load_is_looked_at_as_long_as_the_lag_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    monkeypatch.setattr(event_loop, "LAG_INTERVAL_S", 0.0)
    monkeypatch.setattr(LOOP_LOAD, "look", lambda now, cpu_s, late_s: looks.append(late_s))
    measuring = asyncio.create_task(measure_lag())
    await until(lambda: len(looks) >= 3)
    LOOP_LOAD.level = 1
    measuring.cancel()
    await asyncio.gather(measuring, return_exceptions=True)
    assert not LOOP_LOAD.busy
