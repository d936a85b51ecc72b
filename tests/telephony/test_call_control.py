"""Hanging up over REST, against a server on loopback that answers as Twilio does."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from telephony.twilio.rest import CallControl
from tests.telephony.phone_doubles import ACCOUNT, AUTH_TOKEN, CALL, settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def twilio(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/2010-04-01/{rest:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def control(api_base: str, timeout_s: float = 5.0) -> AsyncIterator[CallControl]:
    made = CallControl(ACCOUNT, AUTH_TOKEN, api_base, timeout_s)
    try:
        yield made
    finally:
        await made.close()


def answering(status: int, seen: list[tuple[str, str, str]] | None = None) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if seen is not None:
            form = await request.post()
            seen.append((request.path, request.headers["Authorization"], str(form["Status"])))
        return web.json_response({"code": 20404 if status == 404 else 0}, status=status)

    return handle


async def test_a_hang_up_completes_the_call() -> None:
    seen: list[tuple[str, str, str]] = []
    async with twilio(answering(200, seen)) as api_base, control(api_base) as calls:
        assert await calls.hang_up(CALL)
    credentials = base64.b64encode(f"{ACCOUNT}:{AUTH_TOKEN}".encode()).decode()
    assert seen == [(f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json", f"Basic {credentials}", "completed")]


async def test_a_call_that_is_already_over_counts_as_hung_up() -> None:
    async with twilio(answering(404)) as api_base, control(api_base) as calls:
        assert await calls.hang_up(CALL)
        assert await calls.hang_up(CALL)


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_refusal_is_told_and_never_raised(status: int) -> None:
    async with twilio(answering(status)) as api_base, control(api_base) as calls:
        assert not await calls.hang_up(CALL)


async def test_a_twilio_that_does_not_answer_is_given_up() -> None:
    never = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with twilio(handle) as api_base, control(api_base, timeout_s=0.05) as calls:
        assert not await calls.hang_up(CALL)
        never.set()


async def test_a_twilio_that_cannot_be_reached_is_given_up() -> None:
    async with twilio(answering(200)) as api_base:
        gone = api_base
    async with control(gone) as calls:
        assert not await calls.hang_up(CALL)


async def test_a_sid_cannot_leave_its_path() -> None:
    seen: list[tuple[str, str, str]] = []
    async with twilio(answering(200, seen)) as api_base, control(api_base) as calls:
        await calls.hang_up("../CA1?x=/")
    assert seen[0][0].startswith(f"/2010-04-01/Accounts/{ACCOUNT}/Calls/")


async def test_without_credentials_nobody_is_asked() -> None:
    calls = CallControl.from_settings(settings(twilio_account_sid=None))
    assert not await calls.hang_up(CALL)
    await calls.close()


async def test_the_settings_say_where_twilio_is() -> None:
    async with twilio(answering(200)) as api_base:
        calls = CallControl.from_settings(settings(twilio_account_sid=ACCOUNT, twilio_api_base=api_base + "/"))
        assert await calls.hang_up(CALL)
        await calls.close()
