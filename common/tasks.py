"""Tasks that somebody holds: one that nobody refers to may be collected, and what it died of is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from loguru import logger

type OnError = Callable[[asyncio.Task[Any], BaseException], None]


def log_error(task: asyncio.Task[Any], error: BaseException) -> None:
    logger.opt(exception=error).error("the task {} failed", task.get_name())


class TaskSet:
    """Tasks under way. `on_error` gets one that an exception has ended, and the exception; cancelled is no error."""

    def __init__(self, on_error: OnError = log_error) -> None:
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()

    def create[T](self, work: Coroutine[Any, Any, T], name: str | None = None) -> asyncio.Task[T]:
        """Begin a task, and hold it until it ends."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    async def wait(self) -> None:
        """Wait for those that are under way now. Never raises what one of them died of."""
        await asyncio.gather(*self._others(), return_exceptions=True)

    async def cancel(self) -> None:
        """Cancel those that are under way, except the one that asks for it, and wait for their ends."""
        for task in self._others():
            task.cancel()
        await self.wait()

    def _others(self) -> list[asyncio.Task[Any]]:
        me = asyncio.current_task()
        return [task for task in self._tasks if task is not me]

    def _reap(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_error(task, error)
