"""The original's seven tools as a call uses them, on both stores; what holds for any tool is in test_tool_contract."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from common.times import BUENOS_AIRES, Clock
from data.errors import Unavailable
from data.models import AppointmentStatus, AppointmentType, Order, OrderStatus
from data.records import RecordType
from data.store import Change, IdempotencyRecord, Store
from tests.tools.caller import Call

BOOKING: dict[str, Any] = {
    "patientName": "Juan Pérez",
    "patientEmail": "juan@email.com",
    "doctorName": "doctora López",
    "date": "mañana a las 10",
}
PURCHASE: dict[str, Any] = {
    "customerName": "Juan Pérez",
    "customerEmail": "juan@email.com",
    "items": [{"name": "Mouse", "quantity": 2, "price": 29.99}, {"name": "Cable", "price": "12,99"}],
}


async def test_an_order_is_told_to_its_holder_in_the_originals_fields(call: Call) -> None:
    result = await call.use("consultarOrder", orderId="1", dni="28456789")
    order = result["order"]
    assert result["success"] is True
    assert set(order) == {
        "id", "customerName", "customerEmail", "total", "status", "createdAt", "estimatedDelivery",
        "trackingNumber", "items",
    }  # fmt: skip
    assert (order["id"], order["status"], order["total"]) == ("1", "pending", 959.97)
    assert order["estimatedDelivery"] == "2026-11-24T00:00:00-03:00"
    assert "martes 24 de noviembre" in result["message"]


async def test_an_appointment_is_told_to_its_patient_in_the_originals_fields(call: Call) -> None:
    result = await call.use("consultarTurno", appointmentId="1", patientName="gonzález maría")
    assert set(result["appointment"]) == {
        "id", "patientName", "patientEmail", "doctorName", "date", "status", "type", "duration",
    }  # fmt: skip
    assert result["appointment"]["date"] == "2026-11-25T10:00:00-03:00"


@pytest.mark.parametrize("said", ["1", "pedido 1", "#001", "uno", "１", 1, 1.0, "el pedido número uno", "ORDER#1"])
async def test_an_order_number_is_understood_however_it_is_said(call: Call, said: object) -> None:
    assert (await call.use("consultarOrder", orderId=said, dni=28456789))["success"] is True


async def test_the_originals_other_spellings_are_understood(call: Call) -> None:
    assert (await call.use("CONSULTARORDER", order_id="1", dni="28456789"))["success"] is True
    assert (await call.use("consultarTurno", appointment_id="1", patientName="María González"))["success"] is True


async def test_an_order_is_cancelled_after_the_callers_yes(call: Call, seeded: Store) -> None:
    proposed = await call.use("cancelarOrder", orderId="1", dni="28456789")
    assert proposed["success"] is False
    assert proposed["confirmation_required"] is True
    assert "pedido 1" in proposed["proposal"]
    assert await status(seeded, "1") is OrderStatus.PENDING
    call.box.caller_spoke("Sí")
    done = await call.use("cancelarOrder", orderId="pedido uno", customerName="María González")
    assert done.items() >= {"success": True, "message": "Pedido #1 cancelado exitosamente", "orderId": "1"}.items()
    assert (done["speak"], done["next"]) == ("Listo, cancelé el pedido 1.", "Preguntale si necesita algo más.")
    assert await status(seeded, "1") is OrderStatus.CANCELLED


async def test_without_a_turn_of_the_caller_nothing_is_carried_out(call: Call, seeded: Store) -> None:
    for _ in range(3):
        result = await call.use("cancelarOrder", orderId="1", dni="28456789")
        assert result.get("confirmation_required")
    assert await status(seeded, "1") is OrderStatus.PENDING


async def test_a_yes_answers_the_last_proposal_only(call: Call, seeded: Store) -> None:
    await call.use("cancelarOrder", orderId="1", dni="28456789")
    await call.use("cancelarOrder", orderId="2", dni="31204578")
    call.box.caller_spoke("Sí")
    assert (await call.use("cancelarOrder", orderId="1", dni="28456789")).get("confirmation_required")
    assert await status(seeded, "1") is OrderStatus.PENDING


async def test_a_proposal_dies_after_two_minutes(call: Call, seeded: Store, clock: Clock) -> None:
    await call.use("cancelarOrder", orderId="1", dni="28456789")
    clock.advance(seconds=121)  # type: ignore[attr-defined]
    call.box.caller_spoke("Sí")
    assert (await call.use("cancelarOrder", orderId="1", dni="28456789")).get("confirmation_required")
    assert await status(seeded, "1") is OrderStatus.PENDING


async def test_a_proposal_dies_with_the_call(seeded: Store, clock: Clock) -> None:
    first = Call(seeded, clock)
    await first.use("cancelarOrder", orderId="1", dni="28456789")
    second = Call(seeded, clock)
    second.box.caller_spoke("Sí")
    assert (await second.use("cancelarOrder", orderId="1", dni="28456789")).get("confirmation_required")


async def test_looking_something_up_in_between_keeps_the_proposal(call: Call, seeded: Store) -> None:
    await call.use("cancelarOrder", orderId="1", dni="28456789")
    call.box.caller_spoke("Sí")
    await call.use("consultarOrder", orderId="1", dni="28456789")
    assert (await call.use("cancelarOrder", orderId="1", dni="28456789"))["success"] is True
    assert await status(seeded, "1") is OrderStatus.CANCELLED


async def test_a_record_that_changed_meanwhile_is_proposed_again(call: Call, seeded: Store) -> None:
    start = {"appointmentId": "1", "patientName": "María González"}
    await call.use("cancelarTurno", **start)
    appointment = await seeded.appointment("1")
    assert appointment is not None
    await seeded.commit(Change(appointment, replace(appointment, status=AppointmentStatus.CONFIRMED)))
    call.box.caller_spoke("Sí")
    assert (await call.use("cancelarTurno", **start)).get("confirmation_required")


@pytest.mark.parametrize(
    ("order_id", "dni", "code"),
    [("3", "27893412", "order_shipped"), ("4", "33567120", "order_delivered"), ("5", "29781345", "order_cancelled")],
)
async def test_an_order_is_cancelled_only_before_it_is_sent(call: Call, order_id: str, dni: str, code: str) -> None:
    result = await call.use("cancelarOrder", orderId=order_id, dni=dni)
    assert result["code"] == code
    assert result["error"].startswith(f"El pedido {order_id} ya")


@pytest.mark.parametrize("tool", ["cancelarTurno", "modificarTurno"])
@pytest.mark.parametrize("was", [AppointmentStatus.CANCELLED, AppointmentStatus.COMPLETED])
async def test_only_a_coming_appointment_is_changed(
    call: Call, seeded: Store, tool: str, was: AppointmentStatus
) -> None:
    appointment = await seeded.appointment("1")
    assert appointment is not None
    await seeded.commit(Change(appointment, replace(appointment, status=was)))
    result = await call.use(tool, appointmentId="1", patientName="María González", newTime="15:00")
    assert result["code"] == f"appointment_{was}"
    assert result["error"].startswith("La cita 1 ya")


async def test_an_order_is_created_with_the_servers_total(call: Call, seeded: Store) -> None:
    done = await call.twice("crearOrder", total=1, **PURCHASE)
    assert (done["success"], done["orderId"], done["total"]) == (True, "8", 72.97)
    order = await seeded.order("8")
    assert order is not None
    assert (order.total_cents, order.status, order.customer_email) == (7297, OrderStatus.PENDING, "juan@email.com")
    assert done["estimatedDelivery"] == "2026-11-28T12:00:00-03:00"


async def test_a_second_order_like_the_first_is_created_only_knowingly(call: Call, seeded: Store) -> None:
    await call.twice("crearOrder", **PURCHASE)
    again = await call.use("crearOrder", **PURCHASE)
    assert "ya se creó el pedido 8" in again["proposal"]
    assert await seeded.order("9") is None
    call.box.caller_spoke("Sí")
    assert (await call.use("crearOrder", **PURCHASE))["orderId"] == "9"


async def test_an_appointment_is_booked_with_the_doctors_name_on_record(call: Call, seeded: Store) -> None:
    done = await call.twice("agendarTurno", **BOOKING, type="seguimiento", duration="45", notes="Rodilla")
    assert done == {
        "success": True,
        "message": "Cita #9 agendada exitosamente",
        "speak": "Listo, la cita 9 quedó para el martes 24 de noviembre a las 10:00 con Dra. Ana López.",
        "next": "Preguntale si necesita algo más.",
        "appointmentId": "9",
        "date": "2026-11-24T10:00:00-03:00",
        "doctorName": "Dra. Ana López",
    }
    appointment = await seeded.appointment("9")
    assert appointment is not None
    assert (appointment.type, appointment.duration, appointment.notes) == (AppointmentType.FOLLOW_UP, 45, "Rodilla")
    assert appointment.start == datetime(2026, 11, 24, 10, tzinfo=BUENOS_AIRES)


async def test_a_taken_time_is_answered_with_the_next_free_ones(call: Call) -> None:
    wanted = BOOKING | {"doctorName": "Rodríguez", "date": "2026-11-25T10:15"}
    result = await call.use("agendarTurno", **wanted)
    assert result["code"] == "slot_taken"
    assert result["alternatives"] == [f"2026-11-25T{time}:00-03:00" for time in ("10:30", "11:30", "12:00")]
    assert "10:30" in result["error"]


async def test_a_time_that_is_sold_while_the_caller_thinks_is_refused(call: Call, seeded: Store, clock: Clock) -> None:
    await call.use("agendarTurno", **BOOKING)
    rival = Call(seeded, clock, "CA2")
    await rival.twice("agendarTurno", **(BOOKING | {"patientName": "Otra Persona"}))
    call.box.caller_spoke("Sí")
    assert (await call.use("agendarTurno", **BOOKING))["code"] == "slot_taken"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"date": "2026-11-20T10:00"}, "past_date"),
        ({"date": "hoy a las 12:05"}, "past_date"),
        ({"date": "2028-01-10T10:00"}, "too_far"),
        ({"date": "mañana a las 21:00"}, "closed"),
        ({"date": "mañana a las 19:45"}, "closed"),
        ({"date": "mañana a las 07:55"}, "closed"),
        ({"date": "mañana a las 10:03"}, "off_grid"),
        ({"date": "2026-02-30T10:00"}, "no_such_date"),
        ({"date": "mañana a las 25:00"}, "no_such_date"),
        ({"date": "un día de estos"}, "date_unclear"),
        ({"date": "mañana"}, "time_needed"),
        ({"duration": 5}, "bad_duration"),
        ({"duration": 125}, "bad_duration"),
        ({"duration": 33}, "bad_duration"),
        ({"duration": "mucho"}, "duration_needed"),
        ({"type": "cirugía"}, "type_needed"),
        ({"doctorName": "House"}, "unknown_doctor"),
        ({"doctorName": "doctora"}, "unknown_doctor"),
        ({"patientName": "Juan"}, "patient_name_needed"),
        ({"patientEmail": "juan"}, "patient_email_needed"),
        ({"notes": "x" * 301}, "notes_needed"),
    ],
)
async def test_an_impossible_booking_is_refused(call: Call, seeded: Store, change: dict[str, Any], code: str) -> None:
    result = await call.use("agendarTurno", **(BOOKING | change))
    assert result["code"] == code
    assert result["success"] is False
    assert await seeded.appointment("9") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"items": []}, "items_needed"),
        ({"items": "nada"}, "items_needed"),
        ({"items": [{"quantity": 1}]}, "items_needed"),
        ({"items": [{"name": "Mouse", "quantity": 0}]}, "items_needed"),
        ({"items": [{"name": "Mouse", "quantity": 101}]}, "items_needed"),
        ({"items": [{"name": "Mouse", "price": -1}]}, "items_needed"),
        ({"items": [{"name": "Mouse", "price": "1e999"}]}, "items_needed"),
        ({"items": [{"name": "Mouse"}] * 21}, "items_needed"),
        ({"customerEmail": "juan@"}, "customer_email_needed"),
        ({"customerName": ""}, "customer_name_needed"),
    ],
)
async def test_an_impossible_order_is_asked_about(call: Call, seeded: Store, change: dict[str, Any], code: str) -> None:
    result = await call.use("crearOrder", **(PURCHASE | change))
    assert result["code"] == code
    assert result["question"]
    assert await seeded.order("8") is None


@pytest.mark.parametrize(
    ("change", "moved_to"),
    [
        ({"newDate": "viernes"}, "2026-11-27T10:00:00-03:00"),
        ({"newTime": "15:00"}, "2026-11-25T15:00:00-03:00"),
        ({"newDate": "viernes", "newTime": "15:00"}, "2026-11-27T15:00:00-03:00"),
        ({"newDate": "2026-11-27T15:00:00Z"}, "2026-11-27T15:00:00-03:00"),
        ({"newTime": "2026-11-27T15:30:00"}, "2026-11-27T15:30:00-03:00"),
        ({"newTime": "10:10"}, "2026-11-25T10:10:00-03:00"),
    ],
)
async def test_an_appointment_moves_by_day_by_time_or_by_both(
    call: Call, seeded: Store, change: dict[str, str], moved_to: str
) -> None:
    done = await call.twice("modificarTurno", appointmentId="1", patientName="María González", **change)
    assert (done["success"], done["newDate"]) == (True, moved_to)
    appointment = await seeded.appointment("1")
    assert appointment is not None
    assert appointment.start == datetime.fromisoformat(moved_to)
    assert appointment.slots == set(await seeded.busy(appointment.doctor_name, *around(appointment.start)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "new_date_needed"),
        ({"newTime": "11:00"}, "slot_taken"),
        ({"newTime": "10:00"}, "same_time"),
        ({"newDate": "ayer"}, "past_date"),
        ({"newDate": "2026-11-20"}, "past_date"),
        ({"newTime": "a las 3"}, "time_ambiguous"),
        ({"newTime": "19:45"}, "closed"),
    ],
)
async def test_an_impossible_move_is_refused(call: Call, seeded: Store, change: dict[str, str], code: str) -> None:
    before = await seeded.appointment("1")
    result = await call.use("modificarTurno", appointmentId="1", patientName="María González", **change)
    assert result["code"] == code
    assert await seeded.appointment("1") == before


async def test_a_cancelled_appointment_frees_its_time_for_others(call: Call, seeded: Store) -> None:
    done = await call.twice("cancelarTurno", appointmentId="1", patientName="María González")
    assert done["message"] == "Cita #1 cancelada exitosamente"
    wanted = BOOKING | {"doctorName": "Rodríguez", "date": "2026-11-25T10:00"}
    assert (await call.twice("agendarTurno", **wanted))["success"] is True


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("borrarTodo", "{}", "unknown_tool"),
        ("consultarOrder", "{", "bad_arguments"),
        ("consultarOrder", "[]", "bad_arguments"),
        ("consultarOrder", "null", "bad_arguments"),
        ("consultarOrder", "[" * 5000, "bad_arguments"),
        ("consultarOrder", '{"orderId": "' + "1" * 30_000 + '"}', "bad_arguments"),
        ("consultarOrder", "", "order_id_needed"),
        ("consultarOrder", '{"orderId": true, "dni": "28456789"}', "order_id_needed"),
        ("consultarOrder", '{"orderId": {"$ne": 1}, "dni": "28456789"}', "order_id_needed"),
        ("consultarOrder", '{"orderId": "0", "dni": "28456789"}', "order_id_needed"),
        ("consultarOrder", '{"orderId": "1 o 2", "dni": "28456789"}', "order_id_needed"),
        ("consultarOrder", '{"orderId": "1"}', "identity_needed"),
        ("consultarOrder", '{"orderId": "1", "dni": "", "customerName": " "}', "identity_needed"),
        ("consultarOrder", '{"orderId": "1", "dni": "123"}', "dni_needed"),
        ("consultarTurno", '{"appointmentId": "1"}', "identity_needed"),
    ],
)
async def test_whatever_the_model_sends_is_answered_with_an_object(
    call: Call, name: str, arguments: str, code: str
) -> None:
    outcome = await call.box.run(name, arguments, tool_use_id="use")
    assert outcome.result["code"] == code
    assert outcome.ok is False
    assert outcome.result.get("error") or outcome.result.get("question")


async def test_the_same_tool_use_is_answered_alike_and_never_counts_as_a_yes(call: Call, seeded: Store) -> None:
    first = await call.use("cancelarOrder", use_id="u1", orderId="1", dni="28456789")
    call.box.caller_spoke("Sí")
    assert await call.use("cancelarOrder", use_id="u1", orderId="1", dni="28456789") == first
    assert await status(seeded, "1") is OrderStatus.PENDING


async def test_a_tool_use_that_comes_back_with_other_arguments_is_refused(call: Call) -> None:
    await call.use("consultarOrder", use_id="u1", orderId="1", dni="28456789")
    again = await call.use("consultarOrder", use_id="u1", orderId="2", dni="31204578")
    assert again["code"] == "tool_use_repeated"


async def test_a_done_tool_use_is_answered_alike_by_another_process(seeded: Store, clock: Clock) -> None:
    first = Call(seeded, clock)
    await first.use("crearOrder", **PURCHASE)
    first.box.caller_spoke("Sí")
    done = await first.use("crearOrder", use_id="the-yes", **PURCHASE)
    second = Call(seeded, clock)
    assert await second.use("crearOrder", use_id="the-yes", **PURCHASE) == done
    assert await seeded.order("9") is None


@pytest.mark.parametrize(
    ("tool", "others"),
    [
        ("crearOrder", {"items": [{"name": "Teclado", "quantity": 1, "price": 10.5}]}),
        ("cancelarOrder", {"orderId": "1", "dni": "28456789"}),
    ],
)
async def test_a_tool_use_that_comes_back_as_another_one_in_another_process_is_refused(
    seeded: Store, clock: Clock, tool: str, others: dict[str, Any]
) -> None:
    """As in the same process; the receipt of what was done under that id answers the same use alone."""
    first = Call(seeded, clock)
    await first.use("crearOrder", **PURCHASE)
    first.box.caller_spoke("Sí")
    assert (await first.use("crearOrder", use_id="the-yes", **PURCHASE))["success"]
    second = Call(seeded, clock)
    asked = {**PURCHASE, **others} if tool == "crearOrder" else others
    assert (await second.use(tool, use_id="the-yes", **asked))["code"] == "tool_use_repeated"
    assert await status(seeded, "1") is OrderStatus.PENDING
    assert (await second.use(tool, use_id="a-new-one", **asked))["confirmation_required"]


async def test_a_booking_whose_answer_was_lost_is_found_again(seeded: Store, clock: Clock) -> None:
    done = await Call(seeded, clock).twice("agendarTurno", **BOOKING)
    resumed = Call(seeded, clock)
    assert await resumed.use("agendarTurno", use_id="another", **BOOKING) == done


async def test_twenty_uses_at_once_create_one_order(call: Call, seeded: Store) -> None:
    await call.use("crearOrder", **PURCHASE)
    call.box.caller_spoke("Sí")
    results = await asyncio.gather(*(call.use("crearOrder", use_id="yes", **PURCHASE) for _ in range(20)))
    assert {result["orderId"] for result in results} == {"8"}
    assert await seeded.order("9") is None


async def test_a_caller_who_hangs_up_does_not_stop_what_was_agreed(call: Call, seeded: Store) -> None:
    await call.use("cancelarOrder", orderId="1", dni="28456789")
    call.box.caller_spoke("Sí")
    waiting = asyncio.create_task(call.use("cancelarOrder", use_id="yes", orderId="1", dni="28456789"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    done = await call.use("cancelarOrder", use_id="yes", orderId="1", dni="28456789")
    assert done["success"] is True
    assert await status(seeded, "1") is OrderStatus.CANCELLED


class Flaky:
    """Stands before a backend's `transact` and loses its answers, before or after the write."""

    def __init__(self, store: Store, *, after_write: bool, times: int) -> None:
        self._transact = store.backend.transact
        self._after_write = after_write
        self._left = times
        store.backend.transact = self  # type: ignore[method-assign]

    async def __call__(self, writes: Any) -> None:
        lose = self._left > 0
        self._left -= 1
        if not lose or self._after_write:
            await self._transact(writes)
        if lose:
            raise Unavailable("lost")


