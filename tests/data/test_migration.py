"""What of the original's items cannot be mended: every reason in words, and what becomes of the item."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.times import Clock
from data.backends.base import Item
from data.bounds import ITEMS_LIMIT, MOST_MINUTES, problems
from data.changes import Change, IdempotencyRecord, writes_of
from data.models import Appointment, Order
from data.operators.backup import digest
from data.operators.check import examine
from data.operators.legacy_items import Unmendable, mend_appointment, mend_order
from data.operators.migrate import MOST_TOLD, MigrationFailed, migrate, plan_migration
from data.operators.quarantine import Mended, Quarantine, QuarantineError
from data.rules import cancel_appointment
from data.samples import sample_appointments, sample_orders
from data.store import Store
from data.tables import TableName
from tests.data.legacy import original_appointment, original_order

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
GONE = object()


def line(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "Mouse", "quantity": 1, "price": 10} | fields]


def without_gone(item: Item) -> Item:
    return {name: value for name, value in item.items() if value is not GONE}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "perdido"}, "status: 'perdido', none of pending, processing, shipped, delivered, cancelled"),
        ({"status": 3}, "status: 3, none of pending"),
        ({"createdAt": "ayer"}, "createdAt: 'ayer', not a date with a time"),
        ({"createdAt": 1752586200}, "createdAt: 1752586200, not a date"),
        ({"createdAt": "0001-01-01T00:00:00+03:00"}, "createdAt: '0001-01-01T00:00:00+03:00', not a date"),
        ({"createdAt": "1969-01-01T00:00:00Z"}, "createdAt: in the year 1969, not between 2000 and 2200"),
        ({"createdAt": GONE}, "createdAt: missing"),
        ({"customerName": GONE}, "customerName: missing"),
        ({"customerName": 5}, "customerName: a number, not a text"),
        ({"customerName": "  "}, "customerName: blank"),
        ({"customerName": "x" * 500}, "customerName: 500 characters, above 80"),
        ({"customerEmail": GONE}, "customerEmail: missing"),
        ({"customerEmail": {"a": 1}}, "customerEmail: a map, not a text"),
        ({"customerEmail": "nadie"}, "customerEmail: a text of 5 characters, not an e-mail address"),
        ({"items": "nada"}, "items: 'nada', not a list"),
        ({"items": GONE}, "items: missing"),
        ({"items": []}, "items: 0, below 1 products"),
        ({"items": line() * (ITEMS_LIMIT + 1)}, f"items: {ITEMS_LIMIT + 1}, above {ITEMS_LIMIT} products"),
        ({"items": ["Mouse"]}, "items[0]: 'Mouse', not a product"),
        ({"items": line(name=GONE)}, "items[0].name: missing"),
        ({"items": line(name="")}, "items[0].name: blank"),
        ({"items": line(price="mucho")}, "items[0].price: 'mucho', not a number"),
        ({"items": line(price=-1)}, "items[0].price: -1, below 0"),
        ({"items": line(price=float("nan"))}, "items[0].price: nan, not a number"),
        ({"items": line(price=Decimal("1E+99"))}, "items[0].price: 1E+99, too large a number"),
        ({"items": line(price=True)}, "items[0].price: True, not a number"),
        ({"items": line(quantity=0)}, "items[0].quantity: 0, below 1"),
        ({"items": line(quantity=Decimal("1.5"))}, "items[0].quantity: 1.5, not a whole number"),
        ({"items": line(quantity=10**15)}, "items[0].quantity: 1e+15, above 100"),
        ({"id": "21"}, "id: '21', not the one of the key 'ORDER#20 ORDER#20'"),
        ({"id": 21}, "id: '21', not the one of the key"),
        ({"id": {"n": 20}}, "id: a map, not a text"),
        ({"SK": "ORDER#7"}, "id: '20', not the one of the key 'ORDER#20 ORDER#7'"),
        ({"version": "dos"}, "version: 'dos', not a number"),
        ({"dni": "20-28456789-3"}, "dni: a text of 11 characters, not one of up to 8 digits"),
        ({"tags": {"a", "b"}}, "tags: cannot be kept as it is"),
    ],
)
def test_an_order_that_cannot_be_mended_says_which_field_and_why(fields: dict[str, Any], reason: str) -> None:
    item = original_order("20", **fields)
    if isinstance(item.get("items"), list):
        item["items"] = [without_gone(each) if isinstance(each, dict) else each for each in item["items"]]
    with pytest.raises(Unmendable) as refused:
        mend_order(without_gone(item), {})
    assert len(refused.value.reasons) == 1
    assert refused.value.reasons[0].startswith(reason)
    assert str(refused.value).startswith("ORDER#20: ")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"duration": 600}, f"duration: 600, above {MOST_MINUTES} minutes"),
        ({"duration": 0}, "duration: 0, below 1 minutes"),
        ({"duration": "media hora"}, "duration: 'media hora', not a number"),
        ({"duration": Decimal("30.5")}, "duration: 30.5, not a whole number"),
        ({"date": None}, "date: missing"),
        ({"date": "2026-02-30T10:00:00Z"}, "date: '2026-02-30T10:00:00Z', not a date"),
        ({"type": "masaje"}, "type: 'masaje', none of consultation"),
        ({"status": GONE}, "status: missing"),
        ({"doctorName": ""}, "doctorName: blank"),
        ({"notes": ["a"]}, "notes: a list, not a text"),
        ({"notes": "x" * 20_000}, "notes: 20000 characters, above 10000"),
    ],
)
def test_an_appointment_that_cannot_be_mended_says_which_field_and_why(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unmendable) as refused:
        mend_appointment(without_gone(original_appointment("20", **fields)))
    assert [each[: len(reason)] for each in refused.value.reasons] == [reason]


def test_every_field_of_an_item_is_named_at_once_and_nothing_personal_with_it() -> None:
    broken = original_order("20", status="perdido", customerName="María\x00González", createdAt="ayer", dni=True)
    with pytest.raises(Unmendable) as refused:
        mend_order(broken, {})
    assert [each.partition(":")[0] for each in refused.value.reasons] == ["createdAt", "status", "dni"]
    with pytest.raises(Unmendable, match="customerName: holds characters"):
        mend_order(original_order("20", customerName="María\x00González"), {})
    assert "María" not in str(refused.value)


@pytest.mark.parametrize("written", [20, Decimal(20), GONE])
def test_an_id_that_is_a_number_or_missing_is_the_one_of_its_key(written: object) -> None:
    mended, _ = mend_order(without_gone(original_order("20", id=written)), {})
    assert mended["id"] == "20"


def test_a_total_that_is_no_number_is_computed() -> None:
    mended, changes = mend_order(original_order("20", total="mucho"), {})
    assert (mended["total"], "total recomputed" in changes) == (Decimal("59.98"), True)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.decimals()
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from(sorted(original_order("1").keys() - {"PK", "SK"})), VALUES, max_size=4),
    st.dictionaries(st.sampled_from(sorted(original_appointment("1").keys() - {"PK", "SK"})), VALUES, max_size=4),
)
def test_whatever_an_item_holds_it_is_mended_or_named(order: dict[str, Any], appointment: dict[str, Any]) -> None:
    for mend, item in (
        (lambda each: mend_order(each, {}), original_order("20", **order)),
        (mend_appointment, original_appointment("20", **appointment)),
    ):
        with suppress(Unmendable):
            mended, _ = mend(item)
            assert mend(mended) == (mended, ())


def test_samples_are_within_the_bounds() -> None:
    records = [*sample_orders(NOW.date()), *sample_appointments(NOW.date())]
    assert [problem for record in records for problem in problems(record)] == []


@pytest.mark.parametrize("off_grid", [0, 3])
def test_the_longest_appointment_can_be_cancelled_in_one_transaction(off_grid: int) -> None:
    start = datetime(2026, 12, 1, 13, off_grid, tzinfo=UTC)
    longest = Appointment("1", "Ana Pérez", "a@b.com", "Dra. Ana López", start, MOST_MINUTES, version=1)
    receipt = IdempotencyRecord("CA1", "t", "cancelarTurno:1", {})
    assert problems(longest) == []
    assert len(writes_of(cancel_appointment(longest), receipt, NOW)) <= 100
    longer = replace(longest, duration=MOST_MINUTES + 5, start=start.replace(minute=3))
    assert problems(longer)
    assert len(writes_of(Change(longer, None), receipt, NOW)) > 100


# On the stores.


async def spoilt(store: Store, bad: int = 3) -> None:
    """Two good orders, two good appointments, and bad ones of both."""
    orders = [
        original_order("1"),
        original_order("2"),
        *(original_order(str(n), status="?") for n in range(30, 30 + bad)),
    ]
    appointments = [original_appointment("1"), original_appointment("2", date="2026-12-02T10:00:00-03:00")]
    appointments += [original_appointment("40", duration=600)]
    await store.backend.replace(TableName.ORDERS, orders, [])
    await store.backend.replace(TableName.APPOINTMENTS, appointments, [])


async def test_without_a_quarantine_nothing_is_written_and_the_first_reasons_are_told(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    await spoilt(store, bad=30)
    before = await digest(store)
    plan = await plan_migration(store, clock())
    assert (plan.bad, len(plan.malformed)) == (31, MOST_TOLD)
    with pytest.raises(MigrationFailed, match="31 items cannot be mended.*and 11 more"):
        await migrate(store, clock(), tmp_path / "backups")
    assert await digest(store) == before
    assert not os.path.exists(tmp_path / "backups")  # noqa: ASYNC240 - a test


async def test_a_quarantine_keeps_bad_items_whole_and_the_rest_is_migrated(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    await spoilt(store)
    file = tmp_path / "bad.jsonl"
    done = await migrate(store, clock(), tmp_path / "backups", quarantine=file)
    assert done.plan.bad == 4
    kept = [json.loads(text, parse_float=Decimal) for text in file.read_text().splitlines()]
    assert [(each["table"], each["item"]["PK"]) for each in kept] == [
        *(("orders", f"ORDER#{number}") for number in (30, 31, 32)),
        ("appointments", "APPOINTMENT#40"),
    ]
    assert kept[3]["item"] == original_appointment("40", duration=600)
    assert kept[3]["reason"] == f"duration: 600, above {MOST_MINUTES} minutes"
    assert file.stat().st_mode & 0o077 == 0
    assert {order.id for order in (await store.orders()).items} == {"1", "2"}
    assert [finding for finding in await examine(store, clock()) if not finding.healthy] == []
    assert await store.next_id(Order) == "33"  # theirs are not given out again


async def test_lines_that_were_corrected_are_put_back(store: Store, tmp_path: Path, clock: Clock) -> None:
    await spoilt(store)
    file = tmp_path / "bad.jsonl"
    await migrate(store, clock(), tmp_path / "backups", quarantine=file)
    file.write_text(file.read_text().replace('"duration": 600', '"duration": 60').replace('"?"', '"shipped"', 2))
    with pytest.raises(MigrationFailed, match="ORDER#32: status"):
        await migrate(store, clock(), tmp_path / "backups", mended=Mended.checked(file))
    still_bad = tmp_path / "still.jsonl"
    done = await migrate(
        store, clock().replace(year=2027), tmp_path / "backups", mended=Mended.checked(file), quarantine=still_bad
    )
    assert (done.plan.counts["orders put back"], done.plan.counts["appointments put back"], done.plan.bad) == (2, 1, 1)
    assert {order.id for order in (await store.orders()).items} == {"1", "2", "30", "31"}
    assert len(still_bad.read_text().splitlines()) == 1


async def test_what_is_put_back_overwrites_nothing_and_deletes_nothing(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    await store.backend.replace(TableName.ORDERS, [original_order("1")], [])
    file = tmp_path / "bad.jsonl"
    file.write_text(
        json.dumps({"table": "orders", "item": original_order("1", status="shipped")}, default=float) + "\n"
    )
    aside = tmp_path / "2.jsonl"
    await migrate(store, clock(), tmp_path / "backups", mended=Mended.checked(file), quarantine=aside)
    assert json.loads(aside.read_text())["reason"] == "id: there is another item under it"
    order = await store.order("1")
    assert order is not None
    assert order.status == "pending"


async def test_a_migration_that_fails_leaves_no_quarantine(
    store: Store, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*arguments: object) -> None:
        raise MigrationFailed("forced")

    monkeypatch.setattr("data.operators.migrate._check", fail)
    await spoilt(store)
    before = await digest(store)
    with pytest.raises(MigrationFailed, match="as it was"):
        await migrate(store, clock(), tmp_path / "backups", quarantine=tmp_path / "bad.jsonl")
    assert await digest(store) == before
    assert not os.path.exists(tmp_path / "bad.jsonl")  # noqa: ASYNC240 - a test


async def test_a_quarantine_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("kept")
    with pytest.raises(QuarantineError, match="exists already"):
        Quarantine(tmp_path / "bad.jsonl")
    assert (tmp_path / "bad.jsonl").read_text() == "kept"


@pytest.mark.parametrize(
    "text",
    ["nada", "[]", '{"table": "orders"}', '{"table": "calls", "item": {"PK": "CALL#1", "SK": "RECORD"}}',
     '{"table": "orders", "item": {"PK": "APPOINTMENT#1", "SK": "APPOINTMENT#1"}}',
     '{"table": "orders", "item": {"PK": 1, "SK": "x"}}'],
)  # fmt: skip
def test_a_file_that_is_no_quarantine_is_refused_by_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.jsonl").write_text(f"\n{text}\n")
    with pytest.raises(QuarantineError, match="line 2"):
        Mended.checked(tmp_path / "bad.jsonl")
