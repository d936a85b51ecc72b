"""One timer for many waits."""

from __future__ import annotations

import asyncio

import pytest

from telephony.read_timeout import ReadTimeout
from tests.support.virtual_loop import run_virtually


async def test_a_wait_that_takes_too_long_is_cancelled_and_told() -> None:
    patience, waiting = ReadTimeout(0.01), asyncio.get_running_loop().create_future()
    with pytest.raises(TimeoutError):
        await patience.wait(waiting)
    assert waiting.cancelled()


def test_waits_that_are_short_each_may_be_long_in_all() -> None:
    async def work() -> None:
        patience = ReadTimeout(5)
        assert [await patience.wait(asyncio.sleep(1, turn)) for turn in range(15)] == list(range(15))
        patience.stop()

    run_virtually(work())


def test_time_between_two_waits_does_not_count() -> None:
    async def work() -> None:
        patience = ReadTimeout(5)
        await patience.wait(asyncio.sleep(0))
        await asyncio.sleep(60)
        assert await patience.wait(asyncio.sleep(1, "here")) == "here"
        patience.stop()

    run_virtually(work())


async def test_a_cancelled_task_is_cancelled_and_not_timed_out() -> None:
    async def work() -> None:
        await ReadTimeout(5).wait(asyncio.Event().wait())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
