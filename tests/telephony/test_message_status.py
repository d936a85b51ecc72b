"""What became of a message, as Twilio tells it: signed, kept in the call's record, whoever holds the call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from fastapi import FastAPI

from bench.stores import fresh_sqlite
from common.times import Clock
from data.models import CallRecord, Line
from data.store import Store
from telephony.twilio.message_status import MOST, PATH, callback_url, message_status_route
from tests.support.servers import loopback, serving
from tests.telephony.phone_doubles import BASE_URL, CALL, settings, sign

SM = "SM" + "7" * 32
DELIVERED = {"MessageSid": SM, "MessageStatus": "delivered"}
FAILED = {"MessageSid": SM, "MessageStatus": "undelivered", "ErrorCode": "30006"}


class Told:
    def __init__(self, http: str, store: Store) -> None:
        self._http = http
        self.store = store

    async def post(self, form: dict[str, str], query: str = f"CallSid={CALL}", *, signed: bool = True) -> int:
        headers = sign(f"{BASE_URL}{PATH}?{query}", form) if signed else {}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._http}{PATH}?{query}", data=form, headers=headers) as response,
        ):
            return response.status

    async def kept(self) -> object:
        record = await self.store.call(CALL)
        assert record is not None
        return record.details.get("message_status")


@pytest.fixture
async def twilio(tmp_path: Path, clock: Clock) -> AsyncIterator[Told]:
    async with fresh_sqlite(tmp_path, clock) as store:
        await store.save_call(CallRecord(CALL, Line.PHONE, clock(), "+5491155551234", details={"messages": [1]}))
        app = FastAPI()
        app.include_router(message_status_route(settings(), store))
        with loopback() as listener:
            async with serving(app, listener):
                yield Told(f"http://127.0.0.1:{listener.getsockname()[1]}", store)


def test_the_address_names_the_call() -> None:
    assert callback_url(BASE_URL, CALL) == f"{BASE_URL}{PATH}?CallSid={CALL}"


async def test_an_end_is_kept_beside_what_was_known(twilio: Told) -> None:
    assert await twilio.post({"MessageSid": SM, "MessageStatus": "sent"}) == 204
    assert await twilio.kept() is None
    assert await twilio.post(FAILED) == 204
    assert await twilio.kept() == {SM: {"status": "undelivered", "reason": "30006"}}
    record = await twilio.store.call(CALL)
    assert record is not None
    assert record.details["messages"] == [1]


async def test_what_comes_late_does_not_undo_that_it_was_read(twilio: Told) -> None:
    for status in ("delivered", "read", "delivered"):
        await twilio.post(DELIVERED | {"MessageStatus": status})
    assert await twilio.kept() == {SM: {"status": "read"}}


async def test_what_twilio_did_not_sign_is_refused(twilio: Told) -> None:
    assert await twilio.post(DELIVERED, signed=False) == 403
    assert await twilio.kept() is None


@pytest.mark.parametrize("query", ["Call=CA1", "CallSid=", "CallSid=a.b", "CallSid=" + "x" * 100])
async def test_an_address_that_names_no_call_is_refused(twilio: Told, query: str) -> None:
    assert await twilio.post(DELIVERED, query) == 400


async def test_a_call_that_is_not_on_record_is_no_fault(twilio: Told) -> None:
    assert await twilio.post(DELIVERED, "CallSid=CA9") == 204


async def test_a_record_does_not_grow_without_end(twilio: Told) -> None:
    for number in range(MOST + 3):
        await twilio.post({"MessageSid": f"SM{number}", "MessageStatus": "delivered"})
    kept = await twilio.kept()
    assert isinstance(kept, dict)
    assert len(kept) == MOST
