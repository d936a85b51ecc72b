"""What holds for every type of record that is declared. Its samples are all that is known of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pytest

from common.masking import Personal, holds_personal_data, mask_value
from common.times import Clock
from data import records
from data.backends.base import Item
from data.errors import Malformed
from data.models import CallRecord, Line, Record, ToolCall
from data.operators.backup import backup, digest, restore
from data.operators.check import examine
from data.operators.migrate import plan_migration
from data.privacy import Customer, erase, export
from data.recordings import Recordings
from data.records import ORDERS, RecordType, declare, record_types, to_item
from data.store import Change, Store
from data.tables import Index, TableName
from tests.support.seeded import fill

every_type = pytest.mark.parametrize("record_type", [pytest.param(each, id=each.noun) for each in record_types()])


async def everything(store: Store) -> list[Item]:
    return [item for table in TableName async for page in store.backend.scan(table) for item in page]


async def findings(store: Store, clock: Clock) -> dict[str, tuple[bool, str]]:
    return {each.what: (each.healthy, each.detail) for each in await examine(store, clock())}


@every_type
async def test_a_record_is_kept_as_it_is_and_under_a_key_of_its_type(
    store: Store, clock: Clock, record_type: RecordType[Any]
) -> None:
    await fill(store, clock().date())
    for sample in record_type.samples(clock().date()):
        found = await store.record(record_type, sample.id)
        assert found is not None
        assert record_type.item(replace(found, version=0)) == record_type.item(sample)
        assert [each for each in record_types() if each.table is record_type.table and each.owns(to_item(sample))] == [
            record_type
        ]


@every_type
async def test_a_person_s_records_of_a_type_are_found_under_their_address_and_no_others(
    store: Store, clock: Clock, record_type: RecordType[Any]
) -> None:
    await fill(store, clock().date())
    samples = record_type.samples(clock().date())
    assert samples, "a type without samples is not tested"
    for sample in samples:
        page = await store.records(record_type, email=record_type.email_of(sample).upper())
        theirs = {each.id for each in samples if record_type.name_of(each) == record_type.name_of(sample)}
        assert {record.id for record in page.items} == theirs
        assert all(isinstance(record, record_type.kind) for record in page.items)
        assert page.unreadable == 0


async def test_a_list_holds_records_of_its_own_type_alone(store: Store, clock: Clock) -> None:
    await fill(store, clock().date())
    orders, appointments = await store.orders(), await store.appointments()
    assert (len(orders.items), orders.unreadable, len(appointments.items), appointments.unreadable) == (7, 0, 8, 0)


@every_type
async def test_each_type_counts_its_own_ids(store: Store, record_type: RecordType[Any]) -> None:
    assert [await store.next_id(record_type.kind) for _ in range(3)] == ["1", "2", "3"]
    assert [await store.next_id(each.kind) for each in record_types() if each is not record_type] == ["1"] * (
        len(record_types()) - 1
    )


@every_type
async def test_a_customer_s_records_and_the_calls_about_them_are_handed_over_and_erased(
    store: Store, clock: Clock, tmp_path: Path, record_type: RecordType[Any]
) -> None:
    await fill(store, clock().date())
    sample = record_type.samples(clock().date())[0]
    use = ToolCall("tool", "t", True, 1, clock(), {f"{record_type.noun}Id": sample.id}, {"success": True})
    await store.save_call(CallRecord("CA1", Line.PHONE, clock(), ended_at=clock(), tools=(use,)))
    customer = Customer(record_type.email_of(sample).upper())
    found = await export(store, customer)
    assert sample.id in [record.id for record in found.of(record_type.kind)]
    assert record_type.name_of(sample) in found.people
    assert found.counts[record_type.nouns] == len(found.of(record_type.kind))
    assert [call.id for call in found.calls] == ["CA1"]
    await erase(store, Recordings(tmp_path), found)
    left = json.dumps(await everything(store), ensure_ascii=False, default=str)
    assert record_type.name_of(sample) not in left
    assert record_type.email_of(sample).lower() not in left.lower()
    assert not any((await export(store, customer)).counts.values())


@every_type
async def test_a_store_with_its_samples_is_whole_and_one_that_cannot_be_read_is_named(
    store: Store, clock: Clock, record_type: RecordType[Any]
) -> None:
    await fill(store, clock().date())
    seen = await findings(store, clock)
    assert [what for what, (healthy, _) in seen.items() if not healthy] == []
    assert f" {record_type.noun}" in seen["items"][1]
    assert seen[f"{record_type.noun} counter"][0]
    plan = await plan_migration(store, clock())
    assert (plan.writes, plan.malformed) == (0, [])
    item = to_item(record_type.samples(clock().date())[0])
    broken = {name: item[name] for name in ("PK", "SK", "version")}
    with pytest.raises(Malformed):
        record_type.read(broken)
    await store.backend.replace(record_type.table, [broken], [])
    assert (await findings(store, clock))["malformed items"] == (False, item["PK"])


async def test_an_item_of_no_type_that_is_declared_is_named(store: Store, clock: Clock) -> None:
    for table in (TableName.ORDERS, TableName.APPOINTMENTS):
        await store.backend.replace(table, [{"PK": "VOUCHER#1", "SK": "VOUCHER#1"}], [])
    assert (await findings(store, clock))["malformed items"] == (False, "VOUCHER#1, VOUCHER#1")


@every_type
def test_what_a_record_holds_of_a_person_is_hidden(clock: Clock, record_type: RecordType[Any]) -> None:
    for sample in record_type.samples(clock().date()):
        seen = json.dumps(mask_value(to_item(sample)), ensure_ascii=False, default=str)
        secrets = (record_type.name_of(sample), record_type.email_of(sample).lower(), record_type.dni_of(sample))
        assert not [secret for secret in secrets if secret and secret in seen]


async def test_a_backup_brings_back_records_of_every_type(store: Store, clock: Clock, tmp_path: Path) -> None:
    await fill(store, clock().date())
    before = await digest(store)
    await backup(store, tmp_path / "backup", clock())
    for record_type in record_types():
        for sample in record_type.samples(clock().date()):
            await store.commit(Change(await store.record(record_type, sample.id), None))
    assert await digest(store) != before
    await restore(store, tmp_path / "backup")
    assert await digest(store) == before


# What no declaration may be.


@holds_personal_data
@dataclass(frozen=True, slots=True)
class Voucher(Record):
    customer_name: Annotated[str, Personal.NAME]
    customer_email: Annotated[str, Personal.TEXT]
    gift: str


VOUCHERS = RecordType(
    Voucher,
    TableName.ORDERS,
    by_email=ORDERS.by_email,
    name="customer_name",
    email="customer_email",
    public=frozenset({"gift"}),
    to_fields=lambda voucher: {"customerName": voucher.customer_name, "gift": voucher.gift},
    from_item=lambda item: Voucher(item["id"], item["customerName"], item["customerEmail"], item["gift"]),
    spoken="ese vale",
    ask="¿Me decís tu nombre completo?",
)


@pytest.fixture
def _undone(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in ("_declared", "TABLES"):
        monkeypatch.setattr(records, registry, dict(getattr(records, registry)))


@pytest.mark.usefixtures("_undone")
def test_a_type_brings_its_indexes_to_its_table() -> None:
    before = records.TABLES[TableName.ORDERS].indexes
    declare(replace(VOUCHERS, indexes=(Index("GiftIndex", "gift", "createdAt"),)))
    assert VOUCHERS.kind in {each.kind for each in record_types()}
    assert records.TABLES[TableName.ORDERS].indexes == (*before, Index("GiftIndex", "gift", "createdAt"))


@pytest.mark.usefixtures("_undone")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"public": frozenset()}, r"Voucher\.gift: mark it as personal, or say that it is public"),
        ({"name": "gift"}, r"Voucher\.gift is not marked"),
        ({"email": "customer_name"}, r"Voucher\.customer_name is not marked"),
        ({"table": TableName.CALLS}, "calls is for calls"),
        ({"by_email": Index("CustomerEmailIndex", "email", "createdAt")}, "orders has another CustomerEmailIndex"),
    ],
)
def test_a_declaration_that_does_not_hold_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        declare(replace(VOUCHERS, **change))
    assert VOUCHERS.kind not in {each.kind for each in record_types()}


def test_two_types_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match=r"data\.models\.Order is declared already"):
        declare(replace(ORDERS))


async def test_a_record_that_nobody_has_declared_is_not_kept(store: Store) -> None:
    with pytest.raises(TypeError, match="Voucher is not declared"):
        await store.commit(Change(None, Voucher("1", "Ana Paz", "ana@email.com", "libro")))


@pytest.mark.usefixtures("_undone")
async def test_a_record_that_erasure_would_not_find_is_not_kept(store: Store) -> None:
    declare(VOUCHERS)
    with pytest.raises(TypeError, match="voucher without createdAt is not in CustomerEmailIndex"):
        await store.commit(Change(None, Voucher("1", "Ana Paz", "ana@email.com", "libro")))
