"""The REST API that ends and redirects calls: who may, which errors, Twilio's own bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from sandbox.twilio.account import Account
from sandbox.twilio.outbound import CallOrder
from sandbox.twilio.rest import RestApi
from sandbox.twilio.rest_calls import CallsResource
from sandbox.twilio.verbs import Method

ACCOUNT = Account("AC1", "s3cret")
OURS = "+541150310000"
COMPLETED = {"Status": "completed"}


@dataclass
class FakeCall:
    live: bool = True
    done: list[Any] = field(default_factory=list)

    @property
    def redirectable(self) -> bool:
        return self.live

    def resource(self) -> dict[str, Any]:
        return {"sid": "CA1", "status": "in-progress" if self.live else "completed"}

    def complete(self) -> None:
        self.done.append("complete")

    def cancel(self) -> None:
        if not self.live:
            self.done.append("cancel")

    def redirect(self, *, url: str | None = None, twiml: str | None = None, method: Method = "POST") -> None:
        self.done.append(url or twiml)


@dataclass
class Api:
    rest: RestApi
    call: FakeCall
    ordered: list[CallOrder]
    http: aiohttp.ClientSession

    async def post(
        self,
        form: dict[str, str],
        path: str = "AC1/Calls/CA1",
        auth: tuple[str, str] | None = ("AC1", "s3cret"),
    ) -> tuple[int, dict[str, Any]]:
        url = f"{self.rest.base_url}/2010-04-01/Accounts/{path}.json"
        basic = {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}
        async with self.http.post(url, data=form, headers=basic) as response:
            return response.status, await response.json()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    call = FakeCall()
    ordered: list[CallOrder] = []

    def place(order: CallOrder) -> FakeCall:
        ordered.append(order)
        return FakeCall()

    rest = RestApi(ACCOUNT, CallsResource({"CA1": call}, place, lambda: {OURS}).endpoints())
    await rest.start()
    async with aiohttp.ClientSession() as http:
        yield Api(rest, call, ordered, http)
    await rest.stop()


async def test_a_call_is_completed(api: Api) -> None:
    status, body = await api.post(COMPLETED)
    assert (status, body["sid"]) == (200, "CA1")
    assert api.call.done == ["complete"]
    assert api.rest.requests[0].form == {"Status": "completed"}


@pytest.mark.parametrize("form", [{"Url": "https://a.example/next"}, {"Twiml": "<Response/>"}])
async def test_a_call_is_redirected(api: Api, form: dict[str, str]) -> None:
    assert (await api.post(form))[0] == 200
    assert api.call.done == list(form.values())


async def test_cancelling_does_not_touch_a_call_in_progress(api: Api) -> None:
    assert (await api.post({"Status": "canceled"}))[0] == 200
    assert api.call.done == []


@pytest.mark.parametrize("auth", [None, ("AC1", "wrong"), ("AC2", "s3cret"), ("", "")])
async def test_bad_credentials_are_20003(api: Api, auth: tuple[str, str] | None) -> None:
    status, body = await api.post(COMPLETED, auth=auth)
    assert (status, body["code"], body["message"]) == (401, 20003, "Authenticate")
    assert api.call.done == []


@pytest.mark.parametrize("path", ["AC1/Calls/CA2", "AC2/Calls/CA1"])
async def test_an_unknown_call_is_20404(api: Api, path: str) -> None:
    status, body = await api.post(COMPLETED, path)
    assert (status, body["code"], body["status"]) == (404, 20404, 404)
    assert body["message"] == f"The requested resource /2010-04-01/Accounts/{path}.json was not found"
    assert body["more_info"] == "https://www.twilio.com/docs/errors/20404"


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Status": "completed"}, 404, 20404),
        ({"Twiml": "<Response/>"}, 400, 21220),
        ({"Url": "https://a.example/next"}, 400, 21220),
    ],
)
async def test_a_call_that_is_over_cannot_be_changed(api: Api, form: dict[str, str], status: int, code: int) -> None:
    api.call.live = False
    got, body = await api.post(form)
    assert (got, body["code"]) == (status, code)
    assert api.call.done == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"Status": "ringing"},
        {"Twiml": "<Response/>", "Url": "https://a.example/next"},
        {"Twiml": "x" * 4001},
    ],
)
async def test_parameters_that_make_no_sense_are_refused(api: Api, form: dict[str, str]) -> None:
    assert (await api.post(form))[0] == 400
    assert api.call.done == []
