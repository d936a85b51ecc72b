"""Callers without a number, and questions about the business, where the line has tools for them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.dialogue import lines
from tests.dialogue.front_desk import LINE_TOOLS, Desk
from tests.dialogue.phone_stage import TOOLS

APPOINTMENTS = [
    {"id": "4", "doctorName": "Dr. Carlos Rodríguez", "date": "2026-11-25T10:00:00-03:00", "status": "scheduled"},
    {"id": "7", "doctorName": "Dra. Ana López", "date": "2026-11-27T16:00:00-03:00", "status": "scheduled"},
    {"id": "9", "doctorName": "Dra. Ana López", "date": "2026-11-28T16:00:00-03:00", "status": "cancelled"},
]
TIMES = [
    {"doctorName": "Dra. Ana López", "date": "2026-11-26T10:00:00-03:00", "duration": 30},
    {"doctorName": "Dra. Carmen Ruiz", "date": "2026-11-26T16:30:00-03:00", "duration": 30},
]
FREE = "Tengo el jueves 26 a las 10 con la doctora Ana López o el jueves 26 a las 4 y media con la doctora Carmen Ruiz."


def desk(appointments: list[dict[str, Any]] = APPOINTMENTS) -> Desk:
    here = Desk((*TOOLS, *LINE_TOOLS))
    here.reads |= {
        "buscarRegistros": {
            "success": True,
            "orders": [],
            "appointments": appointments,
            "message": "Tenés dos turnos.",
        },
        "horariosLibres": {"success": True, "times": TIMES, "message": FREE},
        "consultarInformacion": {"success": True, "found": True, "message": "Estamos en Corrientes 1234."},
    }
    return here


async def told(here: Desk, *sentences: str) -> str:
    return [await here.say_to(said) for said in sentences][-1]


async def test_a_caller_with_no_number_moves_an_appointment_in_five_turns() -> None:
    here = desk(APPOINTMENTS[:1])
    answer = await told(
        here,
        "Quiero cambiar mi turno pero no sé el número",
        "María González",
        "maria punto gonzalez arroba email punto com",
    )
    assert answer == f"Tenés dos turnos. {lines.ASK_CHANGE}"
    await told(here, "el viernes a las once de la mañana", "sí")
    who = {"customerName": "María González", "customerEmail": "maria.gonzalez@email.com", "kind": "appointments"}
    assert here.calls[0] == ("buscarRegistros", who)
    move = {"appointmentId": "4", "patientName": "María González", "newDate": "2026-11-27", "newTime": "11:00"}
    assert here.written == [("modificarTurno", move)]


@pytest.mark.parametrize(
    ("said", "number"),
    [("el segundo", "7"), ("el de la doctora López", "7"), ("el del miércoles", "4"), ("el siete", "7")],
)
async def test_of_several_the_caller_says_which(said: str, number: str) -> None:
    here = desk()
    answer = await told(
        here, "quiero cancelar un turno", "no me acuerdo el número", "María González", "maria@email.com"
    )
    assert answer.endswith(lines.WHICH_ONE)
    await here.say_to(said)
    assert here.calls[-1] == ("cancelarTurno", {"appointmentId": number, "patientName": "María González"})
    assert here.written == []


async def test_whoever_has_nothing_hears_so() -> None:
    answer = await told(desk([]), "quiero saber de mi turno, no tengo el número", "Ana Gómez", "ana@email.com")
    assert answer == f"Tenés dos turnos. {lines.ANYTHING_ELSE}"


async def test_my_appointments_are_told_and_one_of_them_can_be_taken_up() -> None:
    here = desk()
    await told(here, "¿qué turnos tengo? Soy María González", "maria@email.com", "cancelá el primero")
    assert here.calls[-1] == ("cancelarTurno", {"appointmentId": "4", "patientName": "María González"})


async def test_my_orders_are_opened_by_a_dni() -> None:
    here = desk()
    await told(here, "quiero saber de mis pedidos", "Carlos Mendoza", "31.204.578")
    who = {"customerName": "Carlos Mendoza", "dni": "31204578", "kind": "orders"}
    assert here.calls == [("buscarRegistros", who)]


async def test_a_free_time_that_is_told_is_booked() -> None:
    here = desk()
    answer = await told(here, "¿qué horarios hay la semana que viene a la tarde?")
    assert answer == f"{FREE} {lines.WHICH_TIME}"
    await told(here, "la segunda", "Juan Pérez", "juan@email.com")
    assert here.calls[0] == ("horariosLibres", {"day": "la semana que viene a la tarde"})
    booking = {"doctorName": "Dra. Carmen Ruiz", "date": "2026-11-26T16:30:00-03:00"}
    assert booking.items() <= here.calls[-1][1].items()


async def test_free_times_are_asked_for_while_an_appointment_is_moved() -> None:
    here = desk()
    await told(here, "quiero cambiar el turno cinco, soy Elena Martínez", "¿qué hay el jueves?", "¿qué horarios hay?")
    await here.say_to("la primera")
    assert here.calls[-1] == (
        "modificarTurno",
        {"appointmentId": "5", "patientName": "Elena Martínez", "newDate": "2026-11-26", "newTime": "10:00"},
    )


@pytest.mark.parametrize("said", ["¿Dónde quedan?", "¿qué médicos atienden?", "¿trabajan con OSDE?", "¿Y tienen wifi?"])
async def test_what_the_business_is_asked_is_looked_up_and_what_was_open_goes_on(said: str) -> None:
    here = desk()
    await here.say_to("quiero cancelar el pedido seis")
    question = await here.say_to(said)
    assert here.calls == [("consultarInformacion", {"question": said})]
    assert question.startswith("Estamos en Corrientes 1234.")
    assert question.endswith(lines.ASK_IDENTITY)


async def test_a_question_before_the_yes_is_answered_and_the_yes_asked_for_again() -> None:
    here = desk()
    await here.say_to("quiero cancelar el pedido seis, soy Roberto Vargas")
    answer = await here.say_to("Si lo cancelo, ¿me devuelven la plata?")
    assert answer.startswith("Estamos en Corrientes 1234. Voy a cancelar el pedido seis")
    assert here.written == []
    await here.say_to("sí")
    assert here.written == [("cancelarOrder", {"orderId": "6", "customerName": "Roberto Vargas"})]


async def test_several_errands_are_done_one_after_the_other() -> None:
    here = desk()
    await told(here, "quiero cancelar el pedido seis y el turno siete", "soy Ana Rodríguez", "sí, dale", "sí")
    assert [name for name, _ in here.written] == ["cancelarOrder", "cancelarTurno"]


async def test_an_errand_that_is_added_to_a_yes_loses_neither() -> None:
    here = desk()
    await told(here, "quiero cancelar el pedido seis, soy Ana Rodríguez", "sí, y también cancelá el turno uno")
    assert here.written == []
    assert (await here.say_to("sí")).startswith("Listo, cancelé el pedido seis. Voy a cancelar el turno uno")
    await here.say_to("sí")
    assert [name for name, _ in here.written] == ["cancelarOrder", "cancelarTurno"]


async def test_three_times_not_understood_is_put_in_three_ways() -> None:
    here = desk()
    await here.say_to("quiero saber cómo va un pedido")
    said = [await here.say_to("la tortuga cruzó la autopista") for _ in range(3)]
    assert len(set(said)) == 3
    assert all(answer.endswith(lines.ASK_ORDER) for answer in said)
