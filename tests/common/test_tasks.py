"""Tasks that a set holds."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from common.tasks import TaskSet
from tests.support.waiting import until


async def fail() -> None:
    raise ValueError("no")


async def test_what_a_task_died_of_is_told_with_its_name() -> None:
    told: list[tuple[str, str]] = []
    tasks = TaskSet(lambda task, error: told.append((task.get_name(), repr(error))))
    tasks.create(fail(), "one")
    await tasks.wait()
    assert told == [("one", "ValueError('no')")]


async def test_it_is_logged_where_nobody_else_wants_to_know(logged: list[str]) -> None:
    tasks = TaskSet()
    tasks.create(fail(), "one")
    await tasks.wait()
    assert any("the task one failed" in line and "ValueError: no" in line for line in logged)


@pytest.mark.slow
async def test_a_task_that_only_the_set_knows_lives_to_its_end() -> None:
    tasks, done, go = TaskSet(), list[int](), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.append(1)

    tasks.create(work())
    await asyncio.sleep(0)
    gc.collect()
    go.set()
    await tasks.wait()
    assert done == [1]


async def test_cancelled_tasks_are_waited_for_and_are_no_error() -> None:
    told: list[Any] = []
    cleaned: list[int] = []
    tasks = TaskSet(lambda *failure: told.append(failure))

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(number)

    for number in range(3):
        tasks.create(work(number))
    await asyncio.sleep(0)
    await tasks.cancel()
    assert (sorted(cleaned), told) == ([0, 1, 2], [])


async def test_a_task_of_the_set_may_cancel_the_others() -> None:
    tasks, other = TaskSet(), asyncio.Event()
    idle = tasks.create(other.wait())
    last = tasks.create(tasks.cancel())
    await until(last.done)
    assert idle.cancelled()
    assert not last.cancelled()
