"""What is kept of a call as it goes, and until when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.keeper import Keeper
from agent.record import CUT_OFF, CallLog
from data.errors import Unavailable
from data.models import Line
from data.store import Store


class Noted(Keeper):
    """Notes which writes it asks of the store."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(store, retry_s=0.0)
        self.writes: list[bool] = []  # of each, whether the memory went with it
        save = store.save_call

        async def save_call(call: Any, state: Any = None) -> None:
            self.writes.append(state is not None)
            await save(call, state)

        monkeypatch.setattr(store, "save_call", save_call)


@pytest.fixture
def keeper(store: Store, monkeypatch: pytest.MonkeyPatch) -> Noted:
    return Noted(store, monkeypatch)


@pytest.fixture
def log() -> CallLog:
    log = CallLog("CA1", Line.PHONE, None)
    log.memory = lambda: {"turns": log.turn // 2}
    return log


async def test_the_memory_is_written_when_it_changes_and_with_the_record(
    keeper: Noted, log: CallLog, store: Store
) -> None:
    for text in ("Hola", "Uno", "Dos"):
        keeper.changed(log)
        await keeper.settled()
        log.heard(text)
    assert keeper.writes == [True, False, True]
    assert await store.recall("CA1") == {"turns": 1}


async def test_changes_that_come_together_are_one_write(keeper: Noted, log: CallLog, store: Store) -> None:
    for text in ("Hola", "Uno", "Dos", "Tres"):
        log.heard(text)
        keeper.changed(log)
    await keeper.settled()
    assert keeper.writes == [True]
    record = await store.call("CA1")
    assert record is not None
    assert len(record.turns) == 4


async def test_a_browsers_call_leaves_no_memory(keeper: Noted, store: Store) -> None:
    keeper.changed(CallLog("B1", Line.BROWSER, None))
    await keeper.settled()
    assert (keeper.writes, await store.recall("B1")) == ([False], None)


@pytest.mark.parametrize("outcome", ["completed", "caller_left", "failed", "too_long", "closed"])
async def test_the_memory_of_a_call_that_is_over_is_deleted(
    keeper: Noted, log: CallLog, store: Store, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    saved = asyncio.Event()
    save = store.save_call

    async def save_call(call: Any, state: Any = None) -> None:
        await save(call, state)
        saved.set()

    monkeypatch.setattr(store, "save_call", save_call)
    keeper.changed(log)
    await saved.wait()
    log.end(outcome)  # while the write before it is under way
    keeper.changed(log)
    await keeper.settled()
    assert await store.recall("CA1") is None
    assert await keeper.is_over("CA1")
    assert await keeper.cut_off("CA1") is None


@pytest.mark.parametrize("outcome", sorted(CUT_OFF))
async def test_a_call_that_was_cut_off_can_be_gone_on_with(
    keeper: Noted, log: CallLog, store: Store, outcome: str
) -> None:
    log.heard("Hola")
    log.end(outcome)
    keeper.changed(log)
    cut_off = await keeper.cut_off("CA1")
    assert cut_off is not None, "it waits for what is being written"
    assert [turn.text for turn in cut_off.record.turns] == ["Hola"]
    assert cut_off.memory == {"turns": 0}
    assert not await keeper.is_over("CA1")


async def test_what_could_not_be_written_is_written_with_the_next_try(
    keeper: Noted, log: CallLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, faults = store.save_call, [Unavailable("no store")]

    async def failing_at_first(call: Any, state: Any = None) -> None:
        if faults:
            raise faults.pop()
        await save(call, state)

    monkeypatch.setattr(store, "save_call", failing_at_first)
    keeper.changed(log)
    await keeper.settled()
    assert await store.recall("CA1") == {"turns": 0}


async def test_twilios_last_word_does_not_bring_an_old_story_back(keeper: Noted, store: Store) -> None:
    """It came to the process that the call was cut off in; another one has gone on with it since."""
    here = CallLog("CA1", Line.PHONE, None)
    here.memory = dict
    here.heard("Hola")
    here.end("drained")
    keeper.changed(here)
    cut_off = await keeper.cut_off("CA1")
    assert cut_off is not None
    elsewhere = CallLog.resumed(cut_off.record, 1)
    elsewhere.heard("Chau")
    elsewhere.end("completed")
    await store.save_call(elsewhere.record())
    await keeper.told("CA1", here, {"CallStatus": "completed", "CallDuration": "42"})
    await keeper.settled()
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, len(record.turns), record.details["resumed"]) == ("completed", 2, 1)
    assert record.details["twilio"]["duration_s"] == "42"
    assert await store.recall("CA1") is None
