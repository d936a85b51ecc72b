"""What a store promises, on both backends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.times import BUENOS_AIRES, Clock
from data.backends.base import Put
from data.errors import Conflict, DataError, Malformed, SlotTaken
from data.kept_facts import UNTOLD
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
from data.operators.seed import seed
from data.records import to_item
from data.rules import cancel_appointment, cancel_order, create, free_times, move_appointment
from data.samples import sample_appointments, sample_orders
from data.store import Change, IdempotencyRecord, Store
from data.tables import TableName
from tests.support.legacy_calls import legacy_call_item

DOCTOR = "Dra. Ana López"
NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)


def an_order(order_id: str = "1", **fields: object) -> Order:
    order = Order(
        id=order_id,
        customer_name="María González",
        customer_email="maria@email.com",
        items=(OrderItem("Mouse", 2, 2999, "Óptico", "1"), OrderItem("Cable", 1, 1250)),
        status=OrderStatus.PENDING,
        created_at=NOON,
        updated_at=NOON,
        estimated_delivery=NOON + timedelta(days=5),
        tracking_number="TRK1",
        dni="28456789",
    )
    return replace(order, **fields)  # type: ignore[arg-type]


def an_appointment(appointment_id: str = "1", **fields: object) -> Appointment:
    appointment = Appointment(
        id=appointment_id,
        patient_name="María González",
        patient_email="maria@email.com",
        doctor_name=DOCTOR,
        start=NOON,
        duration=30,
        notes="Control",
    )
    return replace(appointment, **fields)  # type: ignore[arg-type]


def a_receipt(tool_use_id: str = "use-1", call_id: str = "call-1") -> IdempotencyRecord:
    return IdempotencyRecord(
        call_id, tool_use_id, f"tool:{tool_use_id}", {"success": True, "message": f"hecho {tool_use_id}"}
    )


async def added[R: (Order, Appointment)](store: Store, record: R) -> R:
    await store.commit(Change(None, record))
    return replace(record, version=1)


async def settled[T](*work: Awaitable[T]) -> tuple[list[T], list[DataError]]:
    """All of it at once: what succeeded, and the store's refusals. Anything else is raised."""
    results = await asyncio.gather(*work, return_exceptions=True)
    refusals = [result for result in results if isinstance(result, DataError)]
    done = [result for result in results if not isinstance(result, BaseException)]
    assert len(done) + len(refusals) == len(results), results
    return done, refusals


async def test_an_order_comes_back_as_it_was_written(store: Store) -> None:
    order = await added(store, an_order())
    assert await store.order("1") == order


async def test_an_order_without_its_optional_fields_comes_back_as_it_was_written(store: Store) -> None:
    bare = an_order(estimated_delivery=None, tracking_number=None, dni=None)
    assert await store.order("1") is None
    assert await added(store, bare) == await store.order("1")


async def test_an_appointment_comes_back_as_it_was_written(store: Store) -> None:
    appointment = await added(store, an_appointment())
    assert await store.appointment("1") == appointment


async def test_items_keep_the_original_format(store: Store) -> None:
    await added(store, an_order())
    await added(store, an_appointment())
    order = await store.backend.get(TableName.ORDERS, "ORDER#1", "ORDER#1")
    appointment = await store.backend.get(TableName.APPOINTMENTS, "APPOINTMENT#1", "APPOINTMENT#1")
    assert order is not None
    assert appointment is not None
    assert (order["customerName"], order["status"], float(order["total"])) == ("María González", "pending", 72.48)
    assert float(order["items"][0]["price"]) == 29.99
    assert order["createdAt"] == "2026-11-24T15:00:00.000Z"
    assert (appointment["date"], appointment["duration"]) == ("2026-11-24T15:00:00.000Z", 30)


async def test_a_taken_id_is_a_conflict_and_nothing_is_overwritten(store: Store) -> None:
    await added(store, an_order())
    with pytest.raises(Conflict):
        await store.commit(Change(None, an_order(customer_name="Otro Cliente")))
    assert (await store.order("1")) == an_order(version=1)


