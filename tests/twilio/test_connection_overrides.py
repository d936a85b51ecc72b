"""Connection overrides in a webhook's URL: what is tried again, how often, and that nothing of it is sent or signed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from sandbox.twilio.account import Account, Route
from sandbox.twilio.errors import WebhookFault
from sandbox.twilio.overrides import split
from sandbox.twilio.webhooks import Webhooks
from tests.twilio.phoned_server import PUBLIC

ACCOUNT = Account("AC1", "s3cret")


class Unsteady:
    """A server that answers with these statuses, one after the other; 0 closes the connection without an answer."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked: list[web.BaseRequest] = []
        self.address = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self.asked.append(request)
        status = self.statuses.pop(0)
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 200, text="<Response/>", content_type="text/xml")


@pytest.fixture
async def unsteady() -> AsyncIterator[Unsteady]:
    server = Unsteady()
    runner = web.ServerRunner(web.Server(server.answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


async def request(unsteady: Unsteady, url: str) -> int:
    """The code of the fault, or 0."""
    async with Webhooks(ACCOUNT, Route(PUBLIC, unsteady.address)) as webhooks:
        try:
            await webhooks.request(PUBLIC + url, {"CallSid": "CA1"})
        except WebhookFault as fault:
            return fault.code
    return 0


@pytest.mark.parametrize(
    ("url", "statuses", "tries", "code"),
    [
        ("/voice", [500], 1, 11200),
        ("/voice#rp=5xx", [500, 200], 2, 0),
        ("/voice#rc=3&rp=5xx", [500, 502, 503, 200], 4, 0),
        ("/voice#rc=2&rp=5xx", [500, 500, 500], 3, 11200),
        ("/voice#rc=0&rp=all", [500], 1, 11200),
        ("/voice#rc=2&rp=ct,rt,5xx", [0, 500, 200], 3, 0),
        ("/voice#rc=2&rp=ct,rt,5xx", [404], 1, 11200),
        ("/voice#rp=4xx", [404, 200], 2, 0),
        ("/voice", [0], 1, 11205),
        ("/voice#rc=1&rp=all", [0, 429], 2, 11200),
    ],
)
async def test_a_request_is_tried_again_as_its_url_asks(
    unsteady: Unsteady, url: str, statuses: list[int], tries: int, code: int
) -> None:
    unsteady.statuses = statuses
    assert await request(unsteady, url) == code
    assert len(unsteady.asked) == tries
    assert len({asked.headers["I-Twilio-Idempotency-Token"] for asked in unsteady.asked}) == 1


async def test_the_fragment_is_neither_sent_nor_signed(unsteady: Unsteady) -> None:
    unsteady.statuses = [200]
    await request(unsteady, "/voice?a=b#rc=2&rp=all")
    (asked,) = unsteady.asked
    assert asked.path_qs == "/voice?a=b"
    signature = asked.headers["X-Twilio-Signature"]
    assert RequestValidator("s3cret").validate(f"{PUBLIC}/voice?a=b", {"CallSid": "CA1"}, signature)


def test_without_overrides_twilios_defaults_hold() -> None:
    url, overrides = split(f"{PUBLIC}/voice")
    assert url == f"{PUBLIC}/voice"
    assert (overrides.connect_s, overrides.read_s, overrides.total_s, overrides.retries) == (5, 15, 15, 1)
    assert overrides.retry("ct")
    assert not overrides.retry("5xx")


@pytest.mark.parametrize(
    ("fragment", "code"),
    [
        ("rp=5xxx", 11243),
        ("rp=", 11243),
        ("rc=6", 11100),
        ("rc=many", 11100),
        ("ct=99", 11100),
        ("rt=15001", 11100),
        ("retries=2", 11100),
    ],
)
async def test_bad_overrides_fail_the_request(unsteady: Unsteady, fragment: str, code: int) -> None:
    assert await request(unsteady, f"/voice#{fragment}") == code
    assert unsteady.asked == []
