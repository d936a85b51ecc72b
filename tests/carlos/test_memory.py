"""Ended calls' memory goes back to the system while there are calls, and nothing is done while there are none."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from typing import cast

import pytest

from agent.active_calls import ActiveCalls
from agent.call import Call
from agent.transcript import CallTranscript
from carlos import memory
from data.models import Line
from tests.support.waiting import bounded, until


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


class Ended:
    """A call that ends at once."""

    def __init__(self, number: int) -> None:
        self.log = CallTranscript(f"CA{number}", Line.PHONE, None)

    async def run(self) -> str:
        return "completed"


@pytest.mark.parametrize(("live", "per_round"), [(0, 8), (8, 8), (9, 16), (40, 40)])
async def test_a_round_finds_as_many_ended_calls_as_live_ones(
    live: int, per_round: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []  # calls that had ended at each
    ended = 0
    monkeypatch.setattr(gc, "collect", lambda: rounds.append(ended))
    calls = ActiveCalls(100)
    calls.live.update((f"live {number}", cast(Call, None)) for number in range(live))
    collecting = asyncio.create_task(memory.collect_ended(calls))
    for ended in range(1, 3 * per_round + 1):
        await calls.hold(cast(Call, Ended(ended)))
        await until(lambda: len(rounds) >= ended // per_round)  # noqa: B023 - asked here
    collecting.cancel()
    with suppress(asyncio.CancelledError):
        await collecting
    assert rounds == [per_round, 2 * per_round, 3 * per_round]


async def test_calls_that_end_while_nobody_waits_are_counted() -> None:
    calls = ActiveCalls(100)
    for number in range(2 * memory.ENDED_CALLS_PER_ROUND):
        await calls.hold(cast(Call, Ended(number)))
    async with bounded():
        await calls.ended(memory.ENDED_CALLS_PER_ROUND)
        await calls.ended(memory.ENDED_CALLS_PER_ROUND)


def test_this_machine_can_be_asked_or_nothing_happens() -> None:
    memory._trimmer()(0)