async def test_a_change_of_a_stale_record_is_a_conflict(store: Store) -> None:
    order = await added(store, an_order())
    await store.commit(Change(order, replace(order, tracking_number="TRK2")))
    with pytest.raises(Conflict):
        await store.commit(Change(order, replace(order, tracking_number="TRK3")))
    found = await store.order("1")
    assert found is not None
    assert (found.tracking_number, found.version) == ("TRK2", 2)


async def test_a_record_without_a_version_can_be_changed_once(store: Store) -> None:
    item = {name: value for name, value in to_item(an_order()).items() if name != "version"}
    await store.backend.replace(TableName.ORDERS, [item], [])
    order = await store.order("1")
    assert order is not None
    await store.commit(Change(order, replace(order, dni="28456789")))
    with pytest.raises(Conflict):
        await store.commit(Change(order, replace(order, dni="99999999")))


async def test_a_deleted_record_is_gone_and_its_time_is_free(store: Store) -> None:
    appointment = await added(store, an_appointment())
    await store.commit(Change(appointment, None))
    assert await store.appointment("1") is None
    await store.commit(Change(None, an_appointment("2")))


async def test_deleting_a_stale_record_is_a_conflict(store: Store) -> None:
    order = await added(store, an_order())
    await store.commit(Change(order, replace(order, dni=None)))
    with pytest.raises(Conflict):
        await store.commit(Change(order, None))


async def test_a_malformed_item_is_not_read_as_a_record(store: Store) -> None:
    await store.backend.replace(TableName.ORDERS, [{"PK": "ORDER#1", "SK": "ORDER#1", "id": "1"}], [])
    with pytest.raises(Malformed):
        await store.order("1")


async def test_a_malformed_item_does_not_hide_the_others_in_a_list(store: Store) -> None:
    await added(store, an_order("1"))
    await added(store, an_appointment("1"))
    odd = {"status": "pending", "createdAt": "2026-11-24T15:00:00.000Z", "customerEmail": "maria@email.com"}
    await store.backend.replace(TableName.ORDERS, [odd | {"PK": "ORDER#2", "SK": "ORDER#2"}], [])
    odd = {"status": "scheduled", "patientEmail": "maria@email.com"}
    await store.backend.replace(TableName.APPOINTMENTS, [odd | {"PK": "APPOINTMENT#2", "SK": "x"}], [])
    assert [order.id for order in (await store.orders()).items] == ["1"]
    assert [order.id for order in (await store.orders(email="maria@email.com")).items] == ["1"]
    assert [appointment.id for appointment in (await store.appointments()).items] == ["1"]


async def test_a_malformed_item_does_not_end_the_pages(store: Store) -> None:
    for number in range(1, 6):
        await added(store, an_order(str(number), created_at=NOON + timedelta(minutes=number)))
    odd = {"PK": "ORDER#9", "SK": "ORDER#9", "status": "pending", "createdAt": "2026-11-24T15:04:30.000Z"}
    await store.backend.replace(TableName.ORDERS, [odd], [])
    first = await store.orders(limit=2)
    rest = await store.orders(limit=5, after=first.next)
    assert [order.id for order in (*first.items, *rest.items)] == ["5", "4", "3", "2", "1"]


async def test_the_same_tool_use_is_done_once_and_answered_alike(store: Store) -> None:
    order = await added(store, an_order())
    change = Change(order, replace(order, status=OrderStatus.CANCELLED))
    first = await store.commit(change, a_receipt())
    again = await store.commit(change, replace(a_receipt(), result={"success": True, "message": "otra vez"}))
    assert first == again == a_receipt()
    found = await store.order("1")
    assert found is not None
    assert found.version == 2


async def test_the_same_intent_under_another_tool_use_is_done_once(store: Store) -> None:
    first = await store.commit(Change(None, an_order("1")), a_receipt())
    again = await store.commit(Change(None, an_order("2")), replace(a_receipt(), tool_use_id="use-2"))
    assert first == again == a_receipt()
    assert await store.order("2") is None


