from __future__ import annotations

from datetime import date

import pytest

from sandbox.dialogue.intents import Aspect, Kind, Reply, Task
from sandbox.dialogue.understanding import Slot, Understanding, understand

MONDAY = date(2026, 11, 23)


def read(text: str, *asked: Slot) -> Understanding:
    return understand(text, MONDAY, asked)


@pytest.mark.parametrize(
    ("said", "task"),
    [
        ("Hola, quiero saber el estado de mi pedido.", Task.CONSULT_ORDER),
        ("Hola, te chamo por el pedido tres.", Task.CONSULT_ORDER),
        ("¿Cuándo me llega la compra?", Task.CONSULT_ORDER),
        ("Quiero pedir información sobre mi pedido", Task.CONSULT_ORDER),
        ("mi perdido número 3", Task.CONSULT_ORDER),
        ("Quiero cancelar el pedido seis", Task.CANCEL_ORDER),
        ("necesito dar de baja una orden", Task.CANCEL_ORDER),
        ("Quiero hacer un pedido de dos teclados", Task.CREATE_ORDER),
        ("Quiero comprar un monitor", Task.CREATE_ORDER),
        ("Quiero sacar un turno con la doctora López", Task.BOOK),
        ("necesito un turno", Task.BOOK),
        ("quiero pedir una cita para mañana", Task.BOOK),
        ("Quiero cancelar mi turno número ocho", Task.CANCEL_APPOINTMENT),
        ("Quiero cambiar el turno 4 para el jueves", Task.MOVE),
        ("necesito reprogramar mi cita", Task.MOVE),
        ("¿A qué hora es mi turno?", Task.CONSULT_APPOINTMENT),
        ("Aquí ahora es mi turno", Task.CONSULT_APPOINTMENT),
        ("¿Qué podés hacer?", None),
        ("No, gracias.", None),
    ],
)
def test_a_wish_is_one_of_the_seven_tools(said: str, task: Task | None) -> None:
    assert read(said).intent.task(None) is task


@pytest.mark.parametrize(
    ("said", "aspect"),
    [
        ("el estado del pedido", Aspect.STATE),
        ("¿qué productos trae mi pedido?", Aspect.DETAILS),
        ("quiero los detalles del turno", Aspect.DETAILS),
        ("¿con quién es mi turno?", Aspect.DETAILS),
        ("¿cuánto sale mi pedido?", Aspect.TOTAL),
        ("el código de seguimiento del pedido", Aspect.TRACKING),
    ],
)
def test_state_and_details_are_told_apart(said: str, aspect: Aspect) -> None:
    assert read(said).intent.aspects == {aspect}


def test_what_was_spoken_of_last_completes_a_bare_verb() -> None:
    assert read("cancelalo").intent.task(Kind.APPOINTMENT) is Task.CANCEL_APPOINTMENT
    assert read("cancelalo").intent.task(None) is None


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Sí, dale.", True),
        ("Sí, confirmo.", True),
        ("bueno", True),
        ("Sí, no hay problema", True),
        ("No.", False),
        ("bueno, no", False),
        ("claro que no", False),
        ("no sé", None),
        ("quiero saber si llegó", None),
        ("mañana", None),
    ],
)
def test_yes_and_no_are_told_apart(said: str, answer: bool | None) -> None:
    assert read(said).intent.answer is answer


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Gracias, chau.", Reply.GOODBYE),
        ("No, nada más.", Reply.GOODBYE),
        ("Dejá, mejor no.", Reply.DROP),
        ("Quiero hablar con una persona", Reply.PERSON),
        ("¿me lo repetís?", Reply.REPEAT),
        ("no me acuerdo", Reply.UNKNOWN),
    ],
)
def test_small_talk_is_recognised(said: str, reply: Reply) -> None:
    assert reply in read(said).intent.replies


@pytest.mark.parametrize("said", ["el tres", "Tres.", "número 3", "003", "pedido #3", "Nº 3", "el pedido es el tres"])
def test_the_number_of_a_record_may_be_a_bare_answer(said: str) -> None:
    assert read(said, Slot.RECORD_ID).record_id == "3"


def test_a_record_and_a_dni_in_one_breath_are_two_numbers() -> None:
    said = read("El pedido tres, veintisiete millones ochocientos noventa y tres mil cuatrocientos doce")
    assert (said.record_id, said.dni) == ("3", "27893412")


def test_few_digits_to_the_question_for_a_dni_are_a_part_of_it() -> None:
    said = read("el número es 28456", Slot.IDENTITY)
    assert (said.record_id, said.partial_dni, said.unfinished) == (None, True, True)


def test_a_correction_of_the_record_is_no_part_of_a_dni() -> None:
    assert read("perdón, el número es el cinco", Slot.IDENTITY).record_id == "5"


@pytest.mark.parametrize(
    "said", ["mi DNI es", "28 millones 456", "28 millones 456 mil", "veintiocho cuarenta y cinco", "soy"]
)
def test_a_sentence_that_stops_in_the_middle_is_unfinished(said: str) -> None:
    assert read(said, Slot.IDENTITY).unfinished


@pytest.mark.parametrize(
    "said",
    [
        "28 millones 456 mil 789",
        "Es el 30, 512, 946.",
        "35 millones, 12.678.",
        "28456789",
        "María González",
        "¿con quién es?",
        "el miércoles a las 9 y 4",
    ],
)
def test_a_whole_sentence_is_not_waited_for(said: str) -> None:
    assert not read(said, Slot.IDENTITY).unfinished


def test_the_subtitles_that_whisper_hears_in_silence_are_nothing() -> None:
    assert read("Subtítulos realizados por la comunidad de Amara.org").text == ""


def test_the_kind_of_visit_is_passed_on_when_it_is_said() -> None:
    assert read("un turno de urgencia").kind_of_visit == "emergency"
    assert read("un turno").kind_of_visit is None
