"""Calls as items: what is written, what is read, and what several processes make of one call, on both backends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.playout import Played
from agent.record_writer import CallRecordWriter
from agent.transcript import LOST, CallTranscript
from bench.write_units import _size, units_of_a_call
from common.times import BUENOS_AIRES
from data.backends.base import Item, Key, Put
from data.call_indexes import OPEN_SHARDS
from data.call_items import head_item
from data.callbacks import CallBack
from data.errors import Conflict, Unavailable
from data.models import CallRecord, Line, Order, OrderItem, OrderStatus, ToolCall, Turn
from data.pages import Page
from data.store import Change, IdempotencyRecord, Store
from data.tables import TableName
from tests.support.legacy_calls import legacy_call_item

NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
TOOL = ToolCall("consultarOrder", "t1", True, 3, NOON, {"orderId": "1"}, {"success": True})


def said(*texts: str) -> tuple[Turn, ...]:
    return tuple(Turn("caller", text, NOON + timedelta(seconds=number)) for number, text in enumerate(texts))


def a_call(number: int = 1, **fields: Any) -> CallRecord:
    return replace(CallRecord(f"CA{number}", Line.PHONE, NOON + timedelta(minutes=number)), **fields)


async def stored(store: Store, call_id: str = "CA1") -> dict[str, Item]:
    items = await store.backend.query(TableName.CALLS, f"CALL#{call_id}")
    return {str(item["SK"]): item for item in items}


class Noted:
    """A backend that notes which items are put, and how many requests it is asked."""

    def __init__(self, store: Store) -> None:
        self._backend = store.backend
        self.puts: list[str] = []
        self.requests = 0
        store.backend = self

    async def put(self, put: Put) -> None:
        self.puts.append(put.item["SK"])
        await self._backend.put(put)

    async def query(self, *arguments: Any, **how: Any) -> list[Item]:
        self.requests += 1
        return await self._backend.query(*arguments, **how)

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        self.requests += bool(keys)
        return await self._backend.get_many(table, keys)

    async def get(self, *key: Any) -> Item | None:
        self.requests += 1
        return await self._backend.get(*key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


# What is written.


async def test_each_turn_and_each_tool_use_is_an_item_and_only_news_are_written(store: Store) -> None:
    noted = Noted(store)
    kept = await store.save_call(a_call(details={"usage": {}}))
    assert noted.puts == ["RECORD"]
    grown = replace(kept, turns=said("Hola"), tools=(TOOL,), details={"usage": {"input_text": 9}})
    kept = await store.save_call(grown, None, kept)
    assert sorted(noted.puts[1:]) == ["2026-11-24T15:01:00.000Z#CA1", "TOOL#000000", "TURN#000000"], "and a reference"
    kept = await store.save_call(replace(grown, turns=said("Hola", "Chau")), None, kept)
    assert noted.puts[-1] == "TURN#000001", "the turn alone: what the model used is written later"
    ended = replace(kept, ended_at=NOON, outcome="completed")
    await store.save_call(ended, None, kept)
    assert noted.puts[-1] == "RECORD"
    assert await store.call("CA1") == ended
    assert ended.details == {"usage": {"input_text": 9}}


async def test_an_answer_that_turns_out_cut_is_written_again_alone(store: Store) -> None:
    writer, log = CallRecordWriter(store), CallTranscript("CA1", Line.PHONE, None)
    log.user_transcript("Hola")
    log.played(Played(1, "Buen día.", 1.0))
    writer.changed(log)
    await writer.settled()
    noted = Noted(store)
    log.played(Played(1, "Te llamo mañana a la tarde.", 0.5, last=True))
    writer.changed(log)
    await writer.settled()
    assert noted.puts == ["TURN#000001"]
    record = await store.call("CA1")
    assert record is not None
    assert (record.turns[1].text, record.turns[1].interrupted) == ("Buen día. Te llamo", True)


@pytest.mark.parametrize(("exchanges", "most"), [(8, 60), (80, 11 * 43)])
async def test_a_call_costs_few_write_units_and_no_more_for_each_turn_of_a_long_one(
    store: Store, exchanges: int, most: int
) -> None:
    units = await units_of_a_call(store, exchanges)
    assert units <= most
    record = await store.call("CA" + "0" * 32)
    assert record is not None
    assert len(record.turns) == 2 * exchanges + 1
    assert len(record.tools) == 3 * exchanges // 8
    assert record.details["usage"]["output_speech"] == 900 * (exchanges + 1), "all of it, when the call has ended"


@pytest.mark.slow
async def test_a_call_of_two_hours_fits_and_comes_back_whole(store: Store) -> None:
    turns = said(*(f"{number} {'palabra ' * 40}" for number in range(1500)))  # half a megabyte
    call = a_call(turns=turns, tools=(TOOL,) * 40, ended_at=NOON, outcome="completed")
    await store.save_call(call)
    assert await store.call("CA1") == call
    head = (await stored(store))["RECORD"]
    assert _size(head) < 1024
    (listed,) = (await store.calls(limit=5)).items
    assert (listed.record, listed.turns, listed.tools) == (replace(call, turns=(), tools=()), 1500, 40)


# Several processes.


async def test_a_part_that_is_over_overwrites_no_turn_of_the_part_that_goes_on(store: Store) -> None:
    here = await store.save_call(a_call(turns=said("Hola")))
    there = replace(here, details={"resumed": 1})
    there = await store.save_call(there, {"proof": "later"}, here)
    there = await store.save_call(replace(there, turns=said("Hola", "sigo acá")), None, there)
    late = replace(here, turns=said("Hola", "tarde", "muy tarde"), ended_at=NOON, outcome="dropped")
    stands = await store.save_call(late, {"proof": "earlier"}, here)
    assert [turn.text for turn in stands.turns] == ["Hola", "sigo acá"]
    record = await store.call("CA1")
    assert record is not None
    assert ([turn.text for turn in record.turns], record.outcome) == (["Hola", "sigo acá"], None)
    assert await store.recall("CA1") == {"proof": "later"}
    again = await store.save_call(replace(late, details={"note": 1}), None, stands)
    assert again.details == {"resumed": 1, "note": 1}
    assert [turn.text for turn in again.turns] == ["Hola", "sigo acá"]


async def test_a_record_that_others_ended_stays_ended_whatever_is_still_said(store: Store) -> None:
    kept = await store.save_call(a_call())
    await store.amend_call("CA1", lambda record: replace(record, ended_at=NOON, outcome=LOST))
    for texts in (("Hola",), ("Hola", "¿Hay alguien?")):
        kept = await store.save_call(a_call(turns=said(*texts), interruptions=len(texts)), None, kept)
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, len(record.turns), record.interruptions) == (LOST, 2, 2)


async def test_a_call_that_is_erased_while_it_goes_on_leaves_nothing(store: Store) -> None:
    kept = await store.save_call(a_call(caller_number="+5491155550100"))
    await store.erase_call("CA1")
    email = replace(TOOL, arguments={"customerEmail": "ana@b.com"})
    going_on = a_call(caller_number="+5491155550100", turns=said("Hola"), tools=(email,))
    kept = await store.save_call(going_on, None, kept)
    await store.save_call(replace(going_on, ended_at=NOON, outcome="completed"), None, kept)
    items = [item async for page in store.backend.scan(TableName.CALLS) for item in page]
    assert {item["PK"] for item in items} == {"ERASED", "DAYS"}, "and the counters of the day, which name nobody"


async def test_a_long_call_whose_erasing_is_cut_short_is_found_and_erased_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.save_call(a_call(turns=said("Hola") * 150, caller_number="+5491155550100", ended_at=NOON))
    transact, times = store.backend.transact, 0

    async def once(writes: Any) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise Unavailable("cut short")
        await transact(writes)

    monkeypatch.setattr(store.backend, "transact", once)
    with pytest.raises(Unavailable):
        await store.erase_call("CA1")
    (found,) = (await store.calls_of(["number +5491155550100"])).records
    await store.erase_call(found.id)
    items = [item async for page in store.backend.scan(TableName.CALLS) for item in page]
    assert {item["PK"] for item in items} == {"ERASED", "DAYS"}, "and the counters of the day, which name nobody"


async def test_a_head_whose_answer_was_lost_is_no_conflict(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore makes of it: it asks again, and the condition of the write that was done does not hold any more."""
    backend, put = store.backend, store.backend.put

    async def twice(write: Put) -> None:
        await put(write)
        await put(write)

    monkeypatch.setattr(backend, "put", twice)
    kept = await store.save_call(a_call())
    kept = await store.save_call(replace(kept, interruptions=1), None, kept)
    assert kept.version == 2
    counted = await store.amend_call("CA1", lambda record: replace(record, interruptions=record.interruptions + 1))
    assert counted is not None
    assert (counted.version, counted.interruptions) == (3, 2)


