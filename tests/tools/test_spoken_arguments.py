"""Arguments that went through speech: what a tool makes of them, and what it says of them to the caller."""

from __future__ import annotations

from typing import Any

import pytest

from common.times import Clock
from data.models import AppointmentType
from data.store import Store
from tests.tools.caller import Call
from tools.arguments import read
from tools.business.appointments import NewAppointment
from tools.business.orders import NewOrder, OrderProof
from tools.confirmation import MOST_CREATED
from tools.errors import NeedsInput


def order(**changes: Any) -> dict[str, Any]:
    item = {"name": "Teclado", "quantity": 1, "price": 10} | changes.pop("item", {})
    return {"customerName": "Ana Pérez", "customerEmail": "ana@mail.com", "items": [item]} | changes


def appointment(**changes: Any) -> dict[str, Any]:
    person = {"patientName": "Ana Pérez", "patientEmail": "ana@mail.com"}
    return person | {"doctorName": "doctora López", "date": "mañana a las 10"} | changes


@pytest.mark.parametrize("said", [3, 3.0, "3", "#003", "tres", "pedido 3", "pedido-3", "el pedido número tres", "N° 3"])
def test_an_id_is_understood_however_it_is_said(said: Any) -> None:
    assert read(OrderProof, {"orderId": said}).order_id == "3"


@pytest.mark.parametrize(("said", "meant"), [("1.234", "1234"), ("uno dos, tres", "123"), ("tres, siete", "37")])
def test_an_id_may_come_in_groups_and_figures(said: str, meant: str) -> None:
    assert read(OrderProof, {"orderId": said}).order_id == meant


@pytest.mark.parametrize(
    "said",
    [-3, "-3", "pedido -3", "menos tres", 3.7, "3.7", "3,75", "tres coma siete", "tres punto siete", "3.7000",
     "1234.567", "3/7", "3-7", "3:7", "0", 0, "cero", "1e3", "3 o 4", "A-3", "3%", True, None, [], "9" * 5000, 10**7],
)  # fmt: skip
def test_what_is_no_id_is_asked_for(said: Any) -> None:
    with pytest.raises(NeedsInput, match="order_id_needed"):
        read(OrderProof, {"orderId": said})


@pytest.mark.parametrize(
    ("said", "dni"),
    [
        ("28 millones 456.789", "28456789"),
        (28456789, "28456789"),
        (28456789.0, "28456789"),
        ("veintiocho punto cuatrocientos cincuenta y seis punto setecientos ochenta y nueve", "28456789"),
        ("07.123.456", "7123456"),
        ("", None),
    ],
)
def test_a_dni_is_its_figures_without_leading_zeros(said: Any, dni: str | None) -> None:
    assert read(OrderProof, {"orderId": "1", "dni": said}).dni == dni


@pytest.mark.parametrize("said", ["28456", "28.456.78", "28 456 78", 284567890, "no sé"])
def test_a_dni_that_may_lack_a_figure_is_asked_for(said: Any) -> None:
    with pytest.raises(NeedsInput, match="dni_needed"):
        read(OrderProof, {"orderId": "1", "dni": said})


@pytest.mark.parametrize(
    "name",
    ["Domingo Bueno", "Clara Claro", "Pedro dos Santos", "Juan Domingo Segundo", "Luca D'Angelo", "Luca D´Angelo",
     "Ian Mc Donald", "María de los Ángeles Sábato", "Rosa Pérez-Díaz", "Abril Nada", "Ñ. Núñez"],
)  # fmt: skip
def test_no_name_of_a_person_is_refused(name: str) -> None:
    assert read(NewOrder, order(customerName=name)).customer_name == name


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("ana@mail.com por favor", "ana@mail.com"),
        ("mi mail es ana punto pérez veintitrés arroba gmail punto com", "ana.perez23@gmail.com"),
        ("ana barra baja pérez arroba hotmail punto com punto ar.", "ana_perez@hotmail.com.ar"),
    ],
)
def test_an_address_is_understood_as_it_is_dictated(said: str, address: str) -> None:
    assert read(NewOrder, order(customerEmail=said)).customer_email == address
    assert read(NewAppointment, appointment(patientEmail=said)).patient_email == address


