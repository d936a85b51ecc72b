"""Backup, restore, migration and the doctor, on both stores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from common.times import BUENOS_AIRES, Clock
from data.backends.base import Item
from data.call_items import call_items
from data.errors import Unavailable
from data.models import Appointment, CallRecord, Line, Order, ToolCall
from data.operators.backup import MANIFEST, BackupError, backup, digest, restore, verify
from data.operators.check import examine
from data.operators.legacy_items import mend_order
from data.operators.migrate import MigrationFailed, migrate, plan_migration
from data.operators.seed import seed
from data.privacy import Customer, export
from data.records import to_item
from data.rules import cancel_appointment
from data.samples import sample_orders
from data.store import Change, Store
from data.tables import TableName
from tests.data.legacy import original_appointment, original_order
from tests.support.legacy_calls import legacy_call_item


@pytest.fixture
async def original(store: Store) -> Store:
    """A store as the original's scripts and tools left it."""
    await store.backend.replace(
        TableName.ORDERS,
        [
            original_order("1"),
            original_order("12", total=Decimal("1"), userOrderNumber=3, GSI1PK="USER_ORDER_3"),
            original_order("7", items=[{"name": "Cable", "price": "12.5"}], total=Decimal("12.5"), updatedAt=None),
        ],
        [],
    )
    await store.backend.replace(
        TableName.APPOINTMENTS,
        [
            original_appointment("1"),
            original_appointment("2", date="2026-12-02T10:00:00-03:00Z", userAppointmentNumber=1),
            original_appointment("3", date="2026-12-03T10:00:00", notes=None),
            original_appointment("4", date="2026-12-01T10:15:00.000-03:00"),
            original_appointment("5", date="2025-07-22T10:00:00.000-03:00"),
            original_appointment("6", date="2026-12-04T13:00:00Z", status="cancelled", doctorName="Dra. Ana López"),
        ],
        [],
    )
    return store


@pytest.fixture
async def seeded(store: Store, clock: Clock) -> Store:
    await seed(store, clock().date())
    await store.record_failure("someone", timedelta(hours=1))
    return store


async def test_a_backup_restores_every_item_and_removes_what_came_after(
    seeded: Store, tmp_path: Path, clock: Clock
) -> None:
    before = await digest(seeded)
    manifest = await backup(seeded, tmp_path / "b", clock())
    order = await seeded.order("1")
    assert order is not None
    await seeded.commit(Change(order, replace(order, customer_name="Otra Persona")))
    await seeded.commit(Change(None, replace(order, id="50", version=0)))
    assert await digest(seeded) != before
    assert await restore(seeded, tmp_path / "b") == manifest
    assert await digest(seeded) == before
    assert manifest.tables["orders"].items == 8


async def test_a_backup_is_its_owners_alone(seeded: Store, tmp_path: Path, clock: Clock) -> None:
    await backup(seeded, tmp_path / "b", clock())
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "b").iterdir())


async def test_a_backup_never_writes_over_another(seeded: Store, tmp_path: Path, clock: Clock) -> None:
    await backup(seeded, tmp_path / "b", clock())
    with pytest.raises(BackupError, match="exists already"):
        await backup(seeded, tmp_path / "b", clock())


@pytest.mark.parametrize("damage", ["byte", "missing", "manifest", "version"])
async def test_a_damaged_backup_changes_nothing(seeded: Store, tmp_path: Path, clock: Clock, damage: str) -> None:
    await backup(seeded, tmp_path / "b", clock())
    part, manifest = tmp_path / "b" / "orders.jsonl.gz", tmp_path / "b" / MANIFEST
    match damage:
        case "byte":
            part.write_bytes(part.read_bytes()[:-1] + b"x")
        case "missing":
            part.unlink()
        case "manifest":
            manifest.write_text("{")
        case _:
            manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    before = await digest(seeded)
    with pytest.raises(BackupError):
        await restore(seeded, tmp_path / "b")
    assert await digest(seeded) == before


