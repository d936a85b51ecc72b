"""What is kept of a call as it goes, and until when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.record_writer import LAST_TRIES, CallRecordWriter
from agent.transcript import CUT_OFF, CallTranscript
from data.errors import Unavailable
from data.models import CallRecord, Line
from data.store import Store
from sandbox.hang import HANG_S
from tests.support.waiting import bounded, until


class Noted(CallRecordWriter):
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
def record_writer(store: Store, monkeypatch: pytest.MonkeyPatch) -> Noted:
    return Noted(store, monkeypatch)


@pytest.fixture
def log() -> CallTranscript:
    log = CallTranscript("CA1", Line.PHONE, None)
    log.memory = lambda: {"turns": log.turn // 2}
    return log


async def test_the_memory_is_written_when_it_changes_and_with_the_record(
    record_writer: Noted, log: CallTranscript, store: Store
) -> None:
    for text in ("Hola", "Uno", "Dos"):
        record_writer.changed(log)
        await record_writer.settled()
        log.user_transcript(text)
    assert record_writer.writes == [True, False, True]
    assert await store.recall("CA1") == {"turns": 1}


async def test_changes_that_come_together_are_one_write(
    record_writer: Noted, log: CallTranscript, store: Store
) -> None:
    for text in ("Hola", "Uno", "Dos", "Tres"):
        log.user_transcript(text)
        record_writer.changed(log)
    await record_writer.settled()
    assert record_writer.writes == [True]
    record = await store.call("CA1")
    assert record is not None
    assert len(record.turns) == 4


async def test_a_browsers_call_leaves_no_memory(record_writer: Noted, store: Store) -> None:
    record_writer.changed(CallTranscript("B1", Line.BROWSER, None))
    await record_writer.settled()
    assert (record_writer.writes, await store.recall("B1")) == ([False], None)


@pytest.mark.parametrize("outcome", ["completed", "caller_left", "failed", "too_long", "closed"])
async def test_the_memory_of_a_call_that_is_over_is_deleted(
    record_writer: Noted, log: CallTranscript, store: Store, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    saved = asyncio.Event()
    save = store.save_call

    async def save_call(call: Any, state: Any = None, kept: Any = None) -> Any:
        kept = await save(call, state)
        saved.set()
        return kept

    monkeypatch.setattr(store, "save_call", save_call)
    record_writer.changed(log)
    await saved.wait()
    log.end(outcome)  # while the write before it is under way
    record_writer.changed(log)
    await record_writer.settled()
    assert await store.recall("CA1") is None
    assert await record_writer.is_over("CA1", "twilio")
    assert await record_writer.cut_off("CA1") is None


@pytest.mark.parametrize("outcome", sorted(CUT_OFF))
async def test_a_call_that_was_cut_off_can_be_gone_on_with(
    record_writer: Noted, log: CallTranscript, store: Store, outcome: str
) -> None:
    log.user_transcript("Hola")
    log.end(outcome)
    record_writer.changed(log)
    cut_off = await record_writer.cut_off("CA1")
    assert cut_off is not None, "it waits for what is being written"
    assert [turn.text for turn in cut_off.record.turns] == ["Hola"]
    assert cut_off.memory == {"turns": 0}
    assert not await record_writer.is_over("CA1", "twilio")


async def test_what_could_not_be_written_is_written_with_the_next_try(
    record_writer: Noted, log: CallTranscript, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, faults = store.save_call, [Unavailable("no store")]

    async def failing_at_first(call: Any, state: Any = None, kept: Any = None) -> Any:
        if faults:
            raise faults.pop()
        return await save(call, state)

    monkeypatch.setattr(store, "save_call", failing_at_first)
    record_writer.changed(log)
    await record_writer.settled()
    assert await store.recall("CA1") == {"turns": 0}


@pytest.fixture
def outage(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[Unavailable]:
    """The store answers when this is empty; each operation takes one."""
    faults: list[Unavailable] = []

    def failing(does: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def fail(*arguments: Any) -> Any:
            if faults:
                raise faults.pop()
            return await does(*arguments)

        return fail

    for name in ("save_call", "amend_call"):
        monkeypatch.setattr(store, name, failing(getattr(store, name)))
    return faults


async def test_a_call_that_lies_within_an_outage_is_kept_when_it_is_over(
    log: CallTranscript, store: Store, outage: list[Unavailable]
) -> None:
    record_writer = CallRecordWriter(store, retry_s=0.0)
    outage += [Unavailable("no store")] * 50
    log.user_transcript("Hola")
    log.end("completed")
    record_writer.changed(log)
    await record_writer.carrier_said("CA1", log, "twilio", COMPLETED)
    await record_writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, record.details["twilio"]) == ("completed", COMPLETED)


async def test_what_is_new_does_not_wait_for_the_next_try(
    log: CallTranscript, store: Store, outage: list[Unavailable]
) -> None:
    record_writer = CallRecordWriter(store, retry_s=HANG_S * 10)
    outage.append(Unavailable("no store"))
    record_writer.changed(log)
    await until(lambda: not outage)
    log.user_transcript("Hola")
    await until(lambda: "CA1" in record_writer._pausing)
    record_writer.changed(log)
    async with bounded():
        await record_writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert [turn.text for turn in record.turns] == ["Hola"]


async def test_what_a_carrier_says_in_an_outage_is_added_when_it_is_over(
    log: CallTranscript, store: Store, outage: list[Unavailable]
) -> None:
    record_writer = CallRecordWriter(store, retry_s=0.0)
    await _keep(record_writer, log)
    outage += [Unavailable("no store")] * 20
    await record_writer.carrier_said("CA1", None, "twilio", COMPLETED)
    await record_writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert record.details["twilio"] == COMPLETED


async def test_a_process_that_ends_gives_up_soon_what_waits_for_the_store(
    log: CallTranscript, store: Store, outage: list[Unavailable], logged: list[str]
) -> None:
    record_writer = CallRecordWriter(store, retry_s=0.0)
    outage += [Unavailable("no store")] * 1000
    record_writer.changed(log)
    await record_writer.close()
    assert len(outage) == 1000 - LAST_TRIES
    assert "is given up" in logged[-1]


async def test_twilios_last_word_does_not_bring_an_old_story_back(record_writer: Noted, store: Store) -> None:
    """It came to the process that the call was cut off in; another one has gone on with it since."""
    here = CallTranscript("CA1", Line.PHONE, None)
    here.memory = dict
    here.user_transcript("Hola")
    here.end("drained")
    record_writer.changed(here)
    cut_off = await record_writer.cut_off("CA1")
    assert cut_off is not None
    elsewhere = CallTranscript.resumed(cut_off.record, 1)
    elsewhere.user_transcript("Chau")
    elsewhere.end("completed")
    await store.save_call(elsewhere.record())
    await record_writer.carrier_said("CA1", here, "twilio", {"status": "completed", "duration_s": "42"})
    await record_writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, len(record.turns), record.details["resumed"]) == ("completed", 2, 1)
    assert record.details["twilio"]["duration_s"] == "42"
    assert await store.recall("CA1") is None


COMPLETED = {"status": "completed", "duration_s": "42", "direction": "inbound"}


class Interleaved:
    """Lets another process write between a read of the record and the write that follows it, once."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, between: Callable[[], Awaitable[None]]) -> None:
        self._read, self._between = store._calls.get, between
        self.times = 0
        monkeypatch.setattr(store._calls, "get", self.call)

    async def call(self, call_id: str) -> CallRecord | None:
        record = await self._read(call_id)
        if not self.times:
            self.times += 1
            await self._between()
        return record


