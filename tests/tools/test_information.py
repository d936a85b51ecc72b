"""What callers are told of the business, and what its catalogue and its hours are worth against a model."""

from __future__ import annotations

from typing import Any

import pytest

from common.times import Clock
from data.store import Store
from tests.tools.caller import Call
from tools.business.information import NOTED_PER_CALL, UNKNOWN

WHO = {"customerName": "Juan Pérez", "customerEmail": "juan@email.com"}
BOOKING: dict[str, Any] = {
    "patientName": "Juan Pérez",
    "patientEmail": "juan@email.com",
    "doctorName": "doctora López",
    "date": "mañana a las 10",
}
EMERGENCY = "Si es una emergencia, cortá y llamá ya al 107, o al 911."


async def told(call: Call, question: str) -> str:
    result = await call.use("consultarInformacion", question=question)
    assert result["success"] is True
    return str(result["message"])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("¿Dónde quedan?", "Estamos en Avenida Corrientes 1234"),
        ("¿Me pasás la dirección?", "Estamos en Avenida Corrientes 1234"),
        ("¿Qué horarios tienen?", "Atendemos de lunes a sábado de 8 a 20."),
        ("¿Atienden los domingos?", "Los domingos no atendemos."),
        ("¿Abren el 8 de diciembre?", "El martes 8 de diciembre no atendemos: Día de la Inmaculada"),
        ("¿Atienden los feriados?", "Los feriados no atendemos. Los próximos son el lunes 23 de noviembre"),
        ("¿Qué médicos atienden?", "Atienden Dr. Carlos Rodríguez, de clínica médica; Dra. Ana López"),
        ("¿Qué especialidades tienen?", "Tenemos alergia; clínica médica"),
        ("¿Tienen traumatólogo?", "De traumatología atiende Dra. Ana López."),
        ("¿Cuándo atiende la doctora López?", "Dra. Ana López, de traumatología, atiende de lunes a sábado"),
        ("¿Atienden por OSDE?", "Sí, atendemos por OSDE."),
        ("¿Qué obras sociales aceptan?", "Atendemos por OSDE, Swiss Medical, Galeno y PAMI."),
        ("¿Cuánto sale el mouse?", "Mouse inalámbrico Logitech sale 29,99 pesos"),
        ("¿Cuánto sale el iphone quince pro?", "iPhone 15 Pro sale 1199,99 pesos"),
        ("¿Qué venden?", "Vendemos Laptop Dell Inspiron 15; Mouse"),
        ("¿Cuánto tarda la entrega?", "Entregamos en cinco días a todo el país."),
        ("¿Hay estacionamiento?", "Hay un estacionamiento pago a media cuadra"),
        ("¿Puedo pagar con tarjeta?", "Se puede pagar en efectivo"),
        ("Me duele el pecho", EMERGENCY),
        ("¿Atienden urgencias?", EMERGENCY),
    ],
)
async def test_a_question_about_the_business_is_answered_from_its_facts(call: Call, question: str, answer: str) -> None:
    assert answer in await told(call, question)


@pytest.mark.parametrize("question", ["¿Quién ganó ayer?", "¿Cuánto sale el helado?", "¿Tienen wifi?", "hola", "¿?"])
async def test_what_the_facts_do_not_say_is_not_made_up_and_noted(call: Call, seeded: Store, question: str) -> None:
    assert await told(call, question) == UNKNOWN
    assert [each.question for each in await seeded.unanswered()] == [question]


async def test_a_model_that_asks_in_a_loop_fills_no_list(call: Call, seeded: Store) -> None:
    for number in range(NOTED_PER_CALL + 5):
        assert await told(call, f"¿Tienen {'x' * (number + 1)}?") == UNKNOWN
    assert len(await seeded.unanswered()) == NOTED_PER_CALL


async def test_doctors_of_the_records_are_told_where_the_facts_name_none(call: Call, seeded: Store) -> None:
    _, version = await seeded.facts_text()
    await seeded.save_facts("name: Otro", version)
    assert "Dra. Ana López" in await told(call, "¿Qué médicos atienden?")
    assert await told(call, "¿Dónde quedan?") == UNKNOWN


async def test_a_changed_fact_is_told_in_the_same_call(call: Call, seeded: Store) -> None:
    await told(call, "¿Dónde quedan?")
    _, version = await seeded.facts_text()
    await seeded.save_facts("name: Otro\naddress: Salta 12", version)
    assert await told(call, "¿Dónde quedan?") == "Estamos en Salta 12."


# The catalogue.


