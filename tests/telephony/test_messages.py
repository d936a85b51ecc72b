"""Messages over Twilio's REST, against an account on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from common.settings import Settings
from telephony.twilio.messages import TwilioMessages
from tests.support.twilio_account import SID, TOKEN, TwilioAccount, account
from tools.follow_up import MaybeSent, NotSent

TO, FROM, SERVICE, TEMPLATE = "+5491155551234", "+541152750000", "MG" + "5" * 32, "HX" + "6" * 32


@pytest.fixture
def twilio() -> Iterator[TwilioAccount]:
    with account() as twilio:
        twilio.answers["Messages"] = (201, {"sid": "SM1", "status": "queued"})
        yield twilio


async def send(twilio: TwilioAccount, **given: Any) -> str:
    base = given.pop("base", twilio.base)
    settings = Settings(
        twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_api_base=base, **{"follow_up_from": FROM, **given}
    )
    messages = TwilioMessages.from_settings(settings)
    assert messages is not None
    try:
        return await messages.send(TO, "Cita 9: «ñandú».", "CA1")
    finally:
        await messages.close()


async def test_an_sms_goes_from_the_number(twilio: TwilioAccount) -> None:
    assert await send(twilio, follow_up="sms") == "SM1"
    assert twilio.asked == [("POST", "Messages", {"To": TO, "From": FROM, "Body": "Cita 9: «ñandú»."})]


async def test_an_sms_goes_by_a_messaging_service(twilio: TwilioAccount) -> None:
    await send(twilio, follow_up="sms", follow_up_from=SERVICE)
    assert twilio.asked[0][2] == {"To": TO, "MessagingServiceSid": SERVICE, "Body": "Cita 9: «ñandú»."}


async def test_a_public_server_is_told_what_becomes_of_a_message(twilio: TwilioAccount) -> None:
    key = f"ana:read:sha256={'0' * 64}"
    await send(twilio, follow_up="sms", public_base_url="https://carlos.example.com", admin_api_keys=key)
    address = "https://carlos.example.com/twilio/message-status?CallSid=CA1#rc=2&rp=ct,rt,5xx&ct=2000&rt=6000"
    assert twilio.asked[0][2]["StatusCallback"] == address


async def test_whatsapp_gets_a_template(twilio: TwilioAccount) -> None:
    await send(twilio, follow_up="whatsapp", follow_up_template=TEMPLATE)
    form = dict(twilio.asked[0][2])
    assert json.loads(form.pop("ContentVariables")) == {"1": "Cita 9: «ñandú»."}
    assert form == {"To": f"whatsapp:{TO}", "From": f"whatsapp:{FROM}", "ContentSid": TEMPLATE}


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (400, {"code": 21610, "message": f"unsubscribed {TO}"}, NotSent, "21610"),
        (400, {"code": 63016}, NotSent, "63016"),
        (401, {"code": 20003}, NotSent, "20003"),
        (429, b"slow down", NotSent, "HTTP 429"),
        (500, b"oops", MaybeSent, "HTTP 500"),
        (503, {"code": 20503}, MaybeSent, "20503"),
        (201, b"<html>", MaybeSent, "unanswered"),
        (201, {"sid": "SM1", "status": "failed", "error_code": 30006}, NotSent, "30006"),
        (302, b"", NotSent, "HTTP 302"),
    ],
)
async def test_what_surely_failed_is_told_apart_from_what_may_have_gone_out(
    twilio: TwilioAccount, status: int, body: Any, error: type[NotSent], reason: str
) -> None:
    twilio.answers["Messages"] = (status, body)
    with pytest.raises(NotSent) as failure:
        await send(twilio, follow_up="sms")
    assert (type(failure.value), failure.value.reason) == (error, reason)
    assert TO not in str(failure.value)


async def test_a_twilio_that_is_not_there_was_not_asked(twilio: TwilioAccount) -> None:
    with pytest.raises(NotSent) as failure:
        await send(twilio, follow_up="sms", base="http://127.0.0.1:9")
    assert failure.value.reason == "notasked"
    assert not isinstance(failure.value, MaybeSent)


def test_nothing_is_sent_by_default() -> None:
    assert TwilioMessages.from_settings(Settings(twilio_account_sid=SID, twilio_auth_token=TOKEN)) is None
