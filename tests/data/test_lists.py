"""What a list reads, and that nothing is missing from its pages, on both backends."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common.times import BUENOS_AIRES
from data import pages, slices
from data.backends.base import Item, Key, Put
from data.backends.sqlite import SqliteBackend
from data.call_indexes import SHARDS
from data.call_items import call_items, head_item
from data.labels import label_items
from data.models import (
    Appointment,
    AppointmentStatus,
    CallRecord,
    Line,
    Order,
    OrderItem,
    OrderStatus,
    ToolCall,
    Turn,
)
from data.open import open_sqlite
from data.pages import Page
from data.privacy import Customer, erase, export
from data.recordings import Recordings
from data.records import to_item
from data.slices import sliced
from data.store import Store
from data.tables import TableName

NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
DOCTORS = ("Dra. Ana López", "Dr. Roberto Mendoza")
DAYS, A_DAY = 40, 8


class Counting:
    """A backend that counts what is asked of it and what it gives."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.queries = self.items = self.gets = 0

    async def query(self, *arguments: Any, **how: Any) -> list[Item]:
        found: list[Item] = await self._backend.query(*arguments, **how)
        self.queries += 1
        self.items += len(found)
        return found

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        self.gets += 1
        found: list[Item | None] = await self._backend.get_many(table, keys)
        return found

    async def get(self, *key: Any) -> Item | None:
        self.gets += 1
        found: Item | None = await self._backend.get(*key)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def counted(store: Store) -> Counting:
    counting = Counting(store.backend)
    store.backend = counting
    return counting


