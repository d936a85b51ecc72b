"""Whole calls to a person: two servers on one store, outbound calls and conferences, and kill -9 in the briefing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.dialogue import lines
from sandbox.twilio.person import Person
from sandbox.twilio.verbs import Connect, Dial
from telephony.transfer import TALK_S
from tests.e2e.test_resume import Fleet, fleet, kill
from tests.support.waiting import bounded, until

pytestmark = pytest.mark.slow
NUMBER = "+541150310001"
TARGETS = f"{NUMBER}|*|24h"
WORDS = (
    "Hola, quiero saber cómo va mi pedido número seis.",
    "Mi DNI es 35.012.678.",
    "Quiero hablar con una persona.",
    "Quiero cancelar ese pedido.",
    "Sí, confirmo.",
    "Nada más, chau.",
)
ASKS_WHO = "DNI"


async def asks_for_a_person(here: Fleet) -> None:
    """The caller has proven who he is, and is on the way; the person hears of him; the server that began it is gone."""
    for turns in (1, 3, 5):
        await here.record(lambda record, turns=turns: len(record.turns) == turns)  # type: ignore[misc]
        here.speak()
    await until(lambda: here.twilio.outbound and here.twilio.outbound[-1].spoken)
    await kill(here)


async def test_whom_nobody_takes_goes_on_with_carlos_and_is_not_asked_who_he_is_again(tmp_path: Path) -> None:
    person = Person(presses=("2",), thinks_s=4.0)
    async with fleet(tmp_path, WORDS, {NUMBER: person}, TRANSFER_TARGETS=TARGETS) as here:
        placed = asyncio.create_task(here.call.run())
        await asks_for_a_person(here)
        (briefing,) = here.twilio.outbound[-1].spoken
        assert "Probó con su DNI que es" in briefing
        await here.record(lambda record: record.turns[-1].text.startswith(lines.NOBODY_CAME))
        here.speak()
        record = await here.record(lambda record: record.turns[-1].text.endswith(lines.CONFIRM))
        assert sum(ASKS_WHO in turn.text for turn in record.turns if turn.role == "carlos") == 1
        here.speak()
        await here.record(lambda record: lines.ANYTHING_ELSE in record.turns[-1].text)
        here.speak()
        async with bounded():
            await placed
        record = await here.record(lambda record: record.ended_at)
        assert (record.outcome, record.details["transfer"]["came_to"]) == ("completed", "declined")
        assert [type(verb) for verb in here.call.verbs if isinstance(verb, Connect | Dial)] == [Connect, Dial, Connect]
        assert here.twilio.outbound[-1].status == "completed"
        assert len(await here.store.receipts(here.call.sid)) == 1


async def test_who_is_taken_talks_to_the_person_although_the_server_died(tmp_path: Path) -> None:
    person = Person(presses=("1",), thinks_s=4.0, talks_s=TALK_S + 2.0)
    async with fleet(tmp_path, WORDS, {NUMBER: person}, TRANSFER_TARGETS=TARGETS) as here:
        placed = asyncio.create_task(here.call.run())
        await asks_for_a_person(here)
        async with bounded():
            await placed
        record = await here.record(lambda record: record.outcome == "transferred")
        assert record.details["transfer"]["state"] in ("bridged", "over")
        assert [type(verb) for verb in here.call.verbs if isinstance(verb, Connect | Dial)] == [Connect, Dial]
        assert here.twilio.outbound[-1].status == "completed"
