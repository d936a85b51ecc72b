"""The message after a write: asked about, sent on a clear yes, once for each write, on both stores."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from common.times import Clock
from data.errors import Unavailable
from data.store import Store
from tests.support.prompt_guide import Kind, Text, lint
from tests.support.waiting import until
from tests.tools.messages import MOBILE, Outgoing, Phone
from tools.catalogue import NAMES
from tools.confirmation import MOST_CREATED
from tools.follow_up import MOST_CHARACTERS, MOST_TO_ONE_NUMBER, NAME, SPOKEN, FollowUps, MaybeSent, NotSent

BOOKING: dict[str, Any] = {
    "patientName": "Juan Pérez",
    "patientEmail": "juan@email.com",
    "doctorName": "doctora López",
    "date": "mañana a las 10",
}
UNUSED: Any = None
BOOKED = "Cita 9: martes 24 de noviembre a las 10:00, con Dra. Ana López."


@pytest.fixture
def messages() -> Outgoing:
    return Outgoing()


@pytest.fixture
def phone(seeded: Store, clock: Clock, messages: Outgoing) -> Phone:
    return Phone(seeded, clock, messages)


async def test_a_yes_to_the_question_after_a_write_sends_what_was_booked(phone: Phone, messages: Outgoing) -> None:
    done = await phone.twice("agendarTurno", **BOOKING)
    assert "¿Te mando un mensaje de texto con los datos a este número?" in done["next"]
    assert messages.sent == []
    sent = await phone.says_yes_to_a_message()
    assert sent["success"] is True
    assert messages.sent == [(MOBILE, f"Carlos: {BOOKED}")]
    assert phone.notes == [{"by": "sms", "use": "use-3", "status": "sent", "id": "SM1"}]


@pytest.mark.parametrize("said", ["No, gracias", "¿Cuánto sale?", "Sí, y quiero otro turno", "Bueno, no sé", ""])
async def test_without_a_clear_yes_nothing_is_sent(phone: Phone, messages: Outgoing, said: str) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    phone.box.caller_spoke(said)
    result = await phone.use(NAME)
    assert result.get("confirmation_required"), result
    assert messages.sent == []
    assert (await phone.says_yes_to_a_message())["success"] is True


async def test_the_models_word_alone_sends_nothing(phone: Phone, messages: Outgoing) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    for _ in range(3):
        assert (await phone.use(NAME)).get("confirmation_required")
    assert messages.sent == []


async def test_before_anything_was_done_there_is_nothing_to_send(phone: Phone) -> None:
    assert (await phone.use(NAME))["code"] == "nothing_to_send"


@pytest.mark.parametrize("number", [MOBILE, "+541152750000"])
@pytest.mark.parametrize("kind", ["sms", "whatsapp"])
def test_what_the_model_reads_keeps_to_the_guide(number: str, kind: Literal["sms", "whatsapp"]) -> None:
    process = FollowUps(UNUSED, Outgoing(kind))
    follow_up = process.of_call(number, lambda told: None)
    assert follow_up is not None
    description = follow_up.tool.input_schema["properties"]["phone"]["description"]
    texts = [
        Text(Kind.NEXT, follow_up.question, NAMES | {NAME}),
        Text(Kind.DESCRIPTION, follow_up.tool.description),
        Text(Kind.ARGUMENT, description),
        *(Text(Kind.SPEAK, said) for said in SPOKEN),
    ]
    assert lint(texts) == []


async def test_each_write_is_told_of_once(phone: Phone, messages: Outgoing) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    await phone.says_yes_to_a_message()
    phone.box.caller_spoke("Sí")
    assert (await phone.use(NAME))["code"] == "nothing_to_send"
    assert (await phone.use(NAME, phone="11 4444 1234"))["code"] == "nothing_to_send"
    await phone.twice("cancelarTurno", appointmentId="9", patientName="Juan Pérez")
    await phone.says_yes_to_a_message()
    cancelled = "Carlos: Cita 9, del martes 24 de noviembre a las 10:00: cancelada."
    assert [text for _, text in messages.sent] == [f"Carlos: {BOOKED}", cancelled]


async def test_one_message_tells_of_all_that_was_not_told_of_yet(phone: Phone, messages: Outgoing) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    await phone.twice("cancelarOrder", orderId="1", dni="28456789")
    await phone.says_yes_to_a_message()
    assert messages.sent == [(MOBILE, f"Carlos: {BOOKED} Pedido 1: cancelado.")]


async def test_an_order_is_told_with_its_total_and_nobodys_name(phone: Phone, messages: Outgoing) -> None:
    items = [{"name": "Mouse", "quantity": 2}]
    await phone.twice("crearOrder", customerName="Juan Pérez", customerEmail="j@email.com", items=items)
    await phone.says_yes_to_a_message()
    ((_, text),) = messages.sent
    assert "Total:" in text
    assert "Juan" not in text
    assert "email" not in text


async def test_another_number_is_read_back_before_anything_goes_there(phone: Phone, messages: Outgoing) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    proposed = await phone.says_yes_to_a_message(phone="0351 15 555 1234")
    assert "al 35 15 55 12 34" in proposed["proposal"]
    assert messages.sent == []
    await phone.says_yes_to_a_message(phone="3515551234")
    assert [to for to, _ in messages.sent] == ["+5493515551234"]


@pytest.mark.parametrize("said", ["+1 900 555 1234", "112", "mi celular", "11 5555", "9" * 5000, "+34 612 345 678"])
async def test_what_is_no_mobile_of_argentina_is_asked_for_again(phone: Phone, messages: Outgoing, said: str) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    assert (await phone.says_yes_to_a_message(phone=said))["code"] == "phone_needed"
    assert messages.sent == []


@pytest.mark.parametrize(
    "number", [None, "", "anonymous", "+266696687", "sip:ana@example.com", "client:ana", "Restricted"]
)
async def test_a_caller_without_a_number_is_offered_no_message(
    seeded: Store, clock: Clock, messages: Outgoing, number: str | None
) -> None:
    phone = Phone(seeded, clock, messages, number)
    assert NAME not in {tool.name for tool in phone.box.specs}
    assert (await phone.twice("agendarTurno", **BOOKING))["next"] == "Preguntale si necesita algo más."
    assert (await phone.use(NAME))["code"] == "unknown_tool"


async def test_from_a_land_line_a_mobile_is_asked_for(seeded: Store, clock: Clock, messages: Outgoing) -> None:
    phone = Phone(seeded, clock, messages, "+541152750000")
    done = await phone.twice("agendarTurno", **BOOKING)
    assert "a qué celular" in done["next"]
    assert (await phone.says_yes_to_a_message())["code"] == "phone_needed"
    await phone.twice(NAME, phone="11 5555 1234")
    assert [to for to, _ in messages.sent] == [MOBILE]


async def test_a_number_that_gets_no_messages_may_be_followed_by_another(phone: Phone, messages: Outgoing) -> None:
    messages.answers = [NotSent("21614")]
    await phone.twice("agendarTurno", **BOOKING)
    failed = await phone.says_yes_to_a_message()
    assert "no recibe mensajes" in failed["error"]
    assert phone.notes[-1]["reason"] == "21614"
    assert (await phone.twice(NAME, phone="11 4444 1234"))["success"] is True
    assert [to for to, _ in messages.sent] == [MOBILE, "+5491144441234"]


async def test_an_unsubscribed_number_is_told_so(phone: Phone, messages: Outgoing) -> None:
    messages.answers = [NotSent("21610")]
    await phone.twice("agendarTurno", **BOOKING)
    assert "no recibir mensajes" in (await phone.says_yes_to_a_message())["error"]


async def test_what_may_have_gone_out_is_not_sent_again(phone: Phone, messages: Outgoing) -> None:
    messages.answers = [MaybeSent("unanswered")]
    await phone.twice("agendarTurno", **BOOKING)
    doubt = await phone.says_yes_to_a_message()
    assert doubt["code"] == "message_in_doubt"
    assert phone.notes[-1]["status"] == "unknown"
    phone.box.caller_spoke("Sí")
    assert (await phone.use(NAME))["code"] == "nothing_to_send"
    assert len(messages.sent) == 1


async def test_the_same_use_gets_its_first_answer_in_another_process(
    seeded: Store, clock: Clock, messages: Outgoing, phone: Phone
) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    first = await phone.says_yes_to_a_message(use_id="yes")
    other = Phone(seeded, clock, messages, memory=phone.memory)
    assert await other.use(NAME, use_id="yes") == first
    assert len(messages.sent) == 1


async def test_a_process_that_dies_while_it_sends_leaves_a_message_that_nobody_repeats(
    seeded: Store, clock: Clock, messages: Outgoing, phone: Phone
) -> None:
    never = asyncio.Event()
    messages.answers = [never.wait]
    await phone.twice("agendarTurno", **BOOKING)
    phone.box.caller_spoke("Sí")
    memory = phone.memory
    dying = asyncio.create_task(phone.use(NAME, use_id="yes"))
    await until(lambda: messages.sent)
    other = Phone(seeded, clock, messages, memory=memory)
    assert (await other.use(NAME, use_id="yes"))["code"] == "message_in_doubt"
    other.box.caller_spoke("Sí")
    assert (await other.use(NAME, use_id="again"))["code"] == "nothing_to_send"
    never.set()
    await dying
    assert len(messages.sent) == 1


async def test_two_processes_that_send_at_once_send_one(
    seeded: Store, clock: Clock, messages: Outgoing, phone: Phone
) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    phone.box.caller_spoke("Sí")
    others = [Phone(seeded, clock, messages, memory=phone.memory) for _ in range(4)]
    results = await asyncio.gather(*(each.use(NAME, use_id=f"use-{n}-b") for n, each in enumerate(others)))
    assert len(messages.sent) == 1
    assert sum(bool(result.get("success")) for result in results) >= 1


async def test_a_message_goes_on_though_its_call_is_over(phone: Phone, messages: Outgoing) -> None:
    late = asyncio.Event()
    messages.answers = [late.wait]
    await phone.twice("agendarTurno", **BOOKING)
    use = asyncio.create_task(phone.says_yes_to_a_message())
    await until(lambda: messages.sent)
    use.cancel()
    late.set()
    await phone.process.settled()
    assert [note["status"] for note in phone.notes] == ["sent"]


async def test_a_store_that_fails_before_the_mark_sends_nothing(
    phone: Phone, messages: Outgoing, seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.twice("agendarTurno", **BOOKING)
    phone.box.caller_spoke("Sí")
    with monkeypatch.context() as broken:

        async def down(writes: object) -> None:
            raise Unavailable("down")

        broken.setattr(seeded.backend, "transact", down)
        assert (await phone.use(NAME))["code"] == "unavailable"
    assert messages.sent == []
    assert (await phone.use(NAME))["success"] is True


async def test_one_number_is_not_flooded(seeded: Store, clock: Clock, messages: Outgoing) -> None:
    for number in range(MOST_TO_ONE_NUMBER + 1):
        phone = Phone(seeded, clock, messages, call_id=f"CA{number}")
        items = [{"name": "Mouse"}]
        await phone.twice("crearOrder", customerName="Juan Pérez", customerEmail="j@email.com", items=items)
        last = await phone.says_yes_to_a_message()
    assert last["code"] == "too_many"
    assert len(messages.sent) == MOST_TO_ONE_NUMBER


async def test_a_call_sends_no_more_than_it_makes(phone: Phone, messages: Outgoing) -> None:
    messages.answers = [NotSent("21614")] * 20
    await phone.twice("agendarTurno", **BOOKING)
    codes = [(await phone.use(NAME, phone=f"11 4444 00{number:02}")).get("code") for number in range(10)]
    assert codes == [None] * 10
    for number in range(MOST_CREATED):
        await phone.twice(NAME, phone=f"11 4444 00{number:02}")
    assert (await phone.use(NAME, phone="11 4444 0099"))["code"] == "too_many"
    assert len(messages.sent) == MOST_CREATED


async def test_the_longest_message_is_one_that_a_carrier_takes(phone: Phone, messages: Outgoing) -> None:
    items = [{"name": f"Cosa{number} " + "a" * 100, "quantity": 1, "price": 1} for number in range(20)]
    facts = await phone.box._store.facts()
    if facts.products:
        items = [{"name": facts.products[0].name, "quantity": 1}]
    for _ in range(3):
        await phone.twice("crearOrder", customerName="Juan Pérez", customerEmail="j@email.com", items=items)
    await phone.says_yes_to_a_message()
    assert len(messages.sent[0][1]) <= MOST_CHARACTERS
