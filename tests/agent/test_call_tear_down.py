"""A call whose pipeline does not end in time is cut off, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from agent.call import TEAR_DOWN_S
from tests.agent.virtual_call import calling, greets
from tests.support.virtual_loop import run_virtually

STEPS = 40  # of the event loop: an end takes fewer
wait = asyncio.wait


@pytest.mark.parametrize("lived", [0, 5, 12, 200])
@pytest.mark.slow
def test_a_pipeline_that_is_cut_off_at_any_step_leaves_no_task(lived: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for steps in range(STEPS):
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "wait", impatient(steps))
            assert run_virtually(what_is_left(lived)) == set(), f"cut off after {steps} steps"


def impatient(steps: int) -> Any:
    """asyncio.wait, for which the time that a pipeline has to end is so many steps."""

    async def waiting(tasks: Iterable[asyncio.Task[Any]], timeout: float | None = None, **options: Any) -> Any:
        if timeout != TEAR_DOWN_S:
            return await wait(tasks, timeout=timeout, **options)
        for _ in range(steps):
            await asyncio.sleep(0)
        return set(), set(tasks)

    return waiting


async def what_is_left(lived: int) -> set[str]:
    """Tasks of a call that ended after so many steps."""
    before = asyncio.all_tasks()
    async with calling(script=greets):
        for _ in range(lived):
            await asyncio.sleep(0)
    return {task.get_name() for task in asyncio.all_tasks() - before if not task.done()}
