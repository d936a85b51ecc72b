"""Ended calls' memory goes back to the system while there are calls, and nothing is done while there are none."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from typing import cast

import pytest

from agent.active_calls import ActiveCalls
from carlos import memory
from tests.support.waiting import until


class Calls:
    def __init__(self) -> None:
        self.some = asyncio.Event()

        self.live = {"CA1": None}

    async def turned(self, *, busy: bool) -> None:
        assert busy
        await self.some.wait()


async def test_memory_is_given_back_as_long_as_there_are_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(memory, "TRIM_INTERVAL_S", 0.0)
    monkeypatch.setattr(gc, "collect", lambda generation: done.append(f"collected {generation}"))
    monkeypatch.setattr(memory, "_trimmer", lambda: lambda pad: done.append("trimmed"))
    calls = Calls()
    giving = asyncio.create_task(memory.give_back(cast(ActiveCalls, calls)))
    await asyncio.sleep(0)
    assert done == []
    calls.some.set()
    await until(lambda: len(done) >= 6)
    giving.cancel()
    with suppress(asyncio.CancelledError):
        await giving
    assert done[:6] == ["collected 2", "trimmed"] * 3


async def test_many_calls_are_not_kept_waiting_for_a_full_round(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(memory, "TRIM_INTERVAL_S", 0.0)
    monkeypatch.setattr(gc, "collect", done.append)
    calls = Calls()
    calls.live = dict.fromkeys(map(str, range(memory.MAX_CALLS_FOR_FULL_COLLECTION + 1)))
    calls.some.set()
    giving = asyncio.create_task(memory.give_back(cast(ActiveCalls, calls)))
    await until(lambda: done)
    giving.cancel()
    with suppress(asyncio.CancelledError):
        await giving
    assert done[0] == 1


def test_this_machine_can_be_asked_or_nothing_happens() -> None:
    memory._trimmer()(0)