async def test_an_answer_lost_after_the_write_is_read_back(call: Call, seeded: Store) -> None:
    await call.use("crearOrder", **PURCHASE)
    call.box.caller_spoke("Sí")
    Flaky(seeded, after_write=True, times=1)
    assert (await call.use("crearOrder", **PURCHASE))["orderId"] == "8"


async def test_a_write_that_did_not_happen_is_admitted_and_can_be_tried_again(call: Call, seeded: Store) -> None:
    await call.use("crearOrder", **PURCHASE)
    call.box.caller_spoke("Sí")
    Flaky(seeded, after_write=False, times=1)
    lost = await call.use("crearOrder", **PURCHASE)
    assert lost["code"] == "unavailable"
    done = await call.use("crearOrder", **PURCHASE)
    assert done["success"] is True
    assert len((await seeded.orders(email="juan@email.com")).items) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("crearOrder", PURCHASE),
        ("agendarTurno", BOOKING),
        ("cancelarOrder", {"orderId": "1", "dni": "28456789"}),
        ("modificarTurno", {"appointmentId": "1", "patientName": "María González", "newTime": "15:00"}),
    ],
)
async def test_a_write_whose_fate_was_unknown_is_found_out_and_not_repeated(
    call: Call, seeded: Store, name: str, arguments: dict[str, Any]
) -> None:
    """The write happened, but neither its answer nor the first read-back came through."""
    await call.use(name, **arguments)
    call.box.caller_spoke("Sí")
    Flaky(seeded, after_write=True, times=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(seeded, "_standing", _lost)
        assert (await call.use(name, **arguments))["code"] == "unavailable"
    assert (await call.use(name, **arguments))["success"] is True
    assert len(await seeded.receipts("CA1")) == 1


async def _lost(idempotency: IdempotencyRecord) -> IdempotencyRecord | None:
    raise Unavailable("lost")


async def test_a_store_that_does_not_answer_is_admitted_within_the_time_limit(
    call: Call, seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(record_type: RecordType[Order], order_id: str) -> Order | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(seeded, "record", never)
    monkeypatch.setattr("tools.toolbox.TIME_LIMIT_S", 0.01)
    assert (await call.use("consultarOrder", orderId="1", dni="28456789"))["code"] == "unavailable"


async def test_a_fault_of_ours_reaches_neither_the_model_nor_the_log(
    call: Call, seeded: Store, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    async def broken(record_type: RecordType[Order], order_id: str) -> Order | None:
        raise KeyError("María González 28456789")

    monkeypatch.setattr(seeded, "record", broken)
    result = await call.use("consultarOrder", orderId="1", dni="28456789")
    assert result["code"] == "internal"
    assert "González" not in str(result)
    assert any("KeyError" in line for line in logged)
    assert "González" not in "".join(logged)


async def status(store: Store, order_id: str) -> OrderStatus:
    order = await store.order(order_id)
    assert order is not None
    return order.status


def around(moment: datetime) -> tuple[datetime, datetime]:
    return moment, moment.replace(minute=moment.minute + 30 if moment.minute < 30 else 59)


# Another process goes on with the call.

CANCEL = {"orderId": "1", "dni": "28456789"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["No."], "dijo que no"),
        (["Sí… no, no."], "dijo que no"),
        (["¿Y cuánto me devuelven?"], "sí claro"),
        (["Sí, pero el mail está mal."], "sí claro"),
        (["Sí, y también cancelá el turno uno."], "sí claro"),
        (["Claudia, ¿está listo el café?"], "sí claro"),
        (["Sí,", "pero mañana."], "sí claro"),
        (["Agendalo."], "sí claro"),
        (["[DTMF] 28456789"], "sí claro"),
    ],
)
async def test_only_a_clear_yes_carries_out_and_the_model_is_told_to_ask_again(
    call: Call, seeded: Store, said: list[str], told: str
) -> None:
    await call.use("cancelarOrder", **CANCEL)
    for words in said:
        call.box.caller_spoke(words)
    again = await call.use("cancelarOrder", **CANCEL)
    assert again["confirmation_required"]
    assert told in again["message"]
    assert await status(seeded, "1") is OrderStatus.PENDING
    call.box.caller_spoke("Sí, cancelalo.")
    assert (await call.use("cancelarOrder", **CANCEL))["success"] is True


async def test_a_yes_may_come_in_pieces_and_leaves_no_words_behind(call: Call, seeded: Store) -> None:
    await call.use("cancelarOrder", **CANCEL)
    for words in ("Sí,", "", "por favor."):
        call.box.caller_spoke(words)
    assert "favor" not in str(call.memory)
    assert (await call.use("cancelarOrder", **CANCEL))["success"] is True
    assert await status(seeded, "1") is OrderStatus.CANCELLED


async def test_a_proposal_outlives_its_process_and_a_yes_carries_it_out(
    call: Call, seeded: Store, clock: Clock
) -> None:
    assert (await call.use("cancelarOrder", **CANCEL))["confirmation_required"]
    resumed = Call(seeded, clock, memory=call.memory)
    assert (await resumed.use("cancelarOrder", orderId="1"))["confirmation_required"], "the caller has not answered"
    resumed.box.caller_spoke("Sí")
    assert (await resumed.use("cancelarOrder", orderId="1"))["success"] is True, "nor is he asked for his DNI again"
    assert await status(seeded, "1") is OrderStatus.CANCELLED


async def test_a_yes_that_was_heard_before_the_process_died_counts(call: Call, seeded: Store, clock: Clock) -> None:
    await call.use("cancelarOrder", **CANCEL)
    call.box.caller_spoke("Sí")
    resumed = Call(seeded, clock, memory=call.memory)
    assert (await resumed.use("cancelarOrder", **CANCEL))["success"] is True


async def test_a_proposal_grows_old_in_another_process_too(call: Call, seeded: Store, clock: Clock) -> None:
    await call.use("cancelarOrder", **CANCEL)
    call.box.caller_spoke("Sí")
    clock.advance(seconds=121)  # type: ignore[attr-defined]
    resumed = Call(seeded, clock, memory=call.memory)
    assert (await resumed.use("cancelarOrder", **CANCEL))["confirmation_required"]


async def test_what_was_done_before_the_process_died_is_not_done_again(call: Call, seeded: Store, clock: Clock) -> None:
    await call.use("crearOrder", **PURCHASE)
    call.box.caller_spoke("Sí")
    died_with = call.memory
    done = await call.use("crearOrder", **PURCHASE)
    resumed = Call(seeded, clock, memory=died_with)
    again = await resumed.use("crearOrder", **PURCHASE)
    assert again["confirmation_required"]
    assert f"ya se creó el pedido {done['orderId']}" in again["proposal"]


async def test_a_write_in_doubt_is_looked_for_in_another_process(
    call: Call, seeded: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call.use("crearOrder", **PURCHASE)
    call.box.caller_spoke("Sí")
    commit = seeded.commit

    async def unanswered(change: Change, idempotency: IdempotencyRecord | None = None) -> IdempotencyRecord | None:
        await commit(change, idempotency)
        raise Unavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(seeded, "commit", unanswered)
        assert (await call.use("crearOrder", **PURCHASE))["code"] == "unavailable"
    resumed = Call(seeded, clock, memory=call.memory)
    assert (await resumed.use("crearOrder", **PURCHASE))["success"] is True
    assert [idempotency.fingerprint[-2:] for idempotency in await seeded.receipts("CA1")] == ["#1"]


async def test_what_another_process_is_told_holds_no_personal_data(call: Call) -> None:
    await call.use("cancelarOrder", orderId="1", dni="28456789", customerName="María González")
    await call.use("consultarOrder", orderId="2", dni="87654321")
    secrets = ("González", "28456789", "87654321", "Notebook", "@")
    assert not [secret for secret in secrets if secret in json.dumps(call.memory, ensure_ascii=False)]