async def test_a_receipt_is_written_only_with_its_change(store: Store) -> None:
    await added(store, an_order())
    with pytest.raises(Conflict):
        await store.commit(Change(None, an_order()), a_receipt())
    assert await store.idempotency("call-1", "use-1") is None


async def test_a_call_lists_its_own_receipts(store: Store) -> None:
    for number in ("1", "2"):
        await store.commit(Change(None, an_order(number)), a_receipt(f"use-{number}"))
    await store.commit(Change(None, an_order("3")), a_receipt("use-3", "call-2"))
    assert await store.receipts("call-1") == (a_receipt("use-1"), a_receipt("use-2"))


async def test_a_receipt_expires(store: Store, clock: Clock) -> None:
    await store.commit(Change(None, an_order()), a_receipt())
    clock.advance(days=8)  # type: ignore[attr-defined]
    assert await store.idempotency("call-1", "use-1") is None
    assert await store.receipts("call-1") == ()


async def test_ids_count_up_and_pass_over_what_is_raised(store: Store) -> None:
    assert [await store.next_id(Order) for _ in range(2)] == ["1", "2"]
    await store.raise_counter(Order, 7)
    await store.raise_counter(Order, 3)
    assert await store.next_id(Order) == "8"
    assert await store.next_id(Appointment) == "1"


async def test_fifty_ids_at_once_are_fifty_ids(store: Store) -> None:
    ids = await asyncio.gather(*(store.next_id(Order) for _ in range(50)))
    assert sorted(map(int, ids)) == list(range(1, 51))


async def test_a_new_record_passes_over_ids_that_are_taken(store: Store) -> None:
    await added(store, an_order("1"))
    await added(store, an_order("2"))
    record, idempotency = await create(store, Order, lambda id_: (an_order(id_), a_receipt()))
    assert (record.id, idempotency) == ("3", a_receipt())


@pytest.mark.parametrize("start_minutes", [-25, -5, 0, 5, 25])
async def test_an_overlapping_booking_is_refused(store: Store, start_minutes: int) -> None:
    await added(store, an_appointment())
    with pytest.raises(SlotTaken):
        await store.commit(Change(None, an_appointment("2", start=NOON + timedelta(minutes=start_minutes))))
    assert await store.appointment("2") is None


@pytest.mark.parametrize("start_minutes", [-30, 30])
async def test_bookings_may_touch(store: Store, start_minutes: int) -> None:
    await added(store, an_appointment())
    await store.commit(Change(None, an_appointment("2", start=NOON + timedelta(minutes=start_minutes))))


async def test_another_doctor_has_time_of_their_own(store: Store) -> None:
    await added(store, an_appointment())
    await store.commit(Change(None, an_appointment("2", doctor_name="Dr. Carlos Rodríguez")))


async def test_a_doctor_is_the_same_however_the_name_is_written(store: Store) -> None:
    await added(store, an_appointment())
    with pytest.raises(SlotTaken):
        await store.commit(Change(None, an_appointment("2", doctor_name="doctora LOPEZ, ana")))


async def test_cancelling_an_appointment_frees_its_time(store: Store) -> None:
    appointment = await added(store, an_appointment())
    await store.commit(cancel_appointment(appointment))
    await store.commit(Change(None, an_appointment("2")))


async def test_moving_frees_the_old_time_and_takes_the_new(store: Store, clock: Clock) -> None:
    appointment = await added(store, an_appointment())
    await store.commit(move_appointment(appointment, NOON + timedelta(hours=1), clock(), UNTOLD))
    await store.commit(Change(None, an_appointment("2")))
    with pytest.raises(SlotTaken):
        await store.commit(Change(None, an_appointment("3", start=NOON + timedelta(hours=1))))


async def test_moving_by_less_than_its_length_keeps_what_it_has(store: Store, clock: Clock) -> None:
    appointment = await added(store, an_appointment(duration=60))
    await store.commit(move_appointment(appointment, NOON + timedelta(minutes=15), clock(), UNTOLD))
    busy = await store.busy(DOCTOR, NOON, NOON + timedelta(hours=3))
    assert min(busy) == NOON + timedelta(minutes=15)
    assert len(busy) == 12
    assert set(busy.values()) == {"1"}


