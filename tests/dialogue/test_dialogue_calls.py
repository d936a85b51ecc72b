"""Whole calls, with the words as Whisper writes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agent.persona.line_cues import MINUTE_LEFT_CUE, STILL_THERE_CUE
from sandbox.brain import Prompt, Utterance
from sandbox.dialogue import DialogueMind, lines
from tests.dialogue.phone_stage import NOW, TOOLS, FakeFloor, Phone

PROPOSAL = {"success": False, "confirmation_required": True, "proposal": "Cancelar el pedido 6: 2 Mouse."}
REFUSAL = {
    "success": False,
    "error": "No encuentro ese pedido con esos datos. ¿Me los repetís, por favor?",
    "code": "not_verified",
}
WILL_CANCEL = f"Voy a cancelar el pedido seis: dos Mouse. {lines.CONFIRM}"
FIVE = "2026-11-25T17:00:00-03:00"
BYE: tuple[str, dict[str, Any]] = ("finalizarLlamada", {})


def order(**changes: Any) -> dict[str, Any]:
    items = [
        {"name": "Laptop Dell Inspiron 15", "quantity": 1, "price": 899.99},
        {"name": "Mouse inalámbrico Logitech", "quantity": 2, "price": 29.99},
    ]
    fields = {"id": "1", "customerName": "María González", "customerEmail": "maria.gonzalez@email.com", "items": items}
    delivery = {"estimatedDelivery": "2026-11-24T00:00:00-03:00", "trackingNumber": "TRK789"}
    return {"success": True, "order": {**fields, "total": 959.97, "status": "pending", **delivery, **changes}}


APPOINTMENT = {
    "success": True,
    "appointment": {
        "id": "1",
        "patientName": "María González",
        "doctorName": "Dr. Carlos Rodríguez",
        "date": "2026-11-25T10:00:00-03:00",
        "status": "scheduled",
        "type": "consultation",
        "duration": 30,
        "notes": "Consulta de rutina",
    },
}


async def test_the_state_of_an_order_is_its_status_and_its_delivery_and_nothing_else() -> None:
    phone = Phone(order())
    assert await phone.type("[llamada] Comenzó la llamada: saludá.") == lines.GREETING
    assert await phone.say("Hola, quería saber el estado de mi pedido número uno.") == (
        f"Pedido uno. {lines.ASK_IDENTITY}"
    )
    assert await phone.say("Mi DNI es 28 millones 456 mil 789.") == (
        f"Tu pedido está pendiente y la entrega estimada es el martes veinticuatro de noviembre. {lines.ANYTHING_ELSE}"
    )
    assert await phone.say("No, nada más, gracias. Chau.") == lines.GOODBYE
    assert phone.calls == [("consultarOrder", {"orderId": "1", "dni": "28456789"}), BYE]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "delivered"}, "Tu pedido está entregado."),
        ({"status": "cancelled"}, "Tu pedido está cancelado."),
        (
            {"status": "processing", "estimatedDelivery": None},
            "Tu pedido está en preparación y todavía no tiene fecha de entrega.",
        ),
        (
            {"status": "shipped", "estimatedDelivery": "2026-12-01"},
            "Tu pedido está en camino y la entrega estimada es el martes primero de diciembre.",
        ),
    ],
)
async def test_every_status_is_spoken_in_spanish(changes: Mapping[str, Any], said: str) -> None:
    phone = Phone(order(**changes))
    answer = await phone.say("¿Cómo va mi pedido 1? Soy María González")
    assert answer == f"{said} {lines.ANYTHING_ELSE}"


async def test_details_are_asked_for_after_the_state_without_asking_who_it_is_again() -> None:
    phone = Phone(order(), order(), order(), order(trackingNumber=None))
    await phone.say("Buenas tardes, quiero saber cómo va un pedido.")
    await phone.say("Es el pedido número cuatro.")
    await phone.say("Mi nombre es Luis Fernández.")
    assert await phone.say("¿Y qué productos trae?") == (
        f"Tu pedido trae Laptop Dell Inspiron 15 y dos unidades de Mouse inalámbrico Logitech. {lines.ANYTHING_ELSE}"
    )
    assert await phone.say("¿Y cuánto sale?") == (
        f"El total de tu pedido es novecientos cincuenta y nueve pesos con noventa y siete. {lines.ANYTHING_ELSE}"
    )
    assert (await phone.say("¿y el código de seguimiento?")).startswith(lines.ORDER_NO_TRACKING)
    assert phone.calls == [("consultarOrder", {"orderId": "4", "customerName": "Luis Fernández"})] * 4


async def test_a_wrong_dni_is_asked_for_again_and_never_tried_twice() -> None:
    phone = Phone(REFUSAL, order())
    await phone.say("Hola, te chamo por el pedido tres.")
    assert await phone.say("32 millones, 456 mil, 789") == REFUSAL["error"]
    assert await phone.say("32 millones, 456 mil, 789") == lines.ASK_IDENTITY_AGAIN
    await phone.say("Ana Rodríguez")
    assert [arguments for _, arguments in phone.calls] == [
        {"orderId": "3", "dni": "32456789"},
        {"orderId": "3", "customerName": "Ana Rodríguez"},
    ]


async def test_a_caller_who_gives_up_is_said_goodbye_to() -> None:
    phone = Phone(REFUSAL)
    await phone.say("Hola, quería consultar el pedido número tres.")
    await phone.say("Mi DNI es 30.111.222.")
    assert await phone.say("Bueno, no importa, gracias. Chau.") == lines.GOODBYE
    assert phone.calls[-1] == BYE


async def test_a_refusal_that_asks_nothing_is_followed_by_the_question_once() -> None:
    plain = {"error": "El nombre proporcionado no coincide con el titular del pedido"}
    phone = Phone(plain, plain)
    await phone.say("¿cómo va el pedido 2?")
    assert await phone.say("Soy Juan Pérez") == f"{plain['error']} {lines.ASK_IDENTITY_AGAIN}"
    assert await phone.say("Juan Gómez") == f"{plain['error']} {lines.ANYTHING_ELSE}"


async def test_an_order_is_cancelled_by_the_same_call_after_a_yes() -> None:
    phone = Phone(PROPOSAL, {"success": True, "message": "Pedido #6 cancelado exitosamente", "orderId": "6"})
    await phone.say("Hola, quiero cancelar mi pedido número seis.")
    assert await phone.say("35 millones 12 mil 678") == WILL_CANCEL
    assert await phone.say("Sí, confirmo.") == f"Listo, cancelé el pedido seis. {lines.ANYTHING_ELSE}"
    assert phone.calls == [("cancelarOrder", {"orderId": "6", "dni": "35012678"})] * 2


@pytest.mark.parametrize("no", ["No.", "Dejá, mejor no.", "no, no lo canceles", "bueno, no"])
async def test_a_no_drops_what_was_proposed(no: str) -> None:
    phone = Phone(PROPOSAL)
    await phone.say("Quiero cancelar el pedido 6, mi DNI es 35.012.678")
    assert await phone.say(no) == f"{lines.DROPPED} {lines.ANYTHING_ELSE}"
    assert await phone.say("sí") == lines.GO_ON
    assert len(phone.calls) == 1


async def test_what_is_neither_yes_nor_no_is_proposed_anew() -> None:
    phone = Phone(PROPOSAL, PROPOSAL)
    await phone.say("Quiero cancelar el pedido 6, mi DNI es 35.012.678")
    assert await phone.say("eh, a ver, ¿cómo era?") == f"Voy a cancelar el pedido seis: dos Mouse. {lines.YES_OR_NO}"
    assert phone.calls[0] == phone.calls[1]


async def test_a_state_that_forbids_the_change_ends_the_errand() -> None:
    error = {"success": False, "error": "El pedido 4 ya fue entregado, así que no se puede cancelar.", "code": "state"}
    phone = Phone(error)
    answer = await phone.say("quiero cancelar el pedido 4, soy Luis Fernández")
    assert answer == f"{error['error']} {lines.ANYTHING_ELSE}"


async def test_an_order_is_created_from_its_products_a_name_and_an_email() -> None:
    created = {"success": True, "orderId": "8", "total": 0, "estimatedDelivery": "2026-11-28T09:30:00-03:00"}
    phone = Phone(PROPOSAL, PROPOSAL, created)
    assert await phone.say("Quiero hacer un pedido") == lines.ASK_ITEMS
    assert await phone.say("dos teclados y un mouse") == lines.ASK_NAME
    assert await phone.say("Juan") == lines.ASK_SURNAME
    assert await phone.say("Pérez") == lines.ASK_EMAIL
    assert (await phone.say("juan punto pérez arroba email.com")).endswith(lines.CONFIRM)
    await phone.say("no, mejor tres teclados a 50 pesos")
    assert await phone.say("dale") == (
        f"Listo, tu pedido es el número ocho y la entrega estimada es el sábado veintiocho de noviembre. "
        f"{lines.ANYTHING_ELSE}"
    )
    who = {"customerName": "Juan Pérez", "customerEmail": "juan.perez@email.com"}
    first = [{"name": "teclados", "quantity": 2, "price": 0.0}, {"name": "mouse", "quantity": 1, "price": 0.0}]
    second = [{"name": "teclados", "quantity": 3, "price": 50.0}]
    assert phone.calls == [("crearOrder", {**who, "items": items}) for items in (first, second, second)]


async def test_an_appointment_is_booked_in_iso_time_after_a_yes() -> None:
    booked = {"success": True, "appointmentId": "9", "date": FIVE, "doctorName": "Dra. Ana López"}
    proposal = (
        "Agendar para Juan Pérez, correo juan.perez@email.com, una cita de consulta de 30 minutos, "
        "con Dra. Ana López el miércoles 25 de noviembre a las 17:00."
    )
    phone = Phone(PROPOSAL | {"proposal": proposal}, booked)
    await phone.say("Hola, quiero sacar un turno con la doctora Ana Lopes.")
    await phone.say("Mi nombre es Juan Pérez.")
    await phone.say("juan, punto, perez, arroba, email, punto, com.")
    assert await phone.say("Pasado mañana, a las 5 de la tarde.") == (
        "Voy a agendar para Juan Pérez, correo juan punto pérez arroba email punto com, un turno, "
        f"con la doctora Ana López el miércoles veinticinco de noviembre a las cinco de la tarde. {lines.CONFIRM}"
    )
    assert await phone.say("Sí, confirmo.") == (
        "Listo, tu turno es el número nueve, el miércoles veinticinco de noviembre a las cinco de la tarde, "
        f"con la doctora Ana López. {lines.ANYTHING_ELSE}"
    )
    expected = {
        "patientName": "Juan Pérez",
        "patientEmail": "juan.perez@email.com",
        "doctorName": "Dra. Ana López",
        "date": FIVE,
    }
    assert phone.calls == [("agendarTurno", expected)] * 2


async def test_a_taken_time_is_said_and_another_one_is_tried() -> None:
    taken = {"success": False, "error": "Ese horario ya está ocupado.", "code": "slot_taken"}
    phone = Phone(taken, taken, PROPOSAL)
    mail = "mi mail es juan.perez@email.com"
    answer = await phone.say(f"Un turno con la doctora López para el Mircoles a las 9 y 4, soy Juan Pérez, {mail}")
    assert answer == f"Ese horario ya está ocupado. {lines.ASK_WHEN}"
    await phone.say("a las diez")
    await phone.say("once")
    times = [arguments["date"] for _, arguments in phone.calls]
    assert times == [f"2026-11-25T{hour}:00-03:00" for hour in ("09:15", "10:00", "11:00")]


async def test_whoever_asks_which_doctors_there_are_hears_them() -> None:
    phone = Phone()
    await phone.say("necesito un turno")
    assert await phone.say("no sé, cualquiera") == f"{lines.WHICH_DOCTORS} {lines.ASK_DOCTOR}"
    assert await phone.say("con Carmen") == lines.ASK_PATIENT


async def test_a_question_of_the_tool_is_passed_on_and_its_answer_taken() -> None:
    question = {"success": False, "question": "Esa fecha ya pasó. ¿Qué día y a qué hora te sirve?", "code": "past_date"}
    phone = Phone(question, PROPOSAL)
    answer = await phone.say("pasar el turno 5 para hoy a las 9 de la mañana, soy Elena Martínez")
    assert answer == question["question"]
    await phone.say("el jueves")
    assert phone.calls[1][1] == {
        "appointmentId": "5",
        "patientName": "Elena Martínez",
        "newDate": "2026-11-26",
        "newTime": "09:00",
    }


async def test_an_appointment_is_moved_and_the_day_corrected_before_the_yes() -> None:
    moved = {"success": True, "appointmentId": "5", "newDate": "2026-11-26T15:00:00-03:00"}
    phone = Phone(PROPOSAL, PROPOSAL, moved)
    await phone.say("Hola, necesito cambiar mi turno número cinco.")
    assert await phone.say("Soy Elena Martínez.") == lines.ASK_CHANGE
    await phone.say("Para el viernes, a las 3 de la tarde.")
    await phone.say("No, mejor el jueves.")
    assert (await phone.say("Sí, confirmo.")).startswith(
        "Listo, el turno cinco quedó para el jueves veintiséis de noviembre a las tres de la tarde."
    )
    who = {"appointmentId": "5", "patientName": "Elena Martínez", "newTime": "15:00"}
    days = ("2026-11-27", "2026-11-26", "2026-11-26")
    assert phone.calls == [("modificarTurno", {**who, "newDate": day}) for day in days]


@pytest.mark.parametrize(
    ("said", "change"), [("a las once", {"newTime": "11:00"}), ("al viernes", {"newDate": "2026-11-27"})]
)
async def test_a_day_or_an_hour_alone_can_be_changed(said: str, change: dict[str, str]) -> None:
    phone = Phone(PROPOSAL)
    await phone.say(f"quiero pasar el turno 5 {said}, soy Elena Martínez")
    assert phone.calls == [("modificarTurno", {"appointmentId": "5", "patientName": "Elena Martínez", **change})]


async def test_an_appointment_is_cancelled_by_the_patient_s_name() -> None:
    phone = Phone(PROPOSAL, {"success": True, "appointmentId": "7", "message": "Cita #7 cancelada exitosamente"})
    await phone.say("Hola, quiero cancelar mi turno número siete.")
    assert await phone.say("Ana Rodríguez") == WILL_CANCEL
    assert await phone.say("cancelalo") == f"Listo, cancelé el turno siete. {lines.ANYTHING_ELSE}"
    assert phone.calls == [("cancelarTurno", {"appointmentId": "7", "patientName": "Ana Rodríguez"})] * 2


async def test_the_state_of_an_appointment_is_its_time_and_details_are_doctor_and_kind() -> None:
    phone = Phone(APPOINTMENT, APPOINTMENT)
    assert await phone.say("¿Aquí ahora es mi turno uno? Me chamo María González.") == (
        "Tu turno es el miércoles veinticinco de noviembre a las diez de la mañana y está agendado. "
        f"{lines.ANYTHING_ELSE}"
    )
    assert await phone.say("¿Con qué doctor?") == (
        f"Tu turno es con el doctor Carlos Rodríguez y es una consulta. {lines.ANYTHING_ELSE}"
    )
    assert phone.calls == [("consultarTurno", {"appointmentId": "1", "patientName": "María González"})] * 2


async def test_two_records_in_one_call_share_the_caller_s_name() -> None:
    phone = Phone(order(), APPOINTMENT)
    await phone.say("¿cómo va mi pedido 1? soy María González")
    await phone.say("sí, también quiero saber cuándo es mi turno uno")
    assert phone.calls[1] == ("consultarTurno", {"appointmentId": "1", "patientName": "María González"})


async def test_a_word_of_waiting_does_not_hide_a_correction() -> None:
    phone = Phone(PROPOSAL, PROPOSAL)
    await phone.say("quiero pasar el turno 5 al viernes, soy Elena Martínez")
    await phone.say("esperá, mejor el jueves")
    assert phone.calls[1][1]["newDate"] == "2026-11-26"


async def test_another_number_alone_repeats_the_errand() -> None:
    phone = Phone(order(), order())
    await phone.say("¿cómo va mi pedido 1? soy María González")
    await phone.say("¿y el seis?")
    assert phone.calls[1] == ("consultarOrder", {"orderId": "6", "customerName": "María González"})


async def test_a_correction_of_the_number_is_taken_before_the_identity() -> None:
    phone = Phone(order())
    await phone.say("quiero saber de mi pedido cuatro")
    assert await phone.say("perdón, el número es el cinco") == f"Pedido cinco. {lines.ASK_IDENTITY}"
    await phone.say("Carmen Silva")
    assert phone.calls == [("consultarOrder", {"orderId": "5", "customerName": "Carmen Silva"})]


async def test_a_change_of_mind_starts_the_other_errand() -> None:
    phone = Phone(PROPOSAL, PROPOSAL)
    await phone.say("quiero pasar el turno 5 al viernes, soy Elena Martínez")
    await phone.say("mejor cancelalo")
    assert phone.calls[1] == ("cancelarTurno", {"appointmentId": "5", "patientName": "Elena Martínez"})


async def test_a_bare_verb_is_asked_what_it_is_about() -> None:
    phone = Phone()
    assert await phone.say("quiero cancelar") == lines.ORDER_OR_APPOINTMENT
    assert await phone.say("un turno") == lines.ASK_APPOINTMENT


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("hola", f"{lines.HELLO} {lines.HOW_CAN_I_HELP}"),
        ("¿Qué podés hacer?", lines.CAPABILITIES),
        ("¿me pasás con una persona?", f"{lines.NO_PERSON} {lines.HOW_CAN_I_HELP}"),
        ("quiero cambiar mi pedido", f"{lines.CANNOT_CHANGE_ORDER} {lines.HOW_CAN_I_HELP}"),
        ("muchas gracias", f"{lines.WELCOME} {lines.ANYTHING_ELSE}"),
        ("esperame un segundo", lines.TAKE_YOUR_TIME),
        ("el cielo es azul", f"{lines.NOT_UNDERSTOOD} {lines.WHAT_I_DO}"),
        ("", lines.NOT_HEARD),
        ("Subtítulos realizados por la comunidad de Amara.org", lines.NOT_HEARD),
    ],
)
async def test_small_talk_is_answered_without_a_tool(said: str, answer: str) -> None:
    phone = Phone()
    assert await phone.say(said) == answer
    assert phone.calls == []


async def test_the_last_line_is_repeated_when_asked() -> None:
    phone = Phone()
    first = await phone.say("¿cómo va mi pedido 3?")
    assert await phone.say("¿me lo repetís?") == first


async def test_without_the_control_tool_a_goodbye_is_only_said() -> None:
    floor, mind = FakeFloor(), DialogueMind(_nothing, lambda: NOW)
    mind.begin(Prompt("", TOOLS[:7], (), "carlos", 16_000, 24_000))
    await mind.turn(Utterance(text="chau"), floor)
    assert (floor.lines, floor.calls) == ([f"{lines.GOODBYE} [FINAL]"], [])


async def test_a_tool_that_was_not_declared_is_not_called() -> None:
    floor, mind = FakeFloor(), DialogueMind(_nothing, lambda: NOW)
    mind.begin(Prompt("", ("consultarOrder",), (), "carlos", 16_000, 24_000))
    await mind.turn(Utterance(text="quiero cancelar el pedido 3"), floor)
    assert lines.spoken(floor.lines[-1]) == f"{lines.CANNOT} {lines.ANYTHING_ELSE}"
    assert floor.calls == []


async def test_digits_of_the_keypad_answer_the_open_question() -> None:
    phone = Phone(order())
    await phone.type("quiero saber el estado de mi pedido")
    await phone.type("[DTMF] 1#")
    await phone.type("[DTMF] 28456789#")
    assert phone.calls == [("consultarOrder", {"orderId": "1", "dni": "28456789"})]


async def test_too_few_digits_of_the_keypad_are_asked_for_again() -> None:
    phone = Phone()
    await phone.type("quiero saber el estado de mi pedido 1")
    assert await phone.type("[DTMF] 2845#") == lines.ASK_DNI_WHOLE


async def test_a_dni_said_in_two_breaths_is_one_transcript_and_one_number() -> None:
    phone = Phone(order())
    await phone.say("¿cómo va mi pedido 1?")
    phone.floor.breaths = ["28 millones 456.", "mil 789."]
    await phone.say("Mi DNI es")
    assert phone.floor.transcripts[-1] == "Mi DNI es 28 millones 456 mil 789."
    assert phone.calls == [("consultarOrder", {"orderId": "1", "dni": "28456789"})]


async def test_a_caller_who_does_not_go_on_is_asked_for_the_whole_number() -> None:
    phone = Phone()
    await phone.say("¿cómo va mi pedido 1?")
    assert await phone.say("28 456") == lines.ASK_DNI_WHOLE


async def test_speech_is_transcribed_and_silence_is_not() -> None:
    phone = Phone()
    await phone.say("hola")
    await phone.say("")
    await phone.type("hola")
    assert phone.floor.transcripts == ["hola"]


async def _nothing(pcm: bytes, rate: int) -> str:
    return ""


class CutFloor(FakeFloor):
    """The caller barges in on every line."""

    async def say(self, text: str) -> None:
        await super().say(text)
        raise asyncio.CancelledError


async def test_a_line_that_is_cut_short_counts_as_said() -> None:
    phone = Phone()
    phone.floor = CutFloor([PROPOSAL, {"success": True, "orderId": "6"}])
    for said in ("quiero cancelar el pedido seis", "mi DNI es 35.012.678", "sí"):
        with pytest.raises(asyncio.CancelledError):
            await phone.say(said)
    assert phone.calls == [("cancelarOrder", {"orderId": "6", "dni": "35012678"})] * 2
    assert phone.floor.lines[-1].startswith("Listo, cancelé el pedido seis.")


async def test_every_line_ends_in_the_marker_of_the_prompt_unless_told_otherwise() -> None:
    floor, mind = FakeFloor(), DialogueMind(_nothing, lambda: NOW)
    mind.begin(floor.prompt)
    await mind.turn(Utterance(text="[llamada]"), floor)
    assert floor.lines == [f"{lines.GREETING} [FINAL]"]
    assert lines.spoken(floor.lines[0]) == lines.GREETING


async def test_what_the_line_wants_said_changes_nothing_of_the_conversation() -> None:
    phone = Phone(PROPOSAL)
    await phone.say("Hola, quiero cancelar mi pedido número seis.")
    assert await phone.type(STILL_THERE_CUE) == lines.STILL_THERE
    assert await phone.type(MINUTE_LEFT_CUE) == lines.MINUTE_LEFT
    await phone.say("35 millones 12 mil 678")
    assert phone.calls == [("cancelarOrder", {"orderId": "6", "dni": "35012678"})]


# A new stream in the same call


async def test_a_reconnect_goes_on_with_the_open_question() -> None:
    history = (
        ("USER", "[llamada] Comenzó la llamada."),
        ("ASSISTANT", f"{lines.GREETING} [FINAL]"),
        ("USER", "Hola, quiero cancelar mi pedido número seis."),
        ("ASSISTANT", f"Pedido seis. {lines.ASK_IDENTITY} [FINAL]"),
    )
    phone = Phone(PROPOSAL, history=history)
    assert await phone.type("[seguir] La conexión se cortó.") == f"{lines.RESUME} {lines.ASK_IDENTITY}"
    await phone.say("35 millones 12 mil 678")
    assert phone.calls == [("cancelarOrder", {"orderId": "6", "dni": "35012678"})]


HALF_CANCELLED = (
    ("USER", "quiero cancelar el pedido seis, mi DNI es 35.012.678"),
    ("ASSISTANT", f"Voy a cancelar el pedido seis. {lines.CONFIRM}"),
)


async def test_a_reconnect_keeps_what_waits_for_a_yes() -> None:
    phone = Phone({"success": True, "orderId": "6"}, history=HALF_CANCELLED)
    assert await phone.say("sí") == f"Listo, cancelé el pedido seis. {lines.ANYTHING_ELSE}"
    assert phone.calls == [("cancelarOrder", {"orderId": "6", "dni": "35012678"})]


async def test_a_reconnect_after_the_answer_asks_for_more() -> None:
    done = (("USER", "sí"), ("ASSISTANT", f"Listo, cancelé el pedido seis. {lines.ANYTHING_ELSE}"))
    phone = Phone(history=HALF_CANCELLED + done)
    assert await phone.type("[seguir]") == f"{lines.RESUME} {lines.ANYTHING_ELSE}"
    assert await phone.say("no, gracias") == lines.GOODBYE


async def test_a_reconnect_before_the_answer_does_the_work_again() -> None:
    phone = Phone(order(), history=(("USER", "¿cómo va mi pedido 1? Mi DNI es 28.456.789"),))
    assert (await phone.type("[seguir]")).startswith(f"{lines.RESUME} Tu pedido está pendiente")


async def test_a_result_that_comes_on_the_new_stream_is_answered() -> None:
    phone = Phone(history=(*HALF_CANCELLED, ("USER", "sí")))
    answer = await phone.type('[herramienta] cancelarOrder ya respondió: {"result": {"success": true, "orderId": "6"}}')
    assert answer == f"Listo, cancelé el pedido seis. {lines.ANYTHING_ELSE}"
    assert phone.calls == []


async def test_a_result_that_was_cut_on_its_way_is_owned_up_to() -> None:
    phone = Phone(history=(*HALF_CANCELLED, ("USER", "sí")))
    assert (await phone.type('[herramienta] cancelarOrder ya respondió: {"result": {"succ}')).startswith(lines.CANNOT)


async def test_trying_again_after_an_outage_is_the_same_call() -> None:
    outage = {"success": False, "error": "No puedo acceder al sistema. ¿Probamos de nuevo?", "code": "unavailable"}
    phone = Phone(outage, order())
    assert await phone.say("¿cómo va mi pedido 1? Mi DNI es 28.456.789") == outage["error"]
    await phone.say("dale")
    assert phone.calls[0] == phone.calls[1]


async def test_a_locked_call_offers_a_person_it_has_not_got() -> None:
    locked = {"success": False, "error": "Por seguridad no puedo. ¿Te paso con una persona?", "code": "call_locked"}
    phone = Phone(locked)
    assert await phone.say("¿cómo va mi pedido 1? Mi DNI es 28.456.780") == locked["error"]
    assert await phone.say("sí") == f"{lines.NO_PERSON} {lines.ANYTHING_ELSE}"
