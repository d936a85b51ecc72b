"""The number's URLs, the account and messages against the Twilio double, which is as strict as Twilio's documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from carlos.checks.finding import Mark
from carlos.checks.phone import check_account
from carlos.connecting import connect
from common.settings import Settings
from sandbox.twilio.account import PhoneNumber
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.messages import Refused, Undelivered
from telephony.twilio.messages import TwilioMessages
from tools.follow_up import MaybeSent, NotSent

BASE = "https://carlos.example.com"
TO = "+5491155551234"


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioDouble]:
    number = PhoneNumber(voice_url="https://demo.twilio.com/welcome/voice/", status_callback=None)
    async with TwilioDouble(BASE, number=number) as twilio:
        yield twilio


def settings(twilio: TwilioDouble, **given: Any) -> Settings:
    account = {
        "twilio_account_sid": twilio.account.sid,
        "twilio_auth_token": twilio.account.auth_token,
        "twilio_api_base": twilio.rest.base_url,
        "public_base_url": BASE,
        "admin_api_keys": f"ana:read:sha256={'0' * 64}",
    }
    return Settings(**(account | given))


async def test_a_number_gets_its_urls_and_is_then_as_it_should_be(twilio: TwilioDouble) -> None:
    number = twilio.numbers.current.number
    there = settings(twilio)
    connecting = asyncio.to_thread(connect, there, number, None, check=False, yes=True)
    assert await connecting == 0
    current = twilio.numbers.current
    assert current.voice_url == f"{BASE}/twilio/voice#{there.webhook_overrides}"
    assert current.fallback_url == f"{BASE}/twilio/fallback"
    assert current.status_callback == f"{BASE}/twilio/status#{there.webhook_overrides}"
    assert await asyncio.to_thread(connect, there, number, None, check=True, yes=False) == 0


async def test_another_number_and_a_wrong_token_are_refused(twilio: TwilioDouble) -> None:
    before = twilio.numbers.current
    assert await asyncio.to_thread(connect, settings(twilio), "+541140000000", None, check=False, yes=True) == 1
    wrong = settings(twilio, twilio_auth_token="another-token")  # noqa: S106 - made up
    assert await asyncio.to_thread(connect, wrong, before.number, None, check=False, yes=True) == 1
    assert twilio.numbers.current == before
    assert (await check_account(wrong)).mark is Mark.FAILED
    assert (await check_account(settings(twilio))).mark is Mark.OK


async def send(twilio: TwilioDouble, **given: Any) -> None:
    sender = {"follow_up": "sms", "follow_up_from": twilio.numbers.current.number}
    messages = TwilioMessages.from_settings(settings(twilio, **(sender | given)))
    assert messages is not None
    try:
        await messages.send(TO, "Carlos: Cita 9.", "CA1")
    finally:
        await messages.close()


async def test_a_message_is_taken_as_sms_and_as_whatsapp(twilio: TwilioDouble) -> None:
    await send(twilio)
    await send(twilio, follow_up="whatsapp", follow_up_template="HX" + "6" * 32)
    sms, whatsapp = twilio.messages.kept
    assert (sms.to, sms.body) == (TO, "Carlos: Cita 9.")
    assert whatsapp.to == f"whatsapp:{TO}"
    assert json.loads(whatsapp.content_variables or "") == {"1": "Carlos: Cita 9."}


@pytest.mark.parametrize(("code", "error"), [(21610, NotSent), (21614, NotSent), (20429, NotSent), (20500, MaybeSent)])
async def test_a_refusal_has_twilios_code(twilio: TwilioDouble, code: int, error: type[NotSent]) -> None:
    twilio.messages.fates[TO] = Refused(code)
    with pytest.raises(NotSent) as failure:
        await send(twilio)
    assert (type(failure.value), failure.value.reason) == (error, str(code))
    assert twilio.messages.kept == []


async def test_a_template_passes_outside_of_whatsapps_24_hours(twilio: TwilioDouble) -> None:
    twilio.messages.fates[f"whatsapp:{TO}"] = Undelivered(63016)
    await send(twilio, follow_up="whatsapp", follow_up_template="HX" + "6" * 32)
    assert [message.status for message in twilio.messages.kept] == ["delivered"]
