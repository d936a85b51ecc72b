from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from agent.active_calls import ActiveCalls
from agent.transcript import CallTranscript
from carlos.protection import EXPIRES_MINUTES, STATE_PATH, TaskProtection
from data.models import Line
from tests.support.waiting import until


class FakeAgent:
    """ECS's agent endpoint: keeps what it was asked, and refuses the first `refusals` requests."""

    def __init__(self, refusals: int = 0) -> None:
        self.asked: list[dict[str, Any]] = []
        self.refusals = refusals

    async def put(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        if self.refusals:
            self.refusals -= 1
            return web.json_response({"failure": {"Reason": "DEPLOYMENT_BLOCKED"}}, status=200)
        return web.json_response({"protection": self.asked[-1]})


class FakeCall:
    """A call that lasts until it is told to end."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.log = CallTranscript(str(id(self)), Line.PHONE, None)

    async def run(self) -> str:
        await self.over.wait()
        return "completed"


@asynccontextmanager
async def protected(agent: FakeAgent, **times: float) -> AsyncIterator[tuple[ActiveCalls, TaskProtection]]:
    app = web.Application()
    app.router.add_put(STATE_PATH, agent.put)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    active_calls = ActiveCalls(5)
    protection = TaskProtection(f"http://127.0.0.1:{port}", active_calls, **times)
    following = asyncio.create_task(protection.run())
    try:
        yield active_calls, protection
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await runner.cleanup()


async def test_the_task_is_protected_from_the_first_call_to_the_last() -> None:
    agent = FakeAgent()
    async with protected(agent) as (active_calls, protection):
        first, second = FakeCall(), FakeCall()
        holding = [asyncio.create_task(active_calls.hold(call)) for call in (first, second)]  # type: ignore[arg-type]
        await until(lambda: protection.protected)
        first.over.set()
        await holding[0]
        assert agent.asked == [{"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MINUTES}]
        second.over.set()
        await until(lambda: not protection.protected)
        assert agent.asked[-1] == {"ProtectionEnabled": False}


async def test_protection_is_renewed_while_a_call_lasts() -> None:
    agent = FakeAgent()
    async with protected(agent, refresh_s=0.01) as (active_calls, _):
        call = FakeCall()
        holding = asyncio.create_task(active_calls.hold(call))  # type: ignore[arg-type]
        await until(lambda: len(agent.asked) >= 3)
        assert all(asked["ProtectionEnabled"] for asked in agent.asked)
        call.over.set()
        await holding


async def test_a_refusal_is_asked_again() -> None:
    agent = FakeAgent(refusals=2)
    async with protected(agent, retry_s=0.01) as (active_calls, protection):
        call = FakeCall()
        holding = asyncio.create_task(active_calls.hold(call))  # type: ignore[arg-type]
        await until(lambda: protection.protected)
        assert len(agent.asked) == 3
        call.over.set()
        await holding


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9"])
async def test_an_agent_that_cannot_be_reached_breaks_nothing(uri: str) -> None:
    active_calls = ActiveCalls(5)
    protection = TaskProtection(uri, active_calls, retry_s=0.01)
    following = asyncio.create_task(protection.run())
    call = FakeCall()
    holding = asyncio.create_task(active_calls.hold(call))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)
    call.over.set()
    assert await holding == "completed"
    assert not following.done()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
