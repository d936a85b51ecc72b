"""Operators' work on a store of any size: nothing of it is held in memory, and how far it is, is told."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.stores import fresh_sqlite
from carlos.commands.progress import Lines, Rate
from common.times import Clock
from data.backends.base import Item
from data.models import CallRecord, Line
from data.operators.backup import backup, digest, restore
from data.operators.check import examine
from data.operators.lines import canonical, from_line, to_line
from data.operators.migrate import migrate
from data.operators.progress import Total
from data.operators.spool import Spool
from data.records import APPOINTMENTS
from data.references import of_number, reference_items
from data.store import Store
from data.tables import TableName
from tests.data.legacy import original_appointment, original_order

FEW, MANY = 250, 1_000  # of each kind; a page of SQLite has 200
MOST_BYTES = 1_500_000  # that Python may take more for MANY: held, an order alone is some 3 kB

Work = Callable[[Store, Path, Clock], Awaitable[Any]]


async def filled(store: Store, count: int, clock: Clock) -> None:
    """With the original's records, all of them to come, and calls of theirs."""
    begin = clock() + timedelta(days=1)
    appointments = [
        original_appointment(str(n), date=(begin + timedelta(hours=n)).isoformat()) for n in range(1, count + 1)
    ]
    orders = [original_order(str(n)) for n in range(1, count + 1)]
    calls = [CallRecord(f"CA{n}", Line.PHONE, clock(), caller_number=f"+54911{n:08}") for n in range(count)]
    filings = [item for call in calls for item in reference_items(call, [of_number(str(call.caller_number))], 2**33)]
    for table, items in (
        (TableName.ORDERS, orders),
        (TableName.APPOINTMENTS, appointments),
        (TableName.CALLS, filings),
    ):
        await store.backend.replace(table, items, [])


async def saved_and_restored(store: Store, folder: Path, clock: Clock) -> None:
    await backup(store, folder / "saved", clock())
    await restore(store, folder / "saved")


WORK: dict[str, Work] = {
    "migrate": lambda store, folder, clock: migrate(store, clock(), folder),
    "doctor": lambda store, folder, clock: examine(store, clock()),
    "backup and restore": saved_and_restored,
    "digest": lambda store, folder, clock: digest(store),
}


async def peak(work: Work, count: int, folder: Path, clock: Clock) -> int:
    """The most bytes that Python held during the work."""
    os.mkdir(folder)
    async with fresh_sqlite(folder, clock) as store:
        await filled(store, count, clock)
        tracemalloc.start()
        try:
            await work(store, folder, clock)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", WORK)
@pytest.mark.slow
async def test_memory_does_not_grow_with_the_store(name: str, tmp_path: Path, clock: Clock) -> None:
    few = await peak(WORK[name], FEW, tmp_path / "few", clock)
    many = await peak(WORK[name], MANY, tmp_path / "many", clock)
    assert many - few < MOST_BYTES


async def test_each_step_tells_how_many_items_are_done_and_how_many_there_are(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    await filled(store, 3, clock)
    told: list[tuple[str, int, Total | None]] = []

    def progress(what: str, more: int, total: Total | None = None) -> None:
        told.append((what, more, total))

    await backup(store, tmp_path / "saved", clock(), progress)
    assert [(what, more) for what, more, _ in told] == [
        ("orders saved", 3), ("appointments saved", 3), ("calls saved", 3),
    ]  # fmt: skip
    assert all(total and total.is_exact is (store.name == "sqlite") for _, _, total in told)
    told.clear()
    await restore(store, tmp_path / "saved", progress)
    assert ("orders restored", 3, Total(3)) in told


async def test_a_restore_that_broke_off_is_run_again(
    store: Store, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(store, 3, clock)
    before = await digest(store)
    await backup(store, tmp_path / "saved", clock())
    await store.backend.replace(TableName.ORDERS, [original_order("9")], [("ORDER#1", "ORDER#1")])
    with monkeypatch.context() as breaking:
        breaking.setattr(store.backend, "replace", broken)
        with pytest.raises(RuntimeError):
            await restore(store, tmp_path / "saved")
    await restore(store, tmp_path / "saved")
    assert await digest(store) == before


async def broken(*arguments: object) -> None:
    raise RuntimeError("forced")


ODD: Item = {
    "PK": "ORDER#1",
    "SK": "ORDER#1",
    "tags": {"a", "b"},
    "numbers": {Decimal("1.5")},
    "picture": b"\x00\xff",
    "fraction": Decimal("0.12345678901234567890123456789"),
    "nested": [{"none": None, "yes": True, "whole": 3, "text": "ñ"}],
}


def test_a_line_holds_whatever_dynamodb_does() -> None:
    assert from_line(to_line(ODD)) == ODD
    assert canonical(ODD) == canonical(dict(reversed(ODD.items())))
    assert from_line(to_line({"PK": "1", "n": Decimal("1.50")})) == {"PK": "1", "n": Decimal("1.5")}


@pytest.mark.parametrize("store", [pytest.param("dynamodb", marks=pytest.mark.ministack)], indirect=True)
async def test_items_that_plain_json_would_change_come_back_from_a_backup(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    """SQLite never holds any."""
    await store.backend.replace(TableName.ORDERS, [ODD], [])
    before = await digest(store)
    await backup(store, tmp_path / "saved", clock())
    await store.backend.replace(TableName.ORDERS, [], [("ORDER#1", "ORDER#1")])
    await restore(store, tmp_path / "saved")
    assert await digest(store) == before


async def test_the_doctor_names_records_beyond_the_bounds_and_the_first_of_many(store: Store, clock: Clock) -> None:
    long = [original_appointment(str(n), duration=600) for n in range(1, 14)]
    await store.backend.replace(APPOINTMENTS.table, long, [])
    findings = {finding.what: finding for finding in await examine(store, clock())}
    beyond = findings["records beyond the bounds, to be corrected"]
    assert not beyond.healthy
    assert "APPOINTMENT#13 (duration)" in beyond.detail or beyond.detail.endswith("and 3 more")


def test_a_spool_gives_its_keys_in_order_and_the_last_text_of_each() -> None:
    with Spool() as spool:
        spool["b"], spool["a"], spool["b"] = "1", "2", "3"
        assert list(spool.items()) == [("a", "2"), ("b", "3")]
        assert ("a" in spool, "c" in spool, spool.get("c")) == (True, False, None)


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (Total(12_000), "orders saved: 3,000 of 12,000, 1,500 a second, 6 s left"),
        (Total(300_000, is_exact=False), "orders saved: 3,000 of about 300,000, 1,500 a second, 3 min 18 s left"),
        (Total(3_000), "orders saved: 3,000 of 3,000, 1,500 a second"),
        (Total(2_000, is_exact=False), "orders saved: 3,000, 1,500 a second"),
        (None, "orders saved: 3,000, 1,500 a second"),
    ],
)
def test_progress_has_a_total_a_rate_and_the_time_left(total: Total | None, told: str) -> None:
    assert Rate("orders saved", began=10, done=3_000, total=total).told(at=12) == told


def test_a_log_gets_a_line_now_and_then_and_none_for_a_step_that_is_short() -> None:
    lines = Lines(every_s=10)
    assert [lines.add("orders saved", 100, Total(400), at) for at in (0, 4, 9.9)] == [None] * 3
    assert lines.add("orders saved", 50, Total(400), 10) == "orders saved: 350 of 400, 35 a second, 1 s left"
    assert lines.add("calls saved", 50, None, 12) is None
    assert lines.add("calls saved", 50, None, 20) == "calls saved: 100, 12 a second"