async def test_a_refused_move_leaves_everything_as_it_was(store: Store, clock: Clock) -> None:
    appointment = await added(store, an_appointment())
    await added(store, an_appointment("2", start=NOON + timedelta(hours=1)))
    with pytest.raises(SlotTaken):
        await store.commit(move_appointment(appointment, NOON + timedelta(hours=1, minutes=10), clock(), UNTOLD))
    assert await store.appointment("1") == appointment
    assert len(await store.busy(DOCTOR, NOON, NOON + timedelta(hours=3))) == 12


async def test_the_longest_move_fits_one_transaction(store: Store, clock: Clock) -> None:
    appointment = await added(store, an_appointment(duration=120))
    await store.commit(move_appointment(appointment, NOON + timedelta(hours=3), clock(), UNTOLD))
    assert len(await store.busy(DOCTOR, NOON, NOON + timedelta(hours=8))) == 24


async def test_free_times_pass_over_what_is_taken(store: Store, clock: Clock) -> None:
    await added(store, an_appointment())
    free = await free_times(store, DOCTOR, NOON, 60, clock())
    assert free == [NOON + timedelta(minutes=minutes) for minutes in (30, 60, 90)]


async def test_free_times_end_with_the_day_and_go_on_with_the_next(store: Store, clock: Clock) -> None:
    evening = NOON.replace(hour=19)
    free = await free_times(store, DOCTOR, evening, 60, clock())
    assert free == [evening, *(NOON.replace(day=25, hour=8) + timedelta(minutes=m) for m in (0, 30))]


async def test_fifty_bookings_of_one_time_sell_it_once(store: Store) -> None:
    done, refusals = await settled(
        *(
            store.commit(Change(None, an_appointment(str(number))), a_receipt(f"use-{number}"))
            for number in range(1, 51)
        )
    )
    assert len(done) == 1
    assert all(isinstance(refusal, SlotTaken) for refusal in refusals)
    assert len(await store.receipts("call-1")) == 1
    assert set((await store.busy(DOCTOR, NOON, NOON + timedelta(hours=1))).values()) == {
        idempotency.tool_use_id.removeprefix("use-") for idempotency in done if idempotency
    }


async def test_fifty_cancellations_of_one_order_change_it_once(store: Store) -> None:
    order = await added(store, an_order())
    done, refusals = await settled(
        *(store.commit(cancel_order(order, NOON), a_receipt(f"use-{number}")) for number in range(50))
    )
    assert len(done) == 1
    assert all(isinstance(refusal, Conflict) for refusal in refusals)
    found = await store.order("1")
    assert found is not None
    assert (found.status, found.version) == (OrderStatus.CANCELLED, 2)


async def test_fifty_retries_of_one_tool_use_all_get_its_answer(store: Store) -> None:
    answers = await asyncio.gather(
        *(
            create(store, Order, lambda id_: (an_order(id_), replace(a_receipt(), result={"orderId": id_})))
            for _ in range(50)
        )
    )
    ids = {str(idempotency.result["orderId"]) for _, idempotency in answers if idempotency}
    assert len(ids) == 1
    assert [order.id for order in (await store.orders()).items] == list(ids)