# Lists.


async def in_pages[T](ask: Callable[[str | None], Awaitable[Page[T]]]) -> list[T]:
    found: list[T] = []
    after = None
    while True:
        page = await ask(after)
        found += page.items
        after = page.next
        if after is None:
            return found


async def test_a_page_is_merged_of_all_shards_and_reads_heads_only(store: Store) -> None:
    calls = [a_call(number, turns=said("Hola"), ended_at=NOON) for number in range(40)]
    items = [head_item(call, NOON + timedelta(days=90)) for call in calls]
    assert len({item["shard"] for item in items}) == len(OPEN_SHARDS)
    await store.backend.replace(TableName.CALLS, items, [])
    noted = Noted(store)
    page = await store.calls(limit=10)
    assert [head.id for head in page.items] == [f"CA{number}" for number in range(39, 29, -1)]
    assert noted.requests <= 3 * (len(OPEN_SHARDS) + 1), "a query and a look at the heads for each shard, and few again"
    heads = await in_pages(lambda after: store.calls(limit=7, after=after))
    assert [head.id for head in heads] == [f"CA{number}" for number in range(39, -1, -1)]


async def test_a_search_looks_at_what_was_said_and_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.call_records._MOST_SEARCHED", 16)
    for number in range(60):
        await store.save_call(a_call(number, turns=said("Soy José Núñez" if number == 3 else "Hola")))
    noted = Noted(store)
    page = await store.calls(text="jose nunez", limit=5)
    assert (page.items, page.next is None) == ((), False)
    assert noted.requests < 60
    found = await in_pages(lambda after: store.calls(text="jose nunez", limit=5, after=after))
    assert [head.id for head in found] == ["CA3"]


