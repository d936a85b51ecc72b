"""The stand-in and a person: asked for, passed on, not taken, called back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.brain import Prompt
from sandbox.dialogue import lines
from tests.dialogue.phone_stage import TOOLS, Phone

PROPOSED = {"success": False, "confirmation_required": True, "proposal": "Anotar que te llamen al 1 1 5, 0 3 1, 0 0 1."}
NOTED = {"success": True, "speak": lines.WILL_BE_CALLED}


def phone(*results: Mapping[str, Any], tools: tuple[str, ...] = ()) -> Phone:
    made = Phone(*results)
    made.mind.begin(Prompt("", (*TOOLS, *tools), (), "carlos", 16_000, 24_000))
    return made


@pytest.mark.parametrize(
    "said", ["Quiero hablar con una persona.", "Pasame con alguien.", "Un operador, por favor.", "Quiero un humano."]
)
async def test_who_asks_for_a_person_is_passed_on_where_that_can_be_done(said: str) -> None:
    here = phone({"success": True}, tools=("pasarConPersona",))
    assert await here.say(said) == lines.PASSING_ON
    assert [name for name, _ in here.calls] == ["pasarConPersona"]


async def test_where_it_cannot_be_done_that_is_said() -> None:
    assert lines.NO_PERSON in await phone().say("Quiero hablar con una persona.")
    refused = phone({"success": False, "code": "nobody_there"}, tools=("pasarConPersona",))
    assert lines.NO_PERSON in await refused.say("Quiero hablar con una persona.")


async def test_who_was_not_taken_is_called_back_after_two_yeses() -> None:
    here = phone(PROPOSED, NOTED, tools=("pedirLlamado",))
    cue = "[seguir] Ninguna persona pudo atender al cliente: deciselo."
    assert await here.type(cue) == f"{lines.NOBODY_CAME} {lines.CALL_YOU_LATER}"
    assert (await here.say("Sí, dale.")).endswith(lines.CONFIRM)
    assert (await here.say("Sí, confirmo.")).startswith(lines.WILL_BE_CALLED)
    assert [name for name, _ in here.calls] == ["pedirLlamado"] * 2


async def test_a_no_to_the_offer_is_taken_for_one() -> None:
    here = phone(tools=("pedirLlamado",))
    await here.say("Quiero hablar con una persona.")
    assert lines.DROPPED in await here.say("No, gracias.")
    assert here.calls == []


async def test_a_number_that_is_asked_for_is_given_as_it_is_said() -> None:
    question = {"success": False, "question": "¿A qué número te llamamos?", "code": "phone_needed"}
    here = phone(question, PROPOSED, tools=("pedirLlamado",))
    await here.say("Quiero hablar con una persona.")
    assert await here.say("Sí.") == "¿A qué número te llamamos?"
    await here.say("11 5031 0001")
    assert here.calls[-1][1]["phone"] == "11 5031 0001"


async def test_another_errand_is_no_answer_to_the_offer() -> None:
    here = phone(tools=("pedirLlamado",))
    await here.say("Quiero hablar con una persona.")
    assert await here.say("Quiero cancelar mi pedido.") == lines.ASK_ORDER


async def test_a_cue_that_the_caller_pressed_0_is_said_aloud() -> None:
    cue = "[seguir] El cliente pasa con una persona: decile solamente que lo pasás y que no corte."
    assert await phone().type(cue) == lines.PASSING_ON