async def test_orders_are_listed_newest_first_in_pages(store: Store) -> None:
    orders = [an_order(str(n), created_at=NOON + timedelta(minutes=n // 3)) for n in range(1, 11)]
    for number, order in enumerate(orders):
        await added(store, replace(order, status=list(OrderStatus)[number % 5]))
    whole = [order.id for order in (await store.orders()).items]
    paged: list[str] = []
    cursor = None
    while True:
        page = await store.orders(limit=3, after=cursor)
        paged += [order.id for order in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert paged == whole
    assert len(set(whole)) == 10
    times = [orders[int(number) - 1].created_at for number in whole]
    assert times == sorted(times, reverse=True)


async def test_many_orders_of_one_instant_do_not_stop_the_pages(store: Store) -> None:
    for number in range(1, 8):
        await added(store, an_order(str(number)))
    first = await store.orders(limit=2)
    second = await store.orders(limit=2, after=first.next)
    third = await store.orders(limit=5, after=second.next)
    seen = [order.id for page in (first, second, third) for order in page.items]
    assert sorted(seen) == [str(number) for number in range(1, 8)]
    assert third.next is None


async def test_orders_are_found_by_status_and_by_email(store: Store) -> None:
    await added(store, an_order("1"))
    await added(store, an_order("2", status=OrderStatus.SHIPPED))
    await added(store, an_order("3", customer_email="otro@email.com"))
    assert [order.id for order in (await store.orders(status=OrderStatus.SHIPPED)).items] == ["2"]
    by_email = await store.orders(email="maria@email.com")
    assert sorted(order.id for order in by_email.items) == ["1", "2"]
    both = await store.orders(email="maria@email.com", status=OrderStatus.PENDING)
    assert [order.id for order in both.items] == ["1"]


async def test_orders_are_found_by_when_they_were_made_page_by_page(store: Store) -> None:
    for number in range(1, 9):
        await added(store, an_order(str(number), created_at=NOON + timedelta(days=number)))
    span: dict[str, Any] = {"since": NOON + timedelta(days=3), "until": NOON + timedelta(days=7)}
    assert [order.id for order in (await store.orders(**span)).items] == ["6", "5", "4", "3"], "the end is excluded"
    first = await store.orders(**span, limit=3)
    rest = await store.orders(**span, limit=3, after=first.next)
    assert [order.id for page in (first, rest) for order in page.items] == ["6", "5", "4", "3"]
    mine = await store.orders(email="maria@email.com", **span)
    assert [order.id for order in mine.items] == ["6", "5", "4", "3"]


async def test_a_cursor_of_another_making_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await store.orders(after="nonsense", limit=1)


async def test_appointments_are_found_by_doctor_day_patient_and_status(store: Store) -> None:
    tomorrow = NOON + timedelta(days=1)
    await added(store, an_appointment("1"))
    await added(store, an_appointment("2", start=tomorrow))
    await added(store, an_appointment("3", doctor_name="Dr. Roberto Mendoza", patient_email="o@email.com"))
    await added(store, an_appointment("4", start=tomorrow, status=AppointmentStatus.CANCELLED))

    async def ids(**filters: object) -> list[str]:
        page = await store.appointments(**filters)  # type: ignore[arg-type]
        return [appointment.id for appointment in page.items]

    assert await ids() == ["1", "3", "2", "4"]
    assert await ids(doctor=DOCTOR) == ["1", "2", "4"]
    assert await ids(doctor=DOCTOR, since=tomorrow) == ["2", "4"]
    assert await ids(doctor=DOCTOR, until=tomorrow) == ["1"]
    assert await ids(since=NOON, until=tomorrow) == ["1", "3"]
    assert await ids(email="o@email.com") == ["3"]
    assert await ids(status=AppointmentStatus.CANCELLED) == ["4"]
    assert await ids(doctor=DOCTOR, email="maria@email.com", status=AppointmentStatus.SCHEDULED) == ["1", "2"]


async def test_appointments_come_in_pages(store: Store) -> None:
    for number in range(1, 6):
        await added(store, an_appointment(str(number), start=NOON + timedelta(hours=number)))
    first = await store.appointments(limit=3)
    rest = await store.appointments(limit=3, after=first.next)
    assert [a.id for a in (*first.items, *rest.items)] == ["1", "2", "3", "4", "5"]
    assert rest.next is None


async def test_doctors_are_listed_once_each(store: Store) -> None:
    for name in ("Dra. Ana López", "Dr. Roberto Mendoza", "Dra. Ana López"):
        await store.add_doctor(name)
    assert await store.doctors() == ("Dr. Roberto Mendoza", "Dra. Ana López")


async def test_a_call_record_comes_back_as_it_was_written_and_can_grow(store: Store) -> None:
    call = CallRecord("CA1", Line.PHONE, NOON, caller_number="+541155550000")
    await store.save_call(call)
    assert await store.call("CA1") == call
    grown = replace(
        call,
        ended_at=NOON + timedelta(minutes=2),
        outcome="completed",
        turns=(Turn("caller", "¿Dónde está mi pedido?", NOON), Turn("carlos", "Está", NOON, True, 420)),
        tools=(ToolCall("consultarOrder", "use-1", True, 12, NOON, {"orderId": "1"}, {"success": True}),),
        interruptions=1,
        details={"usage": {"input": 1200}},
    )
    await store.save_call(grown)
    assert await store.call("CA1") == grown


async def test_writers_of_one_call_record_lose_nothing_of_each_others(store: Store) -> None:
    ours = await store.save_call(CallRecord("CA1", Line.PHONE, NOON, details={"process": "a"}))

    def with_note(record: CallRecord) -> CallRecord:
        return replace(record, details={**record.details, "note": 1})

    assert await store.amend_call("CA1", with_note) == with_note(ours)
    ended = replace(ours, ended_at=NOON, outcome="completed", details={"process": "a", "usage": {}})
    kept = await store.save_call(ended)
    assert kept == await store.call("CA1") == replace(ended, details={"process": "a", "usage": {}, "note": 1})
    assert (kept.version, await store.amend_call("CA2", with_note)) == (3, None)


async def test_many_amend_one_call_record_at_once(store: Store) -> None:
    await store.save_call(CallRecord("CA1", Line.PHONE, NOON))
    notes = {f"n{number}": number for number in range(4)}

    def with_(name: str) -> Callable[[CallRecord], CallRecord]:
        return lambda record: replace(record, details={**record.details, name: notes[name]})

    await asyncio.gather(*(store.amend_call("CA1", with_(name)) for name in notes))
    record = await store.call("CA1")
    assert record is not None
    assert record.details == notes


async def test_a_call_record_without_a_version_can_be_merged_with(store: Store) -> None:
    """As it was written before there were any."""
    item = legacy_call_item(CallRecord("CA1", Line.PHONE, NOON, details={"old": 1}))
    del item["version"]
    await store.backend.transact([Put(TableName.CALLS, item)])
    await store.save_call(CallRecord("CA1", Line.PHONE, NOON, details={"new": 2}))
    record = await store.call("CA1")
    assert record is not None
    assert (record.details, record.version) == ({"old": 1, "new": 2}, 1)


async def test_the_story_of_the_later_part_of_a_call_stands(store: Store) -> None:
    later = CallRecord("CA1", Line.PHONE, NOON, details={"resumed": 1})
    await store.save_call(CallRecord("CA1", Line.PHONE, NOON, ended_at=NOON, outcome="drained"))
    await store.save_call(later)
    assert await store.call("CA1") == later
    await store.save_call(CallRecord("CA1", Line.PHONE, NOON, ended_at=NOON, outcome="drained", details={"a": 1}))
    assert await store.call("CA1") == replace(later, details={"resumed": 1, "a": 1})


async def test_calls_are_listed_newest_first_in_pages(store: Store) -> None:
    for number in range(5):
        await store.save_call(CallRecord(f"CA{number}", Line.BROWSER, NOON + timedelta(minutes=number)))
    first = await store.calls(limit=2)
    rest = await store.calls(limit=9, after=first.next)
    assert [call.id for call in (*first.items, *rest.items)] == ["CA4", "CA3", "CA2", "CA1", "CA0"]


async def test_a_call_record_expires(store: Store, clock: Clock) -> None:
    await store.save_call(CallRecord("CA1", Line.PHONE, clock()))
    clock.advance(days=91)  # type: ignore[attr-defined]
    assert await store.call("CA1") is None
    assert (await store.calls()).items == ()


async def test_a_calls_state_is_kept_for_a_while(store: Store, clock: Clock) -> None:
    state = {"proven": ["order 1"], "conversation": [["USER", "¿Hola?"]]}
    await store.save_call(CallRecord("CA1", Line.PHONE, clock()), state)
    assert await store.recall("CA1") == state
    assert await store.recall("CA2") is None
    clock.advance(hours=3)  # type: ignore[attr-defined]
    assert await store.recall("CA1") is None


async def test_a_calls_state_is_kept_with_its_record_until_it_is_forgotten(store: Store, clock: Clock) -> None:
    record = CallRecord("CA1", Line.PHONE, clock())
    await store.save_call(record, {"proven": ["order 1"]})
    await store.save_call(record)
    assert await store.recall("CA1") == {"proven": ["order 1"]}
    await store.forget("CA1")
    await store.forget("CA1")
    assert await store.recall("CA1") is None
    assert await store.call("CA1") == record


async def test_fifty_spend_one_nonce_and_one_succeeds(store: Store, clock: Clock) -> None:
    expires = clock() + timedelta(minutes=1)
    spent = await asyncio.gather(*(store.consume_nonce("token", expires) for _ in range(50)))
    assert spent.count(True) == 1
    assert await store.consume_nonce("another", expires)


async def test_failures_are_counted_and_age(store: Store, clock: Clock) -> None:
    window = timedelta(minutes=15)
    assert [await store.record_failure("+541155550000", window) for _ in range(3)] == [1, 2, 3]
    assert await store.record_failure("+541155550001", window) == 1
    assert await store.record_failure("+541155550000", window, -1) == 2
    clock.advance(minutes=15)  # type: ignore[attr-defined]
    assert await store.failure_count("+541155550000", window) == 2
    clock.advance(minutes=15)  # type: ignore[attr-defined]
    assert await store.failure_count("+541155550000", window) == 0


async def test_fifty_failures_at_once_are_fifty(store: Store) -> None:
    await asyncio.gather(*(store.record_failure("someone", timedelta(hours=1)) for _ in range(50)))
    assert await store.failure_count("someone", timedelta(hours=1)) == 50


async def test_no_phone_number_is_written_in_clear(store: Store) -> None:
    await store.record_failure("+541155550000", timedelta(hours=1))
    items = [item async for page in store.backend.scan(TableName.CALLS) for item in page]
    assert items
    assert "541155550000" not in str(items)


async def test_seeding_adds_everything_once(store: Store, clock: Clock) -> None:
    today = clock().date()
    first, again = await seed(store, today), await seed(store, today)
    assert (first.added, first.kept) == (15, 0)
    assert (again.added, again.kept) == (0, 15)
    orders: Sequence[Order] = sorted((await store.orders()).items, key=lambda order: order.id)
    assert [replace(order, version=0) for order in orders] == list(sample_orders(today))
    assert {replace(a, version=0) for a in (await store.appointments()).items} == set(sample_appointments(today))
    assert len(await store.doctors()) == 4


async def test_seeding_overwrites_nothing_and_keeps_its_ids_for_itself(store: Store, clock: Clock) -> None:
    theirs = await added(store, an_order("3"))
    report = await seed(store, clock().date())
    assert (report.added, report.kept) == (14, 1)
    assert await store.order("3") == theirs
    assert await store.next_id(Order) == "8"
    assert await store.next_id(Appointment) == "9"


async def test_every_item_is_scanned_once(store: Store) -> None:
    items = [{"PK": f"P{n}", "SK": f"S{n % 3}", "n": n} for n in range(450)]
    await store.backend.replace(TableName.CALLS, items, [])
    seen = [item async for page in store.backend.scan(TableName.CALLS) for item in page]
    assert sorted(item["n"] for item in seen) == list(range(450))


async def test_items_are_replaced_and_deleted(store: Store) -> None:
    await store.backend.transact([Put(TableName.CALLS, {"PK": "a", "SK": "b", "n": 1})])
    await store.backend.replace(TableName.CALLS, [{"PK": "c", "SK": "d", "n": 2}], [("a", "b")])
    seen = [item async for page in store.backend.scan(TableName.CALLS) for item in page]
    assert seen == [{"PK": "c", "SK": "d", "n": 2}]


async def test_a_healthy_store_checks_out(store: Store) -> None:
    assert set((await store.backend.check()).values()) == {"ok"}