@pytest.mark.parametrize("said", ["ana arroba gmail", "ana@mail.com o ana@gmail.com", f"{'a' * 60}@{'b' * 60}.com", 7])
def test_an_address_that_is_doubtful_is_asked_for(said: Any) -> None:
    with pytest.raises(NeedsInput, match="customer_email_needed"):
        read(NewOrder, order(customerEmail=said))


@pytest.mark.parametrize(
    ("said", "quantity", "cents"),
    [
        ({"quantity": "un par", "price": "mil doscientos"}, 2, 120_000),
        ({"quantity": "media docena", "price": "$ 1.234,50"}, 6, 123_450),
        ({"quantity": 2.0, "price": "1.234"}, 2, 123_400),
        ({"quantity": None, "price": 29.99}, 1, 2_999),
    ],
)
def test_quantities_and_prices_are_understood_as_they_are_said(said: dict[str, Any], quantity: int, cents: int) -> None:
    item = read(NewOrder, order(item=said)).items[0]
    assert (item.quantity, item.price_cents) == (quantity, cents)


@pytest.mark.parametrize(
    "said",
    [{"quantity": "1,5"}, {"quantity": 1.5}, {"quantity": -1}, {"quantity": 0}, {"quantity": "varios"},
     {"quantity": True}, {"quantity": 101}, {"price": 1.234}, {"price": "1,234"}, {"price": "100 dólares"},
     {"price": "entre 100 y 200"}, {"price": -1}, {"price": True}],
)  # fmt: skip
def test_quantities_and_prices_that_are_not_clear_are_asked_for(said: dict[str, Any]) -> None:
    with pytest.raises(NeedsInput, match="items_needed"):
        read(NewOrder, order(item=said))


@pytest.mark.parametrize(
    ("said", "kind", "minutes"),
    [
        ({}, AppointmentType.CONSULTATION, 30),
        ({"type": "una consulta", "duration": "media hora"}, AppointmentType.CONSULTATION, 30),
        ({"type": "Es un control de rutina.", "duration": "una hora y media"}, AppointmentType.ROUTINE, 90),
        ({"type": "de seguimiento", "duration": "tres cuartos de hora"}, AppointmentType.FOLLOW_UP, 45),
        ({"type": "urgencia", "duration": "45 min"}, AppointmentType.EMERGENCY, 45),
    ],
)
def test_kind_and_length_of_an_appointment_are_understood(
    said: dict[str, Any], kind: AppointmentType, minutes: int
) -> None:
    wanted = read(NewAppointment, appointment(**said))
    assert (wanted.type, wanted.duration) == (kind, minutes)


@pytest.mark.parametrize("said", ["-30", "30.5", 30.5, "un rato", "1e9", "9" * 5000, True])
def test_a_length_of_time_that_is_none_is_asked_for(said: Any) -> None:
    with pytest.raises(NeedsInput, match="duration_needed"):
        read(NewAppointment, appointment(duration=said))


async def test_a_proposal_says_the_address_for_the_ear_and_the_year_of_another_year(call: Call) -> None:
    booking = appointment(patientEmail="ana.perez23@gmail.com", date="el 20 de octubre de 2027 a las 10")
    proposed = await call.use("agendarTurno", **booking)
    assert "correo ana punto pérez veintitrés arroba gmail punto com," in proposed["proposal"]
    assert "de octubre de 2027 a las 10:00" in proposed["proposal"]
    ordered = await call.use("crearOrder", **order(customerEmail="jlp@gmail.com"))
    assert "correo jota ele pe arroba gmail punto com:" in ordered["proposal"]


async def test_who_has_proven_nothing_creates_a_few_records_in_a_call(call: Call, seeded: Store, clock: Clock) -> None:
    for hour in range(9, 9 + MOST_CREATED):
        done = await call.twice("agendarTurno", **appointment(date=f"pasado mañana a las {hour}:00"))
        assert done["success"]
    refused = await call.use("agendarTurno", **appointment(date="pasado mañana a las 18:00"))
    assert refused["code"] == "too_many"
    assert (await call.twice("crearOrder", **order()))["success"]
    another = Call(seeded, clock, "CA2")
    assert (await another.use("agendarTurno", **appointment(date="pasado mañana a las 18:00")))["confirmation_required"]
