"""Calls found by what they came to, and the counters of their days, on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from common.times import BUENOS_AIRES
from data import day_counts
from data.backends.base import Item, Write
from data.call_items import call_items
from data.day_counts import DayCounts
from data.errors import Unavailable
from data.findings import Findings
from data.labels import label_items
from data.models import CallRecord, Line, ToolCall, Turn
from data.store import Store
from data.tables import TableName
from tests.data.test_call_records import Noted
from tests.support.legacy_calls import legacy_call_item

NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
TODAY = NOON.date()


def ended(number: int = 1, tool: str | None = "agendarTurno", **fields: Any) -> CallRecord:
    began = NOON + timedelta(minutes=number)
    spoken = (
        Turn("carlos", "Hola.", began),
        Turn("caller", "Un turno.", began),
        Turn("carlos", "Sí.", began, False, 800),
    )
    used = () if tool is None else (ToolCall(tool, "t", True, 1, began, {}, {"success": True, "appointmentId": "9"}),)
    made = CallRecord(f"CA{number}", Line.PHONE, began, None, began + timedelta(seconds=90), "completed", spoken, used)
    return replace(made, **fields)


async def found(store: Store, **search: Any) -> list[str]:
    ids: list[str] = []
    after = None
    while True:
        page = await store.calls(limit=2, after=after, **search)
        ids += [head.id for head in page.items]
        if (after := page.next) is None:
            return ids


async def today(store: Store) -> DayCounts:
    (day,) = await store.days(TODAY, TODAY)
    return day


async def test_calls_are_found_by_what_they_came_to(store: Store) -> None:
    await store.save_call(ended(1))
    await store.save_call(ended(2, "consultarOrder", details={"faults": ["SonicLost: x"]}))
    await store.save_call(ended(3, None, outcome="caller_left", details={"dead_air": [1200]}))
    await store.save_call(ended(4, outcome="transferred"))
    await store.save_call(ended(5, ended_at=None, outcome=None))
    await store.save_call(ended(6, None, turns=(), outcome="failed"))
    for search, ids in (
        ({"disposition": "booked"}, ["CA4", "CA1"]),
        ({"disposition": "transferred"}, ["CA4"]),
        ({"disposition": "nothing_done"}, ["CA3"]),
        ({"tool": "consultarOrder"}, ["CA2"]),
        ({"flag": "dead_air"}, ["CA3"]),
        ({"fault": True}, ["CA2"]),
        ({"outcome": "completed"}, ["CA2", "CA1"]),
        ({"outcome": "completed", "disposition": "booked"}, ["CA1"]),
        ({"disposition": "booked", "since": ended(2).started_at}, ["CA4"]),
        ({"disposition": "booked", "until": ended(4).started_at}, ["CA1"]),
        ({"tool": "borrarTodo"}, []),
        ({"unserved": True}, ["CA6", "CA3"]),
        ({"unserved": True, "outcome": "caller_left"}, ["CA3"]),
        ({"unserved": True, "flag": "dead_air"}, ["CA3"]),
        ({"unserved": True, "fault": True}, []),
    ):
        assert await found(store, **search) == ids, search


async def test_a_page_of_a_search_asks_for_no_more_calls_than_it_shows(store: Store) -> None:
    calls, expires = [ended(n, "agendarTurno" if n % 30 == 0 else None) for n in range(90)], NOON + timedelta(days=90)
    items = [item for call in calls for item in call_items(call, expires)]
    items += [
        item for call in calls[::30] for item in label_items(call, ["disposition:booked"], int(expires.timestamp()))
    ]
    await store.backend.replace(TableName.CALLS, items, [])
    noted = Noted(store)
    assert [head.id for head in (await store.calls(disposition="booked", limit=2)).items] == ["CA60", "CA30"]
    assert noted.requests == 2, "one for the keys, one for the heads"


async def test_a_call_is_counted_for_its_day_once(store: Store) -> None:
    kept = await store.save_call(ended(1, ended_at=None, outcome=None))
    assert await store.days(TODAY, TODAY) == ()
    call = replace(kept, ended_at=kept.started_at + timedelta(seconds=90), outcome="completed")
    await store.save_call(call, None, kept)
    await asyncio.gather(*(store.save_call(call, None, kept) for _ in range(3)))
    await store.save_call(ended(2, None, line=Line.BROWSER, details={"usage": {"input_speech": 7}}))
    day = await today(store)
    told = {name: day[name] for name in ("calls", "answered", "seconds", "phone_seconds", "usage.input_speech")}
    assert told == {"calls": 2, "answered": 2, "seconds": 180, "phone_seconds": 90, "usage.input_speech": 7}
    assert (day.of("done."), day.of("disposition.")) == ({"booked": 1}, {"booked": 1, "nothing_done": 1})
    assert day.of("ended.") == {"completed": 1}
    assert day.latency_ms(0.5) == pytest.approx(800, rel=0.05)


async def test_a_call_that_turns_out_otherwise_is_counted_as_that(store: Store) -> None:
    dropped = await store.save_call(ended(1, None, outcome="dropped"))
    gone_on = await store.save_call(
        replace(dropped, ended_at=None, outcome=None, details={"resumed": 1}), None, dropped
    )
    tools = ended().tools
    last = replace(gone_on, ended_at=gone_on.started_at + timedelta(seconds=120), outcome="completed", tools=tools)
    await store.save_call(last, None, gone_on)
    day = await today(store)
    assert (day["calls"], day["seconds"], day.of("disposition."), day.of("ended.")) == (1, 120, {"booked": 1}, {})
    assert await found(store, outcome="dropped") == []
    assert await found(store, disposition="booked") == ["CA1"]


async def test_a_process_that_dies_between_the_count_and_the_record_counts_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, transact = store.backend.put, store.backend.transact

    async def dies(change: Any) -> None:
        if change.item["SK"] == "RECORD":
            raise Unavailable("killed")
        await put(change)

    async def answer_lost(writes: Sequence[Write]) -> None:
        await transact(writes)
        raise Unavailable("no answer")

    monkeypatch.setattr(store.backend, "transact", answer_lost)
    with pytest.raises(Unavailable):
        await store.save_call(ended())
    monkeypatch.setattr(store.backend, "transact", transact)
    monkeypatch.setattr(store.backend, "put", dies)
    with pytest.raises(Unavailable):
        await store.save_call(ended())
    monkeypatch.setattr(store.backend, "put", put)
    await store.save_call(ended())
    assert (await today(store))["calls"] == 1


async def test_an_erased_call_leaves_its_day_and_no_label(store: Store) -> None:
    await store.save_call(ended())
    await store.erase_call("CA1")
    items = [item async for page in store.backend.scan(TableName.CALLS) for item in page]
    assert {item["PK"] for item in items} == {"ERASED", day_counts.DAYS}
    assert (await today(store))["calls"] == 1


async def test_calls_that_versions_before_have_stored_are_shown_with_what_they_came_to(store: Store) -> None:
    expires = NOON + timedelta(days=90)
    bare: list[Item] = []
    for item in call_items(ended(1, version=1), expires):
        item.pop("findings", None)
        item.pop("labels", None)
        bare.append(item)
    await store.backend.replace(TableName.CALLS, [*bare, legacy_call_item(ended(2))], [])
    heads = (await store.calls(limit=5)).items
    assert [head.findings.disposition if head.findings else None for head in heads] == ["booked", "booked"]
    assert await found(store, disposition="booked") == ["CA1"], "filed when it was listed; CA2 was in its head already"
    assert (await today(store))["calls"] == 1
    assert await store.call("CA1") == ended(1)


async def test_days_are_read_in_one_query_however_many_calls_they_had(store: Store) -> None:
    for number in range(12):
        await store.save_call(ended(number))
    noted = Noted(store)
    days = await store.days(TODAY - timedelta(days=29), TODAY)
    assert [(day.day, day["calls"]) for day in days] == [(TODAY, 12)]
    assert noted.requests == 1
    assert await store.days(date(2026, 11, 25), date(2026, 11, 30)) == ()


def test_percentiles_are_read_from_the_counters() -> None:
    latencies = [*range(500, 1500, 10)]
    turns = tuple(Turn("carlos", "Sí.", NOON, latency_ms=each) for each in latencies)
    call = ended(turns=turns)
    day = DayCounts(TODAY, day_counts.counts_of(call, Findings.of(call)))
    assert day.latency_ms(0.5) == pytest.approx(1000, rel=0.05)
    assert day.latency_ms(0.95) == pytest.approx(1450, rel=0.05)
    assert DayCounts(TODAY, {}).latency_ms(0.5) is None
