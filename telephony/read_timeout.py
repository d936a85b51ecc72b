"""A time limit on each wait of a loop that waits fifty times a second.

`asyncio.timeout` makes and cancels a timer for each wait. This one has a single timer that looks, when it fires,
how long the wait under way has lasted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


class ReadTimeout:
    """Bounds waits of one task, one after another, to `seconds` each. `stop` it at the end."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self._look)
        self._task: asyncio.Task[object] | None = None  # while it waits
        self._since = 0.0
        self._expired = False

    async def wait[T](self, awaitable: Awaitable[T]) -> T:
        """Return the awaitable's result. Raise TimeoutError, after cancelling it, when it took too long."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        cancelling = task.cancelling()
        self._task, self._since = task, self._loop.time()
        try:
            return await awaitable
        except asyncio.CancelledError:
            if self._expired and task.uncancel() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if self._task is not None and now >= self._since + self._seconds:
            self._expired = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_at((self._since if self._task else now) + self._seconds, self._look)