async def test_call_backs_of_before_and_of_now_are_one_list(store: Store) -> None:
    receipt = IdempotencyRecord("CA2", "use-1", "callback:1", {})
    await store.ask_callback(CallBack("CA2", "+5491155550100", "", NOON + timedelta(minutes=2)), receipt)
    (item,) = [item for sk, item in (await stored(store, "CA2")).items() if sk == "CALLBACK"]
    older = {name: value for name, value in item.items() if name != "shard"} | {"kind": "callback"}
    older |= {"PK": "CALL#CA1", "callId": "CA1", "startedAt": "2026-11-24T15:01:00.000Z"}
    await store.backend.replace(TableName.CALLS, [older], [])
    assert [each.call_id for each in (await store.callbacks(limit=5)).items] == ["CA2", "CA1"]


# The start.


@pytest.mark.parametrize("past", [10, 1000])
async def test_a_start_asks_as_little_with_many_past_calls(store: Store, past: int) -> None:
    ended = [head_item(a_call(number, ended_at=NOON), NOON + timedelta(days=90)) for number in range(2, past + 2)]
    await store.backend.replace(TableName.CALLS, ended, [])
    await store.save_call(a_call(1, turns=said("Hola"), details={"process": "elsewhere:1"}))
    noted = Noted(store)
    assert await CallRecordWriter(store).reconcile(NOON + timedelta(minutes=5)) == 0
    assert noted.requests == len(OPEN_SHARDS) + 1, "the open calls, and the head of the one that there is"
    assert await CallRecordWriter(store).reconcile(NOON + timedelta(hours=5)) == 1
    record = await store.call("CA1")
    assert record is not None
    assert (record.outcome, record.ended_at) == (LOST, record.started_at)
    assert (await store.open_calls(10)).items == ()
    assert "openShard" not in (await stored(store))["RECORD"]


async def test_open_calls_come_in_pages(store: Store) -> None:
    for number in range(12):
        await store.save_call(a_call(number, ended_at=NOON if number % 2 else None))
    heads = await in_pages(lambda after: store.open_calls(2, after))
    assert [head.id for head in heads] == ["CA0", "CA2", "CA4", "CA6", "CA8", "CA10"]


# Records of versions before.


async def test_the_times_of_a_turn_come_back_and_a_process_of_a_version_before_can_read_it(store: Store) -> None:
    answered = Turn("carlos", "Hola", NOON, latency_ms=1700, sonic_end_ms=1650, sonic_detected_ms=900)
    call = a_call(1, turns=(*said("Hola"), answered))
    await store.save_call(call)
    assert await store.call("CA1") == call
    for item in (await stored(store)).values():
        fields = json.loads(item.get("turn", "{}"))
        assert not fields or set(fields) == {"role", "text", "at", "interrupted", "latency_ms"}


async def legacy(store: Store, call: CallRecord) -> None:
    await store.backend.replace(TableName.CALLS, [legacy_call_item(replace(call, version=4))], [])


async def test_a_record_of_a_version_before_is_read_and_listed(store: Store) -> None:
    turns = (*said("Soy José Núñez"), Turn("carlos", "Hola", NOON, latency_ms=700))
    old = a_call(1, turns=turns, tools=(TOOL,), ended_at=NOON, outcome="completed")
    await legacy(store, old)
    await store.save_call(a_call(2))
    assert await store.call("CA1") == old
    heads = (await store.calls(limit=5)).items
    assert [(head.id, head.turns, head.tools, head.latency_ms) for head in heads] == [
        ("CA2", 0, 0, None),
        ("CA1", 2, 1, 700),
    ]
    assert [head.id for head in (await store.calls(text="nunez", limit=5)).items] == ["CA1"]


