"""Ringing people and bringing callers back over REST, against a server on loopback that answers as Twilio does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from telephony.person_line import NotRung
from telephony.transfer import Transfer
from telephony.twilio.people import TwilioPeople
from tests.telephony.phone_doubles import ACCOUNT, BASE_URL, CALL, settings
from tests.telephony.test_call_control import Handler, control, twilio
from tests.telephony.transfer_stage import PERSON, TO

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
TRANSFER = Transfer(CALL, 1, "+541150310001", "turnos", "asked", 2, 25.0, NOW, NOW, leg=3)


def answering(status: int, body: Mapping[str, Any], seen: list[tuple[str, dict[str, str]]] | None = None) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append((request.path, {name: str(value) for name, value in (await request.post()).items()}))
        return web.json_response(dict(body), status=status)

    return handle


async def test_a_person_is_rung_with_detection_and_urls_that_name_the_leg() -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with twilio(answering(201, {"sid": PERSON}, seen)) as api_base, control(api_base) as calls:
        assert await TwilioPeople(calls, settings()).ring(TRANSFER, TO) == PERSON
    ((path, form),) = seen
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    assert form == {
        "To": "+541150310001",
        "From": TO,
        "Url": f"{BASE_URL}/twilio/person?call={CALL}&leg=3",
        "Method": "POST",
        "StatusCallback": f"{BASE_URL}/twilio/person-status?call={CALL}&leg=3",
        "StatusCallbackMethod": "POST",
        "StatusCallbackEvent": "completed",
        "Timeout": "25",
        "MachineDetection": "Enable",
    }


async def test_twilio_asks_again_about_the_person_and_the_caller() -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with twilio(answering(201, {"sid": PERSON}, seen)) as api_base, control(api_base) as calls:
        people = TwilioPeople(calls, settings(webhook_overrides="rc=2"))
        await people.ring(TRANSFER, TO)
        await people.bring_back(TRANSFER)
    urls = [form[name] for _, form in seen for name in ("Url", "StatusCallback") if name in form]
    assert [url.partition("#")[2] for url in urls] == ["rc=2"] * 3


async def test_the_number_that_people_see_may_be_set() -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with twilio(answering(201, {"sid": PERSON}, seen)) as api_base, control(api_base) as calls:
        await TwilioPeople(calls, settings(transfer_from="+541100000000")).ring(TRANSFER, TO)
    assert seen[0][1]["From"] == "+541100000000"


@pytest.mark.parametrize(
    ("status", "body", "final"),
    [
        (400, {"code": 21212}, True),
        (401, {"code": 20003}, True),
        (429, {"code": 20429}, False),
        (500, {}, False),
        (201, {}, True),
    ],
)
async def test_a_refusal_says_whether_to_try_again(status: int, body: Mapping[str, Any], final: bool) -> None:
    async with twilio(answering(status, body)) as api_base, control(api_base) as calls:
        with pytest.raises(NotRung) as refused:
            await TwilioPeople(calls, settings()).ring(TRANSFER, TO)
    assert refused.value.final is final


async def test_a_twilio_that_cannot_be_reached_may_be_tried_again() -> None:
    async with twilio(answering(201, {})) as api_base:
        gone = api_base
    async with control(gone) as calls:
        people = TwilioPeople(calls, settings())
        with pytest.raises(NotRung) as refused:
            await people.ring(TRANSFER, TO)
        assert not refused.value.final
        assert not await people.bring_back(TRANSFER)


@pytest.mark.parametrize(("status", "done"), [(200, True), (404, False), (400, False)])
async def test_a_caller_is_brought_back_by_a_redirect(status: int, done: bool) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with twilio(answering(status, {"code": 21220}, seen)) as api_base, control(api_base) as calls:
        assert await TwilioPeople(calls, settings()).bring_back(TRANSFER) is done
    ((path, form),) = seen
    assert path.endswith(f"/Calls/{CALL}.json")
    assert form == {"Url": f"{BASE_URL}/twilio/back?resumes=2", "Method": "POST"}