async def _keep(record_writer: CallRecordWriter, log: CallTranscript) -> None:
    record_writer.changed(log)
    await record_writer.settled()


async def _as_it_should_be(store: Store) -> None:
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, record.ended_at is not None, len(record.turns)) == ("caller_left", True, 1)
    assert record.details["twilio"] == {"status": "completed", "duration_s": "42", "direction": "inbound"}
    assert record.details["process"] == "here"


@pytest.mark.parametrize("told_before", range(4))
async def test_a_callback_on_another_server_and_the_end_here_come_in_any_order(
    store: Store, log: CallTranscript, told_before: int
) -> None:
    here, there = CallRecordWriter(store, retry_s=0.0), CallRecordWriter(store, retry_s=0.0)

    async def begin() -> None:
        log.note(process="here")
        await _keep(here, log)

    async def talk() -> None:
        log.user_transcript("Hola")
        await _keep(here, log)

    async def end() -> None:
        log.end("caller_left")
        await _keep(here, log)

    for number, step in enumerate((begin, talk, end)):
        if number == told_before and number:
            await there.carrier_said("CA1", None, "twilio", COMPLETED)
        await step()
    await there.carrier_said("CA1", None, "twilio", COMPLETED)
    await _as_it_should_be(store)


async def test_a_callback_that_read_before_the_call_ended_adds_to_the_end(
    store: Store, log: CallTranscript, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = CallRecordWriter(store, retry_s=0.0), CallRecordWriter(store, retry_s=0.0)
    log.note(process="here")
    await _keep(here, log)

    async def end() -> None:
        log.user_transcript("Hola")
        log.end("caller_left")
        await _keep(here, log)

    between = Interleaved(store, monkeypatch, end)
    await there.carrier_said("CA1", None, "twilio", COMPLETED)
    assert between.times == 1
    await _as_it_should_be(store)


async def test_what_a_dead_process_left_is_ended_by_the_callback(store: Store, log: CallTranscript) -> None:
    log.user_transcript("Hola")
    await _keep(CallRecordWriter(store, retry_s=0.0), log)
    await CallRecordWriter(store, retry_s=0.0).carrier_said("CA1", None, "twilio", COMPLETED)
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, record.details["twilio"]["duration_s"]) == ("lost", "42")


