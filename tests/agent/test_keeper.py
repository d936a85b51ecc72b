"""What is kept of a call as it goes, and until when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.keeper import Keeper
from agent.record import CUT_OFF, CallLog
from data.errors import Unavailable
from data.models import CallRecord, Line
from data.store import Store


class Noted(Keeper):
    """Notes which writes it asks of the store."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(store, retry_s=0.0)
        self.writes: list[bool] = []  # of each, whether the memory went with it
        save = store.save_call

        async def save_call(call: Any, state: Any = None, kept: Any = None) -> Any:
            self.writes.append(state is not None)
            return await save(call, state)

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

    async def save_call(call: Any, state: Any = None, kept: Any = None) -> Any:
        kept = await save(call, state)
        saved.set()
        return kept

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

    async def failing_at_first(call: Any, state: Any = None, kept: Any = None) -> Any:
        if faults:
            raise faults.pop()
        return await save(call, state)

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


COMPLETED = {"CallStatus": "completed", "CallDuration": "42", "Direction": "inbound"}


class Interleaved:
    """Lets another process write between a read of the record and the write that follows it, once."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, between: Callable[[], Awaitable[None]]) -> None:
        self._read, self._between = store.call, between
        self.times = 0
        monkeypatch.setattr(store, "call", self.call)

    async def call(self, call_id: str) -> CallRecord | None:
        record = await self._read(call_id)
        if not self.times:
            self.times += 1
            await self._between()
        return record


async def _keep(keeper: Keeper, log: CallLog) -> None:
    keeper.changed(log)
    await keeper.settled()


async def _as_it_should_be(store: Store) -> None:
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, record.ended_at is not None, len(record.turns)) == ("caller_left", True, 1)
    assert record.details["twilio"] == {"status": "completed", "duration_s": "42", "direction": "inbound"}
    assert record.details["process"] == "here"


@pytest.mark.parametrize("told_before", range(4))
async def test_a_callback_on_another_server_and_the_end_here_come_in_any_order(
    store: Store, log: CallLog, told_before: int
) -> None:
    here, there = Keeper(store, retry_s=0.0), Keeper(store, retry_s=0.0)

    async def begin() -> None:
        log.note(process="here")
        await _keep(here, log)

    async def talk() -> None:
        log.heard("Hola")
        await _keep(here, log)

    async def end() -> None:
        log.end("caller_left")
        await _keep(here, log)

    for number, step in enumerate((begin, talk, end)):
        if number == told_before and number:
            await there.told("CA1", None, COMPLETED)
        await step()
    await there.told("CA1", None, COMPLETED)
    await _as_it_should_be(store)


async def test_a_callback_that_read_before_the_call_ended_adds_to_the_end(
    store: Store, log: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Keeper(store, retry_s=0.0), Keeper(store, retry_s=0.0)
    log.note(process="here")
    await _keep(here, log)

    async def end() -> None:
        log.heard("Hola")
        log.end("caller_left")
        await _keep(here, log)

    between = Interleaved(store, monkeypatch, end)
    await there.told("CA1", None, COMPLETED)
    assert between.times == 1
    await _as_it_should_be(store)


async def test_what_a_dead_process_left_is_ended_by_the_callback(store: Store, log: CallLog) -> None:
    log.heard("Hola")
    await _keep(Keeper(store, retry_s=0.0), log)
    await Keeper(store, retry_s=0.0).told("CA1", None, COMPLETED)
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, record.details["twilio"]["duration_s"]) == ("lost", "42")


@pytest.mark.parametrize("seconds", ["²", "9" * 5000, "-1", "", "1e999990"])
async def test_a_duration_that_is_none_ends_nothing(store: Store, log: CallLog, seconds: str) -> None:
    await _keep(Keeper(store, retry_s=0.0), log)
    await Keeper(store, retry_s=0.0).told("CA1", None, {"CallStatus": "completed", "CallDuration": seconds})
    record = await store.call("CA1")
    assert record is not None
    assert record.ended_at is None
    assert len(record.details["twilio"]["duration_s"]) <= 64


async def test_an_erased_record_does_not_come_back(store: Store, log: CallLog) -> None:
    keeper = Keeper(store, retry_s=0.0)
    await _keep(keeper, log)
    await store.erase_call("CA1")
    await _keep(keeper, log)
    await keeper.told("CA1", None, COMPLETED)
    assert await store.call("CA1") is None


BROKEN = "Me llamo \ud800 Ana\x00\x1b[2J"


async def test_what_no_encoding_takes_is_replaced_where_it_enters(keeper: Noted, log: CallLog, store: Store) -> None:
    log.heard(BROKEN)
    log.tool("\udfff", "t1", {"customerName": [BROKEN], BROKEN: 1}, {"error": BROKEN}, ok=False, elapsed_ms=1)
    log.fault(BROKEN)
    log.end("completed")
    told = json.dumps([happening async for happening in log.follow()], ensure_ascii=False)
    told.encode()
    keeper.changed(log)
    await keeper.settled()
    record = await store.call("CA1")
    assert record is not None
    assert (record.details, record.tools[0].arguments) == (log.record().details, log.record().tools[0].arguments)
    assert record.turns[0].text == "Me llamo \ufffd Ana\ufffd\ufffd[2J"


async def test_a_record_that_cannot_be_written_is_not_told_to_the_log(
    keeper: Noted, log: CallLog, logged: list[str]
) -> None:
    log.heard("Soy Zulema Quiroga")
    log.note(what={"Zulema Quiroga"})  # a set is no JSON
    keeper.changed(log)
    await keeper.settled()
    said = " ".join(logged)
    assert "not kept" in said
    assert "Quiroga" not in said