def an_order(number: int) -> Order:
    made = NOON + timedelta(minutes=number // 3)
    status = list(OrderStatus)[number * 7 % 5]
    email = f"customer{number % 50}@email.com"
    return Order(str(number), "Ana Pérez", email, (OrderItem("Mouse", 1, 2999),), status, made, made, version=1)


def an_appointment(number: int) -> Appointment:
    day, hour = divmod(number, A_DAY)
    start = NOON.replace(hour=8) + timedelta(days=day, hours=hour // 2)
    status = list(AppointmentStatus)[number * 7 % 4]
    email = f"patient{number % 50}@email.com"
    return Appointment(str(number), "Ana Pérez", email, DOCTORS[number % 2], start, 30, status=status, version=1)


def a_call(number: int, **fields: Any) -> CallRecord:
    call = CallRecord(f"CA{number}", Line.PHONE, NOON + timedelta(minutes=number), f"+5491155550{number % 50:03}")
    return replace(call, ended_at=call.started_at + timedelta(minutes=1), outcome="completed", **fields)


@pytest.fixture
async def full(store: Store) -> Store:
    orders = [to_item(an_order(number)) for number in range(DAYS * A_DAY)]
    appointments = [to_item(an_appointment(number)) for number in range(DAYS * A_DAY)]
    await store.backend.replace(TableName.ORDERS, orders, [])
    await store.backend.replace(TableName.APPOINTMENTS, appointments, [])
    return store


async def test_a_days_appointments_are_all_that_is_read(full: Store) -> None:
    counting = counted(full)
    day = NOON.replace(hour=0) + timedelta(days=17)
    page = await full.appointments(since=day, until=day + timedelta(days=1), limit=1000)
    assert len(page.items) == A_DAY
    assert (counting.items, counting.queries) == (A_DAY, len(AppointmentStatus))
    page = await full.appointments(since=day, until=day + timedelta(days=1), doctor=DOCTORS[0], limit=1000)
    assert (len(page.items), counting.items) == (A_DAY // 2, A_DAY + A_DAY // 2)


async def test_a_page_reads_little_more_than_it_gives(full: Store) -> None:
    for limit in (1, 20, 100):
        counting = counted(full)
        assert len((await full.orders(limit=limit)).items) == limit
        assert len((await full.appointments(limit=limit)).items) == limit
        assert counting.items <= 2 * (3 * limit + len(OrderStatus) + A_DAY)
        assert counting.queries <= 2 * (2 * len(OrderStatus) + 1)


async def test_one_partitions_page_reads_what_it_gives_and_whether_there_is_more(full: Store) -> None:
    for ask in (
        lambda: full.orders(status=OrderStatus.SHIPPED, limit=10),
        lambda: full.appointments(status=AppointmentStatus.CANCELLED, limit=10),
        lambda: full.appointments(doctor=DOCTORS[0], since=NOON + timedelta(days=9), limit=10),
    ):
        counting = counted(full)
        page = await ask()
        assert (len(page.items), counting.items, counting.queries) == (10, 11, 1)


async def test_a_customers_page_reads_theirs_only(full: Store) -> None:
    counting = counted(full)
    orders = await full.orders(email="Customer7@Email.com", limit=5)
    appointments = await full.appointments(email="PATIENT7@email.com", limit=5)
    assert {order.customer_email for order in orders.items} == {"customer7@email.com"}
    assert {each.patient_email for each in appointments.items} == {"patient7@email.com"}
    assert (len(orders.items), len(appointments.items), counting.items) == (5, 5, 12)


@pytest.mark.parametrize("limit", [3, 7, 50])
async def test_the_pages_together_are_the_whole_list(full: Store, limit: int) -> None:
    since, until = NOON + timedelta(hours=1), NOON + timedelta(days=5)
    appointments = await full.appointments(since=since, until=until)
    assert await _in_pages(lambda after: full.appointments(since=since, until=until, limit=limit, after=after)) == [
        each.id for each in appointments.items
    ]
    expected = {str(n) for n in range(DAYS * A_DAY) if since <= an_appointment(n).start < until}
    assert {each.id for each in appointments.items} == expected
    first = NOON + timedelta(minutes=60)
    orders = await full.orders(since=first)
    assert await _in_pages(lambda after: full.orders(since=first, limit=limit, after=after)) == [
        order.id for order in orders.items
    ]
    times = [order.created_at for order in orders.items]
    assert times == sorted(times, reverse=True)
    assert len(times) == DAYS * A_DAY - 180


async def test_the_pages_of_many_of_one_instant_are_the_whole_list(store: Store) -> None:
    chance = random.Random(3)
    orders = [replace(an_order(n), created_at=NOON + timedelta(seconds=chance.choice((0, 0, 0, 1)))) for n in range(45)]
    await store.backend.replace(TableName.ORDERS, [to_item(order) for order in orders], [])
    for limit in (1, 4, 44):
        ids = await _in_pages(lambda after, limit=limit: store.orders(limit=limit, after=after))  # type: ignore[misc]
        assert sorted(ids, key=int) == [str(n) for n in range(45)]


async def test_a_list_from_later_than_to_is_empty(full: Store) -> None:
    counting = counted(full)
    assert (await full.orders(since=NOON + timedelta(days=1), until=NOON, limit=5)).items == ()
    assert counting.queries == 0


async def test_calls_are_found_by_number_outcome_day_and_words(store: Store) -> None:
    said: dict[str, Any] = {"turns": (Turn("caller", "Soy José Núñez", NOON),)}
    given: dict[str, Any] = {"tools": (ToolCall("agendarTurno", "t", True, 1, NOON, {"patientName": "NUÑEZ, José"}),)}
    for number in range(6):
        await store.save_call(a_call(number, **({1: said, 4: given}.get(number, {}))))
    await store.save_call(replace(a_call(7), outcome="lost", caller_number="+5491155550004"))

    async def ids(**search: Any) -> list[str]:
        return await _in_pages(lambda after: store.calls(limit=2, after=after, **search))

    assert await ids() == ["CA7", "CA5", "CA4", "CA3", "CA2", "CA1", "CA0"]
    assert await ids(number="+5491155550004") == ["CA7", "CA4"]
    assert await ids(number="+5491155550004", outcome="completed") == ["CA4"]
    assert await ids(number="+5491155550004", text="jose nunez") == ["CA4"]
    assert await ids(number="+5491155550004", until=a_call(7).started_at) == ["CA4"]
    assert await ids(outcome="lost") == ["CA7"]
    assert await ids(text="nuñez jose") == ["CA4", "CA1"]
    assert await ids(since=a_call(2).started_at, until=a_call(4).started_at) == ["CA3", "CA2"]


async def test_a_search_that_finds_little_ends_its_page_early(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_READ", 20)
    calls = [head_item(a_call(n), NOON + timedelta(days=90)) for n in range(100)]
    filed = [item for n in range(100) for item in label_items(a_call(n), ["tool:agendarTurno"], 2**33)]
    await store.backend.replace(TableName.CALLS, [*calls, *filed], [])
    counting = counted(store)
    page = await store.calls(outcome="lost", tool="agendarTurno", limit=5)
    assert (page.items, page.next is None) == ((), False)
    assert counting.items <= 3 * 20

    def search(after: str | None) -> Any:
        return store.calls(outcome="lost", tool="agendarTurno", limit=5, after=after)

    assert await _in_pages(search) == []


async def test_a_customers_calls_are_found_without_reading_the_others(store: Store) -> None:
    tool = ToolCall("crearOrder", "t", True, 1, NOON, {"customerEmail": "Ana.Perez@Email.com"}, {"orderId": "77"})
    await store.save_call(a_call(1, tools=(tool,)))
    await store.save_call(replace(a_call(2, tools=(replace(tool, arguments={}),)), caller_number=None))
    await store.save_call(replace(a_call(3), caller_number="+5491155550001"))
    near = replace(tool, arguments={"customerEmail": "juana.perez@email.com"}, result={})
    await store.save_call(a_call(4, tools=(near,)))
    others = [head_item(a_call(n), NOON + timedelta(days=90)) for n in range(10, 110)]
    await store.backend.replace(TableName.CALLS, others, [])
    order = replace(an_order(77), customer_email="ana.perez@email.com")
    await store.backend.replace(TableName.ORDERS, [to_item(order)], [])
    counting = counted(store)
    found = await export(store, Customer("ana.perez@EMAIL.com", "+5491155550001"))
    assert ([order.id for order in found.of(Order)], [call.id for call in found.calls]) == (
        ["77"],
        ["CA3", "CA2", "CA1"],
    )
    assert (counting.queries, counting.items, counting.gets) == (8, 11, 1), (
        "a query for each of their calls, a look for call-backs"
    )


async def test_a_call_is_filed_once_under_each_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = ToolCall("consultarOrder", "t", True, 1, NOON, {"orderId": "5"}, {"order": {"customerEmail": "a@b.com"}})
    kept = await store.save_call(a_call(1))
    calls, writes, put = [kept], [], store.backend.put

    async def noted(change: Put) -> None:
        writes.append(change.item["SK"][:7] if change.item["PK"].startswith("CALL#") else "reference")
        await put(change)

    monkeypatch.setattr(store.backend, "put", noted)
    for turns in range(1, 4):
        said = (Turn("caller", "Hola", NOON),) * turns
        calls.append(await store.save_call(replace(calls[-1], turns=said, tools=(tool,)), None, calls[-1]))
    assert writes == ["reference", "reference", "TURN#00", "TOOL#00", "TURN#00", "TURN#00"]


async def test_what_is_erased_is_remembered_so_that_recordings_elsewhere_go_too(store: Store, tmp_path: Path) -> None:
    calls = [await store.save_call(a_call(n)) for n in (1, 51, 2)]
    here, elsewhere = Recordings(tmp_path / "here"), Recordings(tmp_path / "elsewhere")
    for each in (here, elsewhere):
        for call in calls:
            for part in range(2):
                each.path(call.id, part).parent.mkdir(parents=True, exist_ok=True)
                each.path(call.id, part).touch()
    await erase(store, here, await export(store, Customer(phone="+5491155550001")))
    assert set(await store.erased_calls()) == {"CA1", "CA51"}
    assert elsewhere.erase(await store.erased_calls()) == 4
    for each in (here, elsewhere):
        assert [each.find(call.id) is None for call in calls] == [True, True, False]


async def test_a_call_that_cannot_be_read_is_erased_with_the_rest(store: Store, tmp_path: Path) -> None:
    await store.save_call(a_call(1))
    item = call_items(a_call(1, turns=(Turn("caller", "Hola", NOON),)), NOON + timedelta(days=90))[1] | {"turn": "{"}
    await store.backend.replace(TableName.CALLS, [item], [])
    found = await export(store, Customer(phone="+5491155550001"))
    assert (found.calls, found.unreadable) == ((), ("CA1",))
    await erase(store, Recordings(tmp_path), found)
    assert await store.backend.query(TableName.CALLS, "CALL#CA1") == []


async def test_the_loop_has_its_turn_between_the_steps_of_a_long_list(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1000))
    monkeypatch.setattr(slices, "STEP_S", 10)
    monkeypatch.setattr(slices, "PAUSE_S", 0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    assert [n async for n in sliced(range(100), lambda: float(next(times)))] == list(range(100))
    assert turns == 10, "each record takes a second of this clock"
    beside.cancel()


async def test_every_record_of_a_page_may_be_the_last_of_a_step(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "STEP_S", 0.0)
    monkeypatch.setattr(slices, "PAUSE_S", 0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    page = await full.appointments(limit=200)
    assert turns >= len(page.items) == 200
    beside.cancel()


async def test_lists_go_by_indexes_and_an_older_files_indexes_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "carlos.db"
    await (await open_sqlite(path)).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP INDEX appointments_StatusIndex")
        db.execute("CREATE INDEX appointments_StatusIndex ON appointments (body ->> 'status')")
        db.commit()
    store = await open_sqlite(path)
    asked: list[str] = []
    backend = store.backend
    assert isinstance(backend, SqliteBackend)
    await backend._run(lambda: backend._db.set_trace_callback(asked.append))
    await store.orders(limit=5)
    await store.orders(email="a@b.com", since=NOON, limit=5)
    await store.appointments(since=NOON, until=NOON + timedelta(days=1), limit=5)
    await store.appointments(doctor=DOCTORS[0], limit=5)
    await store.appointments(email="a@b.com", limit=5)
    await store.calls(since=NOON, limit=5)
    await store.calls(number="+5491155550001", limit=5)
    await store.open_calls(5)
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        plans = {row[-1] for sql in asked for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")}
    assert len(asked) == 5 + 1 + 4 + 1 + 1 + (SHARDS + 1) + 1 + SHARDS
    assert all(plan.startswith("SEARCH") for plan in plans), plans
    assert any("appointments_StatusIndex (<expr>=? AND <expr>>" in plan for plan in plans), plans


async def _in_pages(ask: Callable[[str | None], Awaitable[Page[Any]]]) -> list[str]:
    """The ids of all pages, one after another."""
    ids: list[str] = []
    after = None
    while True:
        page = await ask(after)
        ids += [record.id for record in page.items]
        after = page.next
        if after is None:
            return ids