@pytest.mark.parametrize("seconds", ["²", "9" * 5000, "-1", "", "1e999990"])
async def test_a_duration_that_is_none_ends_nothing(store: Store, log: CallTranscript, seconds: str) -> None:
    await _keep(CallRecordWriter(store, retry_s=0.0), log)
    facts = {"status": "completed", "duration_s": seconds}
    await CallRecordWriter(store, retry_s=0.0).carrier_said("CA1", None, "twilio", facts)
    record = await store.call("CA1")
    assert record is not None
    assert record.ended_at is None
    assert len(record.details["twilio"]["duration_s"]) <= 64


async def test_an_erased_record_does_not_come_back(store: Store, log: CallTranscript) -> None:
    record_writer = CallRecordWriter(store, retry_s=0.0)
    await _keep(record_writer, log)
    await store.erase_call("CA1")
    await _keep(record_writer, log)
    await record_writer.carrier_said("CA1", None, "twilio", COMPLETED)
    assert await store.call("CA1") is None


BROKEN = "Me llamo \ud800 Ana\x00\x1b[2J"


async def test_what_no_encoding_takes_is_replaced_where_it_enters(
    record_writer: Noted, log: CallTranscript, store: Store
) -> None:
    log.user_transcript(BROKEN)
    log.tool("\udfff", "t1", {"customerName": [BROKEN], BROKEN: 1}, {"error": BROKEN}, ok=False, elapsed_ms=1)
    log.fault(BROKEN)
    log.end("completed")
    told = json.dumps([event async for event in log.events.follow()], ensure_ascii=False)
    told.encode()
    record_writer.changed(log)
    await record_writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert (record.details, record.tools[0].arguments) == (log.record().details, log.record().tools[0].arguments)
    assert record.turns[0].text == "Me llamo \ufffd Ana\ufffd\ufffd[2J"


async def test_a_record_that_cannot_be_written_is_not_told_to_the_log(
    record_writer: Noted, log: CallTranscript, logged: list[str]
) -> None:
    log.user_transcript("Soy Zulema Quiroga")
    log.note(what={"Zulema Quiroga"})  # a set is no JSON
    record_writer.changed(log)
    await record_writer.settled()
    said = " ".join(logged)
    assert "not kept" in said
    assert "Quiroga" not in said


async def test_what_others_add_to_a_record_outlives_every_later_write(
    record_writer: Noted, log: CallTranscript, store: Store
) -> None:
    record_writer.changed(log)
    await record_writer.settled()
    await store.amend_call("CA1", lambda record: replace(record, details={**record.details, "theirs": 1}))
    for text in ("Hola", "Uno", "Dos"):
        log.user_transcript(text)
        record_writer.changed(log)
        await record_writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert (record.details["theirs"], len(record.turns)) == (1, 3)
