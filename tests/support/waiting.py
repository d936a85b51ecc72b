"""Waiting until something holds, by asking; the only bound is the one that catches a hang."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sandbox.hang import HANG_S

ASK_AGAIN_S = 0.005


def bounded() -> asyncio.Timeout:
    """`async with bounded():` fails with TimeoutError where what is inside hangs."""
    return asyncio.timeout(HANG_S)


async def until[T](holds: Callable[[], T]) -> T:
    """The first true answer. Raises TimeoutError when none comes."""
    async with bounded():
        while not (answer := holds()):
            await asyncio.sleep(ASK_AGAIN_S)
    return answer


async def until_answered[T](ask: Callable[[], Awaitable[T]]) -> T:
    """The same of a question that takes a while itself."""
    async with bounded():
        while not (answer := await ask()):
            await asyncio.sleep(ASK_AGAIN_S)
    return answer


@asynccontextmanager
async def no_task_left() -> AsyncIterator[None]:
    """Waits at the end for every task begun inside, and fails with those that never end."""
    before = asyncio.all_tasks()
    yield
    while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        _, pending = await asyncio.wait(left, timeout=HANG_S)
        assert not pending, f"tasks survived: {pending}"
