"""Calls that are not answered, through the whole server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.stream import Act
from sandbox.twilio.verbs import Reject
from sandbox.twilio.verbs import Say as Spoken
from telephony.twilio.door_twiml import MESSAGE_KEPT, ONE_MOMENT, SEATED
from telephony.twilio.twiml import APOLOGY
from tests.e2e.running import running
from tests.support.waiting import until

pytestmark = pytest.mark.slow

ANA, BETO = "+5491155550100", "+18765550100"
ALWAYS = "name: Guardia\nhours: {monday-sunday: '0:00-24:00'}\nholidays: {national: false}\n"
NEVER = "name: Guardia\nhours: {monday-sunday: closed}\n"


class Listener:
    """A caller who says nothing."""

    def listen(self, heard: bytes) -> Act:
        return Act()


def said(call: PhoneCall) -> str:
    (first, *_) = call.verbs
    assert isinstance(first, Spoken)
    return first.text


async def test_who_is_not_answered_hears_why_or_is_rejected_and_takes_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = tmp_path / "facts.yaml"
    door: dict[str, Any] = {"closed": "message", "allowed_countries": "AR", "seats_per_number": 1}
    async with running(tmp_path, monkeypatch, scripted([ScriptTurn((Say("Hola."),))]), **door) as here:
        facts.write_text(NEVER)
        assert said(await here.call([], ANA)).startswith("Gracias por llamar a Guardia. En este momento está cerrado.")
        facts.write_text(ALWAYS)
        foreign = await here.call([], BETO)
        assert isinstance(foreign.verbs[0], Reject)
        assert here.services.active_calls.capacity.taken == 0

        first = here.twilio.dial(Listener(), ANA)
        placed = asyncio.create_task(first.run())
        await until(lambda: here.services.active_calls.live)
        assert said(await here.call([], ANA)) == SEATED
        first.hang_up()
        await placed


async def test_a_message_on_a_closed_line_is_on_record_with_its_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, scripted([]), closed="voicemail") as here:
        (tmp_path / "facts.yaml").write_text(NEVER)
        call = here.twilio.dial(Listener(), ANA)
        call.message_s = 1.0
        await call.run()
        assert [verb.text for verb in call.verbs if isinstance(verb, Spoken)][1:] == [MESSAGE_KEPT]
        await here.twilio.webhooks.drain()
        record = await here.services.store.call(call.sid)
        assert record is not None
        assert (record.caller_number, record.outcome) == (ANA, "voicemail")
        assert record.details["voicemail"]["url"].startswith(here.twilio.rest.base_url)
        assert record.details["twilio"]["status"] == "completed"
        told = [(callback.url, callback.status) for callback in here.twilio.webhooks.callbacks]
        assert (f"{here.base_url}/twilio/voicemail-status", 204) in [(url.partition("#")[0], got) for url, got in told]


async def test_a_document_that_stays_away_is_asked_for_once_more_and_then_apologised_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, scripted([])) as here:
        lost = replace(here.twilio.numbers.current, voice_url="/twilio/lost", fallback_url="/twilio/fallback")
        here.twilio.numbers.current = lost
        call = await here.call([], ANA)
        assert [verb.text for verb in call.verbs if isinstance(verb, Spoken)] == [ONE_MOMENT, APOLOGY]
        assert call.ended_by == "twiml"
