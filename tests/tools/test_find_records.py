"""Callers who know no number: what they must prove, what they are told, and what guessing is worth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench.stores import fresh_sqlite
from common.times import Clock, utcnow
from data.models import Appointment, AppointmentStatus, CallRecord, Line, Order, ToolCall, dni_spellings
from data.records import ORDERS
from data.references import of_record, references
from data.samples import sample_orders
from data.store import Change, Store
from tests.support.seeded import fill
from tests.tools.caller import Call
from tools.identity import FAILED_SEARCHES, FAILURES_PER_NUMBER, FAILURES_PER_RECORD, MAX_WAIT_S, CallContext
from tools.toolbox import Toolbox

NAME, DNI, EMAIL = "María González", "28456789", "maria.gonzalez@email.com"
PHONE = "+541155550000"


async def changed(store: Store, order_id: str, **fields: Any) -> None:
    order = await store.order(order_id)
    assert order is not None
    await store.commit(Change(order, replace(order, **fields)))


async def add(store: Store, like: str, number: int, **fields: Any) -> Appointment:
    appointment = await store.appointment(like)
    assert appointment is not None
    new = replace(appointment, id=str(number), version=0, **fields)
    await store.commit(Change(None, new))
    return new


async def add_order(store: Store, like: str, number: int, **fields: Any) -> None:
    order = await store.order(like)
    assert order is not None
    await store.commit(Change(None, replace(order, id=str(number), version=0, **fields)))


def ids(answer: dict[str, Any], kind: str) -> list[str]:
    return [record["id"] for record in answer[kind]]


# What is proven.


@pytest.mark.parametrize(
    "proof",
    [
        {"dni": DNI}, {"dni": "28.456.789"}, {"customerEmail": EMAIL}, {"customerEmail": EMAIL.upper()},
        {"dni": DNI, "customerEmail": EMAIL}, {"dni": DNI, "customerEmail": ""}, {"dni": "", "customerEmail": EMAIL},
    ],
)  # fmt: skip
async def test_a_full_name_and_a_dni_or_an_email_find_ones_records(call: Call, proof: dict[str, str]) -> None:
    answer = await call.use("buscarRegistros", customerName="gonzález maría", **proof)
    assert (ids(answer, "orders"), ids(answer, "appointments")) == (["1"], ["1"])


async def test_a_dni_that_was_proven_on_an_order_finds_the_appointments_of_that_person_alone(
    call: Call, seeded: Store
) -> None:
    await add(seeded, "1", 20, patient_name="Pedro González", start=utcnow() + timedelta(days=9))  # the same address
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    assert ids(answer, "appointments") == ["1"]


async def test_a_dni_finds_no_appointments_under_an_address_that_no_order_of_that_person_has(
    call: Call, seeded: Store
) -> None:
    await changed(seeded, "1", customer_email="otra@email.com")
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    assert (ids(answer, "orders"), ids(answer, "appointments")) == (["1"], [])
    assert answer["message"].endswith("Si lo sacaste con otro correo, ¿me lo decís?")


@pytest.mark.parametrize(
    "said",
    [
        {"customerName": NAME, "dni": "27893412"},  # another customer's
        {"customerName": NAME, "dni": "11111111"},  # nobody's
        {"customerName": NAME, "customerEmail": "ana.rodriguez@email.com"},
        {"customerName": NAME, "customerEmail": "nadie@email.com"},
        {"customerName": "Ana Rodríguez", "customerEmail": EMAIL},
        {"customerName": "Nadie Nunca", "dni": DNI},
        {"customerName": NAME, "dni": DNI, "customerEmail": "nadie@email.com"},
        {"customerName": "Luis Pérez", "dni": DNI},  # he has an appointment, and no order
    ],
)
async def test_nobody_like_that_and_somebody_else_are_one_answer(call: Call, said: dict[str, str]) -> None:
    answer = await call.use("buscarRegistros", **said)
    nobody = (
        "No encuentro pedidos ni turnos con esos datos."
        " ¿Me repetís tu nombre completo, y tu DNI o el correo que nos diste, por favor?"
    )
    assert answer == {
        "success": False,
        "code": "not_verified",
        "error": nobody,
        "speak": nobody,
        "next": "Esperá su respuesta y seguí con ella.",
    }


async def test_nobody_like_that_and_somebody_else_cost_the_same_reads_and_writes(
    seeded: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cost(call_id: str, **said: str) -> list[str]:
        used: list[str] = []
        with monkeypatch.context() as patched:
            for name in ("get", "query", "add", "transact"):
                patched.setattr(seeded.backend, name, counted(name, getattr(seeded.backend, name), used))
            answer = await Call(seeded, clock, call_id).use("buscarRegistros", **said)
        assert answer["code"] == "not_verified"
        return used

    nobody = await cost("CA1", customerName="Nadie Nunca", dni="11111111")
    assert nobody == await cost("CA2", customerName="Nunca Jamás", dni=DNI)
    nobody = await cost("CA3", customerName="Nadie Alguno", customerEmail="nadie@email.com")
    assert nobody == await cost("CA4", customerName="Nunca Alguno", customerEmail=EMAIL)


def counted(name: str, method: Callable[..., object], used: list[str]) -> Callable[..., object]:
    def call(*arguments: object, **named: object) -> object:
        used.append(name)
        return method(*arguments, **named)

    return call


async def test_an_order_without_a_dni_is_found_by_its_address_alone(call: Call, seeded: Store) -> None:
    await changed(seeded, "1", dni=None)
    assert (await call.use("buscarRegistros", customerName=NAME, dni=DNI))["code"] == "not_verified"
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI, customerEmail=EMAIL)
    assert ids(answer, "orders") == ["1"]


async def test_every_proof_that_is_given_must_be_right(call: Call, seeded: Store) -> None:
    await changed(seeded, "1", dni="11111111")
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI, customerEmail=EMAIL)
    assert (ids(answer, "orders"), ids(answer, "appointments")) == ([], ["1"]), "an appointment has no DNI to be wrong"


@pytest.mark.parametrize(
    ("stored", "said"), [("07123456", "7123456"), ("7123456", "07123456"), ("7123456", "7.123.456")]
)
async def test_a_dni_is_found_with_and_without_its_leading_zero(
    call: Call, seeded: Store, stored: str, said: str
) -> None:
    assert {"7123456", "07123456"} == set(dni_spellings(said))
    await changed(seeded, "1", dni=stored)
    assert [order.id for order in (await seeded.records_of_dni(ORDERS, said, 5)).items] == ["1"]


async def test_the_number_that_calls_proves_nothing(seeded: Store, clock: Clock) -> None:
    call = Call(seeded, clock, caller_number=PHONE)
    assert (await call.use("buscarRegistros", customerName=NAME))["code"] == "identity_needed"


# What is told.


async def test_what_was_found_is_proven_for_the_rest_of_the_call(call: Call) -> None:
    assert (await call.use("cancelarTurno", appointmentId="1"))["code"] == "identity_needed"
    await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    assert (await call.twice("cancelarTurno", appointmentId="1"))["success"] is True
    assert (await call.use("cancelarOrder", orderId="1"))["confirmation_required"] is True
    assert (await call.use("cancelarTurno", appointmentId="2"))["code"] == "identity_needed"


async def test_only_what_was_asked_for_is_told_and_proven(call: Call) -> None:
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI, kind="mis turnos")
    assert "orders" not in answer
    assert (await call.use("consultarOrder", orderId="1"))["code"] == "identity_needed"
    assert (await call.use("consultarTurno", appointmentId="1"))["success"] is True


async def test_neither_a_dni_nor_notes_nor_what_an_item_is_described_as_is_told(call: Call) -> None:
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    assert {"dni", "notes"}.isdisjoint(answer["orders"][0] | answer["appointments"][0])
    assert DNI not in json.dumps(answer)
    assert answer["orders"][0]["items"][0] == {"name": "Laptop Dell Inspiron 15", "quantity": 1, "price": 899.99}


async def test_five_at_most_are_told_and_proven_of_each_kind_newest_or_next_first(
    call: Call, seeded: Store, clock: Clock
) -> None:
    for number in range(10, 17):
        await add(seeded, "1", number, start=clock() + timedelta(days=number))
        await add_order(seeded, "1", number, created_at=clock() - timedelta(days=20 - number))
    await add(seeded, "1", 30, start=clock() + timedelta(days=1), status=AppointmentStatus.CANCELLED)
    await add(seeded, "1", 31, start=clock() - timedelta(days=2))
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    assert ids(answer, "orders") == ["16", "15", "1", "14", "13"]
    assert ids(answer, "appointments") == ["1", "10", "11", "12", "13"]
    assert "Tenés más de cinco pedidos" in answer["message"]
    assert (await call.use("consultarOrder", orderId="12"))["code"] == "identity_needed"


async def test_it_is_said_in_a_sentence(call: Call, seeded: Store) -> None:
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    assert answer["message"] == (
        "Tenés un pedido: el 1, del miércoles 18 de noviembre, pendiente."
        " Tenés un turno: el 1, el miércoles 25 a las 10 con el doctor Rodríguez."
    )


async def test_who_has_nothing_left_is_told_so_and_not_refused(call: Call, seeded: Store, clock: Clock) -> None:
    appointment = await seeded.appointment("8")
    assert appointment is not None
    await seeded.commit(Change(appointment, replace(appointment, start=clock() - timedelta(days=20))))
    answer = await call.use("buscarRegistros", customerName="Luis Pérez", customerEmail="luis.perez@email.com")
    assert (answer["success"], answer["appointments"]) == (True, [])
    assert answer["message"] == "No tenés pedidos con nosotros. No tenés turnos de hoy en adelante."


async def test_a_call_is_filed_under_what_a_search_has_found(call: Call, clock: Clock) -> None:
    answer = await call.use("buscarRegistros", customerName=NAME, dni=DNI)
    used = ToolCall("buscarRegistros", "use", ok=True, elapsed_ms=1, at=clock(), result=answer)
    kept = CallRecord("CA1", Line.PHONE, clock(), tools=(used,))
    assert {of_record(Order, "1"), of_record(Appointment, "1")} <= references(kept)


async def test_the_lists_of_a_busy_address_are_read_in_one_page(
    call: Call, seeded: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int | None] = []
    query = seeded.backend.query

    async def counting(*arguments: Any, **named: Any) -> Any:
        if named.get("index"):
            limits.append(named["limit"])
        return await query(*arguments, **named)

    monkeypatch.setattr(seeded.backend, "query", counting)
    await call.use("buscarRegistros", customerName=NAME, customerEmail=EMAIL)
    assert len(limits) == 3
    assert all(limit is not None and limit <= 101 for limit in limits)


# What guessing is worth.


async def test_failed_searches_count_for_the_call_as_wrong_proofs_of_a_record_do(call: Call) -> None:
    assert (await call.use("buscarRegistros", customerName=NAME, dni="11111111"))["code"] == "not_verified"
    assert (await call.use("consultarOrder", orderId="1", dni="11111111"))["code"] == "not_verified"
    assert (await call.use("buscarRegistros", customerName=NAME, dni="11111112"))["code"] == "call_locked"
    assert (await call.use("buscarRegistros", customerName=NAME, dni=DNI))["code"] == "call_locked"


async def test_the_same_wrong_search_again_counts_once(call: Call) -> None:
    for _ in range(5):
        assert (await call.use("buscarRegistros", customerName=NAME, dni="11111111"))["code"] == "not_verified"
    assert (await call.use("buscarRegistros", customerName=NAME, dni=DNI))["success"] is True


async def test_the_right_search_costs_nobody_anything(seeded: Store, clock: Clock) -> None:
    for number in range(FAILED_SEARCHES + 1):
        assert (await Call(seeded, clock, f"CA{number}").use("buscarRegistros", customerName=NAME, dni=DNI))["success"]


async def test_a_name_that_was_guessed_at_is_looked_for_slowly_and_never_closed_to_who_shows_a_number(
    seeded: Store, clock: Clock
) -> None:
    for guess in range(12):
        thief = Call(seeded, clock, f"CA{guess}", caller_number=f"+54115555{guess:04d}")
        await thief.use("buscarRegistros", customerName=NAME, dni=f"111111{guess:02d}")
    owner = Call(seeded, clock, "CA-owner", caller_number=PHONE)
    assert (await owner.use("buscarRegistros", customerName=NAME, dni=DNI))["success"] is True
    assert owner.waits == [MAX_WAIT_S]


@pytest.mark.parametrize("context", [{}, {"line": Line.BROWSER, "address": "192.0.2.{}"}])
async def test_who_shows_no_number_has_ten_tries_at_one_name_together(
    seeded: Store, clock: Clock, context: dict[str, Any]
) -> None:
    async def search(number: int, dni: str) -> Any:
        shown = {name: value.format(number) for name, value in context.items()}
        return await Call(seeded, clock, f"CA{number}", **shown).use("buscarRegistros", customerName=NAME, dni=dni)

    told = [(await search(number, f"111111{number:02d}"))["code"] for number in range(FAILURES_PER_RECORD + 5)]
    assert told == ["not_verified"] * FAILURES_PER_RECORD + ["searches_locked"] * 5
    assert (await search(99, DNI))["code"] == "searches_locked"
    by_phone = Call(seeded, clock, "CA-owner", caller_number=PHONE)
    assert (await by_phone.use("buscarRegistros", customerName=NAME, dni=DNI))["success"] is True


TRIES = 3_000  # of each; a number for each call is compared and kept each time, which takes its time
COMPARED_TRIES = 1_000
STRANGERS: dict[str, tuple[Callable[[int], dict[str, Any]], int, int]] = {  # tries, and how many are compared
    "numbers withheld": (lambda call: {}, TRIES, FAILED_SEARCHES),
    "browsers everywhere": (
        lambda call: {"line": Line.BROWSER, "address": f"198.51.{call % 250}.7"},
        TRIES,
        FAILED_SEARCHES,
    ),
    "one number": (lambda call: {"caller_number": PHONE}, TRIES, FAILURES_PER_NUMBER),
    "a number for each call": (lambda call: {"caller_number": f"+5411{call:08d}"}, COMPARED_TRIES, COMPARED_TRIES),
}


def guesses() -> Iterator[dict[str, Any]]:
    """One name with many DNIs, one DNI with many names, names with many addresses, everybody's name with a stranger's
    address; never a right pair."""
    names = [order.customer_name for order in sample_orders(utcnow().date())]
    for number in count():
        name, other = names[number % len(names)], names[(number + 1) % len(names)]
        unused = f"{40_000_000 + number}"
        yield {"customerName": NAME, "dni": unused}
        yield {"customerName": f"Persona N{'aeiou'[number % 5] * (1 + number // 5 % 60)}", "dni": DNI}
        yield {"customerName": name, "customerEmail": f"{plainly(name)}{number}@email.com"}
        yield {"customerName": name, "customerEmail": f"{plainly(other)}@email.com"}
        yield {"customerName": name, "dni": unused, "customerEmail": f"{plainly(name)}@email.com.ar"}


def plainly(name: str) -> str:
    return name.lower().translate(str.maketrans("áéíóú", "aeiou")).replace(" ", ".")


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.slow
async def test_ten_thousand_guesses_leak_nothing_and_few_are_compared(
    stranger: str, tmp_path: Path, clock: Clock
) -> None:
    async with fresh_sqlite(tmp_path, clock) as store:
        await fill(store, clock().date())
        orders = sample_orders(clock().date())
        secrets = {text for order in orders for text in (order.customer_email, order.dni or "", order.items[0].name)}
        shows, times, most = STRANGERS[stranger]
        told: Counter[str] = Counter()
        tries = guesses()
        for number in range(times):
            if number % 3 == 0:  # a call has no more
                context = CallContext(f"CA{number}", **shows(number))
                box = Toolbox(store, context, clock=clock, sleep=no_wait)
            said = json.dumps(next(tries))
            answer = (await box.run("buscarRegistros", said, tool_use_id=f"use-{number}")).result
            assert answer.keys() == {"success", "error", "code", "speak", "next"}
            assert not [secret for secret in secrets if secret in answer["error"]]
            told[answer["code"]] += 1
        assert told["not_verified"] + told["call_locked"] <= most, told


async def no_wait(seconds: float) -> None:
    pass