async def test_a_dry_run_names_and_counts_each_change_and_makes_none(original: Store, clock: Clock) -> None:
    before = await digest(original)
    plan = await plan_migration(original, clock(), {"7": "28456789"})
    assert await digest(original) == before
    assert plan.malformed == []
    assert dict(plan.counts) == {
        "orders changed": 3,
        "order: index attributes removed": 3,
        "order: date to UTC": 6,
        "order: updatedAt added": 1,
        "order: null attributes removed": 1,
        "order: prices and quantities as numbers": 1,
        "order: total recomputed": 1,
        "order: DNI added": 1,
        "order: version added": 3,
        "orders without a DNI (opened by name only)": 2,
        "orders counter raised": 1,
        "appointments changed": 6,
        "appointment: index attributes removed": 6,
        "appointment: date to UTC": 4,
        "appointment: date with offset and Z mended": 1,
        "appointment: date without offset taken as Buenos Aires": 1,
        "appointment: null attributes removed": 1,
        "appointment: notes added": 1,
        "appointment: version added": 6,
        "appointments that overlap another (kept; see `carlos doctor`)": 1,
        "appointments that take their doctor's time": 4,
        "doctors listed": 2,
        "appointments counter raised": 1,
    }


async def test_migration_makes_the_originals_records_ours(original: Store, tmp_path: Path, clock: Clock) -> None:
    done = await migrate(original, clock(), tmp_path, {"7": "28456789"})
    assert done.backup is not None
    assert verify(done.backup).items == 9
    orders = {order.id: order for order in (await original.orders()).items}
    assert set(orders) == {"1", "7", "12"}
    assert orders["12"].total_cents == 5998
    assert (orders["7"].dni, orders["1"].dni) == ("28456789", None)
    assert orders["7"].items[0].quantity == 1
    assert f"{orders['1'].created_at.astimezone(BUENOS_AIRES):%Y-%m-%d %H:%M}" == "2025-07-15 10:30"
    times = {
        appointment.id: f"{appointment.start.astimezone(BUENOS_AIRES):%m-%d %H:%M}"
        for appointment in (await original.appointments()).items
    }
    assert times == {
        "1": "12-01 10:00", "2": "12-02 10:00", "3": "12-03 10:00", "4": "12-01 10:15", "5": "07-22 10:00",
        "6": "12-04 10:00",
    }  # fmt: skip
    assert await original.next_id(Order) == "13"
    assert await original.doctors() == ("Dr. Carlos Rodríguez", "Dra. Ana López")
    raw = await original.backend.get(TableName.APPOINTMENTS, "APPOINTMENT#2", "APPOINTMENT#2")
    assert raw is not None
    assert raw["date"] == "2026-12-02T13:00:00.000Z"
    assert not any(name.startswith(("GSI", "user")) for name in raw)


async def test_migrating_again_finds_nothing_to_do(original: Store, tmp_path: Path, clock: Clock) -> None:
    await migrate(original, clock(), tmp_path)
    after = await digest(original)
    again = await migrate(original, clock(), tmp_path)
    assert (again.plan.writes, again.backup) == (0, None)
    assert await digest(original) == after


def test_a_dni_is_written_in_digits_as_it_is_looked_for() -> None:
    order = to_item(sample_orders(date(2026, 11, 23))[0])
    mended, changes = mend_order(order | {"dni": "28.456.789"}, {})
    assert (mended["dni"], changes) == ("28456789", ("DNI in digits",))
    assert "dni" not in mend_order(order | {"dni": "-"}, {})[0]


async def test_our_own_records_need_no_migration(seeded: Store, tmp_path: Path, clock: Clock) -> None:
    assert (await migrate(seeded, clock(), tmp_path)).plan.writes == 0


async def test_an_appointment_that_overlapped_in_the_original_can_still_be_cancelled(
    original: Store, tmp_path: Path, clock: Clock
) -> None:
    await migrate(original, clock(), tmp_path)
    fourth, first = await original.appointment("4"), await original.appointment("1")
    assert fourth is not None
    assert first is not None
    await original.commit(cancel_appointment(fourth))
    assert set((await original.busy(first.doctor_name, first.start, fourth.start)).values()) == {"1"}


