"""A server that is phoned, with the REST API of its Twilio at hand."""

from __future__ import annotations

from typing import Any

import aiohttp

from sandbox.twilio.account import PhoneNumber
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.outbound import OutboundCall
from sandbox.twilio.stream import Act
from tests.support.waiting import bounded
from tests.twilio.phoned_server import PUBLIC, PhonedServer

OURS = PhoneNumber().number
ANA = "+541150310001"
EVENTS = ("initiated", "ringing", "answered", "completed")


class Quiet:
    """A caller who says nothing and hears everything."""

    def listen(self, heard: bytes) -> Act:
        return Act()


async def api(
    twilio: TwilioDouble, method: str, path: str, form: dict[str, Any] | None = None, token: str | None = None
) -> tuple[int, dict[str, Any]]:
    """One request of the REST API, `path` below the account: its status and its body."""
    url = f"{twilio.rest.base_url}/2010-04-01/Accounts/{twilio.account.sid}{path}"
    headers = {"Authorization": aiohttp.encode_basic_auth(twilio.account.sid, token or twilio.account.auth_token)}
    pairs = [
        (name, each)
        for name, value in (form or {}).items()
        for each in (value if isinstance(value, tuple) else (value,))
    ]
    sent = {"params" if method == "GET" else "data": pairs}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, headers=headers, **sent) as response,  # type: ignore[arg-type]
    ):
        return response.status, {} if response.status == 204 else await response.json()


async def ring(twilio: TwilioDouble, to: str = ANA, **more: Any) -> OutboundCall:
    """Place a call by the REST API; its TwiML is at /person unless `more` says otherwise."""
    form = {
        "To": to,
        "From": OURS,
        "Url": f"{PUBLIC}/person",
        "StatusCallback": f"{PUBLIC}/person-status",
        "StatusCallbackEvent": EVENTS,
        **more,
    }
    status, body = await api(twilio, "POST", "/Calls.json", {name: value for name, value in form.items() if value})
    assert (status, body["status"], body["direction"]) == (201, "queued", "outbound-api")
    call = twilio.calls[body["sid"]]
    assert isinstance(call, OutboundCall)
    return call


async def over(call: OutboundCall) -> OutboundCall:
    async with bounded():
        await call.over.wait()
        await call.line.webhooks.drain()
    return call


def statuses(server: PhonedServer, path: str = "/person-status") -> list[str]:
    return [post.form["CallStatus"] for post in server.posts if post.path == path]