async def test_what_is_added_to_a_record_of_a_version_before_loses_nothing_of_it(store: Store) -> None:
    old = a_call(turns=said("Hola", "¿Me escuchás?"), tools=(TOOL,), details={"usage": {"input_text": 1}})
    await legacy(store, old)
    ended = await store.amend_call("CA1", lambda record: replace(record, ended_at=NOON, outcome=LOST))
    assert ended == await store.call("CA1") == replace(old, ended_at=NOON, outcome=LOST)
    items = await stored(store)
    assert {"TURN#000000", "TURN#000001", "TOOL#000000"} < set(items)
    assert ("kind" in items["RECORD"], items["RECORD"]["turns"]) == (False, "[]")
    assert [head.id for head in (await store.calls(limit=5)).items] == ["CA1"]


async def test_a_call_that_a_version_before_began_is_gone_on_with(store: Store) -> None:
    await legacy(store, a_call(turns=said("Hola"), ended_at=NOON, outcome="drained"))
    cut_off = await store.call("CA1")
    assert cut_off is not None
    writer, log = CallRecordWriter(store), CallTranscript.resumed(cut_off, 1)
    for text in ("Sigo acá", "Chau"):
        log.user_transcript(text)
        writer.changed(log)
        await writer.settled()
    record = await store.call("CA1")
    assert record is not None
    assert [turn.text for turn in record.turns] == ["Hola", "Sigo acá", "Chau"]
    assert (record.legacy, record.details["resumed"]) == (False, 1)


async def test_what_a_process_of_a_version_before_writes_during_a_release_is_not_lost(store: Store) -> None:
    """It reads a head of now as a call in which nothing was said, and writes one of its own."""
    await store.save_call(a_call(turns=said("Hola")))
    head = (await stored(store))["RECORD"]
    assert json.loads(head["turns"]) == json.loads(head["tools"]) == []
    noted = {"details": json.dumps({"twilio": {"status": "completed"}}), "kind": "call", "version": 2}
    kept_by_it = {name: value for name, value in head.items() if "hard" not in name and "Count" not in name}
    await store.backend.replace(TableName.CALLS, [kept_by_it | noted], [])
    record = await store.call("CA1")
    assert record is not None
    assert ([turn.text for turn in record.turns], record.details) == (["Hola"], {"twilio": {"status": "completed"}})
    await legacy(store, a_call(turns=said("Hola", "sigo"), details={"resumed": 1}))
    record = await store.call("CA1")
    assert record is not None
    assert [turn.text for turn in record.turns] == ["Hola", "sigo"]


# Receipts.


async def test_a_use_whose_id_another_write_has_had_is_not_taken_for_done(store: Store) -> None:
    def order(order_id: str) -> Order:
        items = (OrderItem("Mouse", 1, 2999),)
        return Order(order_id, "Ana Ruiz", "a@b.com", items, OrderStatus.PENDING, NOON, NOON)

    first = IdempotencyRecord("CA1", "use-1", "crearOrder:one#1", {"orderId": "1"})
    await store.commit(Change(None, order("1")), first)
    with pytest.raises(Conflict):
        await store.commit(Change(None, order("2")), replace(first, fingerprint="crearOrder:other#1", result={}))
    assert await store.order("2") is None
    again = await store.commit(Change(None, order("3")), replace(first, fingerprint="crearOrder:one#2", result={}))
    assert (again, await store.order("3")) == (first, None), "the same thing, asked for once more in doubt"


async def test_many_keys_are_read_in_their_order(store: Store) -> None:
    items = [{"PK": f"P{number}", "SK": "S", "n": number} for number in range(130)]
    await store.backend.replace(TableName.CALLS, items, [])
    keys = [(f"P{number}", "S") for number in (129, 0, 500, 7, 7, *range(120))]
    found = await store.backend.get_many(TableName.CALLS, keys)
    assert [item and item["n"] for item in found] == [129, 0, None, 7, 7, *range(120)]


async def test_many_append_and_amend_one_call_at_once_and_nothing_is_lost(store: Store) -> None:
    kept = await store.save_call(a_call())

    async def talk() -> None:
        nonlocal kept
        for number in range(1, 6):
            kept = await store.save_call(a_call(turns=said(*"abcdef"[:number]), interruptions=number), None, kept)

    def with_note(name: str) -> Callable[[CallRecord], CallRecord]:
        return lambda record: replace(record, details={**record.details, name: 1})

    await asyncio.gather(talk(), *(store.amend_call("CA1", with_note(name)) for name in ("x", "y", "z")))
    record = await store.call("CA1")
    assert record is not None
    assert (len(record.turns), record.interruptions, record.details) == (5, 5, {"x": 1, "y": 1, "z": 1})