class Breaks:
    """Lets a few bulk writes through, fails once, and works again."""

    def __init__(self, store: Store, after: int) -> None:
        self._replace = store.backend.replace
        self._left = after
        store.backend.replace = self  # type: ignore[method-assign]

    async def __call__(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        self._left -= 1
        if self._left == -1:
            await self._replace(table, puts[: len(puts) // 2], deletes)
            raise Unavailable("forced")
        await self._replace(table, puts, deletes)


@pytest.mark.parametrize("after", [0, 1])
async def test_a_failure_in_the_middle_leaves_everything_as_it_was(
    original: Store, tmp_path: Path, clock: Clock, after: int
) -> None:
    before = await digest(original)
    Breaks(original, after)
    with pytest.raises(MigrationFailed, match="as it was"):
        await migrate(original, clock(), tmp_path)
    assert await digest(original) == before


async def test_a_failed_check_undoes_the_migration(
    original: Store, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await digest(original)
    monkeypatch.setattr("data.operators.migrate._check", fail)
    with pytest.raises(MigrationFailed, match="undone"):
        await migrate(original, clock(), tmp_path)
    assert await digest(original) == before


async def fail(*arguments: object) -> None:
    raise MigrationFailed("forced")


@pytest.mark.parametrize(
    "broken",
    [{"status": "perdido"}, {"createdAt": "ayer"}, {"items": "nada"}, {"items": [{"name": "x", "price": "mucho"}]}],
)
async def test_what_cannot_be_mended_stops_the_migration_before_it_begins(
    original: Store, tmp_path: Path, clock: Clock, broken: dict[str, object]
) -> None:
    await original.backend.replace(TableName.ORDERS, [original_order("20", **broken)], [])
    before = await digest(original)
    with pytest.raises(MigrationFailed, match="ORDER#20"):
        await migrate(original, clock(), tmp_path / "backups")
    assert await digest(original) == before
    assert not os.path.exists(tmp_path / "backups")  # noqa: ASYNC240 - a test


async def test_the_doctor_finds_a_seeded_store_well(seeded: Store, clock: Clock) -> None:
    findings = await examine(seeded, clock())
    assert [finding for finding in findings if not finding.healthy] == []
    assert any("2 order pending" in finding.detail for finding in findings)


async def test_the_doctor_names_what_is_wrong_and_nobody(original: Store, clock: Clock) -> None:
    await original.backend.replace(
        TableName.APPOINTMENTS, [{"PK": "SLOTS#x", "SK": "2026-12-01T13:00:00.000Z", "appointmentId": "99"}], []
    )
    await original.backend.replace(TableName.ORDERS, [original_order("20", status="perdido")], [])
    findings = {finding.what: finding for finding in await examine(original, clock())}
    assert not findings["order counter"].healthy
    assert "ORDER#20" in findings["malformed items"].detail
    assert "APPOINTMENT#1" in findings["coming appointments without their time"].detail
    assert findings["time held for no appointment"].detail == "APPOINTMENT#99"
    assert "María" not in str(findings)
    assert "@" not in str(findings)


async def test_the_doctor_reports_a_store_that_does_not_answer(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*arguments: object) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(store.backend, "check", broken)
    assert any(finding.what == "store" and not finding.healthy for finding in await examine(store, clock()))


async def test_migrating_finds_what_earlier_versions_filed_otherwise(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    """Addresses in any case, and calls that no reference leads to."""
    order = original_order("1", customerEmail="Maria.Gonzalez@EMAIL.com")
    appointment = original_appointment("1", patientEmail="MARIA.gonzalez@email.com")
    await store.backend.replace(TableName.ORDERS, [order], [])
    await store.backend.replace(TableName.APPOINTMENTS, [appointment], [])
    tool = ToolCall("consultarOrder", "t", True, 1, clock(), {"orderId": "1"}, {"success": True})
    call = CallRecord("CA1", Line.PHONE, clock(), ended_at=clock(), outcome="completed", tools=(tool,))
    expires = clock() + timedelta(days=90)
    bad = legacy_call_item(replace(call, id="CA2"), expires) | {"turns": "{"}
    items = [*call_items(call, expires), bad, legacy_call_item(replace(call, id="CA3"), expires)]
    await store.backend.replace(TableName.CALLS, items, [])
    before = {finding.what: finding.detail for finding in await examine(store, clock())}
    assert before["e-mail addresses that are not found, until `carlos migrate`"] == "ORDER#1, APPOINTMENT#1"
    assert before["calls that are not found by customer, until `carlos migrate`"] == "CALL#CA1, CALL#CA3"
    done = await migrate(store, clock(), tmp_path)
    assert done.plan.counts["calls filed under a customer"] == 2
    assert done.plan.counts["calls that cannot be read (kept; see `carlos doctor`)"] == 1
    found = await export(store, Customer("maria.gonzalez@email.com"))
    assert ([order.id for order in found.of(Order)], [each.id for each in found.of(Appointment)]) == (["1"], ["1"])
    assert sorted(each.id for each in found.calls) == ["CA1", "CA3"]
    after = {finding.what: finding.detail for finding in await examine(store, clock()) if "migrate" in finding.what}
    assert set(after.values()) == {"none"}