async def test_a_price_is_the_catalogues_whatever_is_said(call: Call, seeded: Store) -> None:
    items = [{"name": "mouses", "quantity": 2, "price": 0.01}, {"name": "el monitor"}]
    done = await call.twice("crearOrder", **WHO, items=items)
    assert done["total"] == 2 * 29.99 + 199.99
    order = await seeded.order("8")
    assert order is not None
    assert [(item.name, item.price_cents) for item in order.items] == [
        ("Mouse inalámbrico Logitech", 2999),
        ('Monitor Samsung 24"', 19999),
    ]


async def test_a_product_that_is_not_there_is_refused_with_what_comes_nearest(call: Call) -> None:
    refused = await call.use("crearOrder", **WHO, items=[{"name": "Samsung", "price": 5}])
    assert refused["code"] == "unknown_product"
    assert "Tablet Samsung Galaxy Tab S9" in refused["error"]
    assert 'Monitor Samsung 24"' in refused["error"]


async def test_without_a_catalogue_a_missing_price_is_asked_for(call: Call, seeded: Store) -> None:
    _, version = await seeded.facts_text()
    await seeded.save_facts("name: Otro", version)
    for items in ([{"name": "Mesa"}], [{"name": "Mesa", "price": 0}]):
        asked = await call.use("crearOrder", **WHO, items=items)
        assert (asked["code"], asked["question"]) == ("price_needed", "¿A qué precio es Mesa?")
    assert (await call.twice("crearOrder", **WHO, items=[{"name": "Mesa", "price": 10}]))["total"] == 10


# Hours.


@pytest.mark.parametrize("date", ["2026-11-29T10:00", "2026-12-08T10:00", "2026-12-24T10:00", "2026-11-28T20:00"])
async def test_nobody_is_booked_or_moved_to_when_the_business_is_closed(call: Call, date: str) -> None:
    booked = await call.use("agendarTurno", **(BOOKING | {"date": date}))
    moved = await call.use(
        "modificarTurno", appointmentId="1", patientName="María González", newDate=date[:10], newTime=date[11:]
    )
    assert (booked["code"], moved["code"]) == ("closed", "closed")
    assert "abrimos el" in booked["error"]


async def test_an_appointment_is_as_long_as_the_doctors_usually_are(call: Call, seeded: Store) -> None:
    _, version = await seeded.facts_text()
    await seeded.save_facts("name: x\ndoctors: {name: Dra. Ana López, slot_minutes: [20, 40]}", version)
    assert "20 minutos" in (await call.use("agendarTurno", **BOOKING))["proposal"]
    assert (await call.use("agendarTurno", **BOOKING, duration=30))["code"] == "bad_duration"
    assert (await call.use("agendarTurno", **(BOOKING | {"doctorName": "Mendoza"})))["code"] == "unknown_doctor"


async def test_a_doctor_is_booked_by_speciality(call: Call) -> None:
    booked = await call.use("agendarTurno", **(BOOKING | {"doctorName": "el traumatólogo"}))
    assert "Dra. Ana López" in booked["proposal"]


async def test_the_same_patient_at_the_same_time_is_booked_knowingly_alone(call: Call) -> None:
    await call.twice("agendarTurno", **BOOKING)
    again = await call.use("agendarTurno", **(BOOKING | {"doctorName": "Mendoza"}))
    assert again["proposal"].startswith("Juan Pérez ya tiene a esa hora la cita 9, el martes 24 de noviembre")
    other = await call.use("agendarTurno", **(BOOKING | {"doctorName": "Mendoza", "patientName": "Eva Paz"}))
    assert other["proposal"].startswith("Agendar")


async def test_what_other_calls_booked_for_a_patient_is_not_told(call: Call, seeded: Store, clock: Clock) -> None:
    await call.twice("agendarTurno", **BOOKING)
    stranger = Call(seeded, clock, "CA2")
    told = await stranger.use("agendarTurno", **(BOOKING | {"doctorName": "Mendoza"}))
    assert told["proposal"].startswith("Agendar")


# Emergencies.


@pytest.mark.parametrize(
    ("tool", "arguments", "spoken"),
    [
        ("agendarTurno", BOOKING, "proposal"),
        ("consultarInformacion", {"question": "¿Dónde quedan?"}, "message"),
        ("consultarTurno", {"appointmentId": "1"}, "question"),
        ("consultarTurno", {"appointmentId": "1", "patientName": "Otra Persona"}, "error"),
    ],
)
async def test_what_to_do_in_an_emergency_is_said_before_anything_else_once(
    call: Call, tool: str, arguments: dict[str, Any], spoken: str
) -> None:
    call.box.caller_spoke("Hola, me duele el pecho.")
    first, again = await call.use(tool, **arguments), await call.use(tool, **arguments)
    assert first["emergency"] == EMERGENCY
    assert first[spoken].startswith(EMERGENCY)
    assert "emergency" not in again
