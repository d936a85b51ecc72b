"""Carlos's browser line on a real socket, between the original client and the Sonic stand-in with a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from agent.sonic.events import ToolSpec
from agent.sonic.opening import SonicConfig
from carlos.app import Services, open_services
from common.settings import Settings
from data.models import CallRecord
from sandbox.browser.client import OriginalClient
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.faults import Fault
from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.sonic.server import SonicServer
from telephony.browser.line import BrowserLimits, browser_routes
from tests.support.servers import loopback, serving
from tests.support.sonic import PATIENT, aws_keys
from tests.support.sonic import sonic as sonic_server
from tests.support.waiting import bounded, no_task_left
from tests.support.waiting import until as until_true

GREETING = ScriptTurn((Say("Hola. [FINAL]"),))


def loud(seconds: float) -> bytes:
    """What an ear for energy takes for speech, with the pause that ends a turn; 16 kHz."""
    samples = np.random.default_rng(7).normal(0, 4000, int(seconds * 16000))
    return samples.astype("<i2").tobytes() + bytes(int(0.5 * 32000))


@dataclass
class Served:
    """What a test may look at and do."""

    services: Services
    sonic: SonicServer
    server: uvicorn.Server
    url: str

    def client(self, **options: Any) -> OriginalClient:
        return OriginalClient(self.url, **options)

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the call that is on the line has noted so far."""
        (call,) = self.services.active_calls.live.values()
        return call.log.notes

    async def record(self) -> CallRecord:
        """The record of the call that ended last."""
        await until_true(lambda: not self.services.active_calls.live)
        await self.services.record_writer.settled()
        (log,) = list(self.services.active_calls._logs.values())[-1:]
        record = await self.services.store.call(log.id)
        assert record is not None
        return record


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """`await serve(turns, faults=(), behaviour=None, limits=None, sonic={}, resume=False, **settings)`."""
    aws_keys(monkeypatch)
    stack = AsyncExitStack()

    async def start(
        turns: Sequence[ScriptTurn],
        faults: Sequence[Fault] = (),
        behaviour: Behaviour | None = None,
        limits: BrowserLimits | None = None,
        sonic: dict[str, Any] | None = None,
        resume: bool = False,
        time_scale: float = 1.0,
        **changes: Any,
    ) -> Served:
        brain, options = scripted(turns, resume=resume), {"faults": faults, "behaviour": behaviour}
        standin = await stack.enter_async_context(sonic_server(tmp_path, brain, time_scale=time_scale, **options))
        configure(monkeypatch, sonic or {})
        settings = Settings(
            _env_file=None,
            carlos_home=tmp_path,
            sonic="bedrock",
            sonic_endpoint=standin.endpoint,
            sonic_ca_file=standin.ca_file,
            **(PATIENT | changes),
        )
        services = await stack.enter_async_context(open_services(settings))
        app = FastAPI()
        app.include_router(
            browser_routes(
                settings, services.active_calls, services.make_browser_call, spent=services.store, limits=limits
            )
        )
        listener = stack.enter_context(loopback())
        uvicorns: dict[str, Any] = {"ws": "websockets-sansio", "ws_per_message_deflate": False}
        server = await stack.enter_async_context(serving(app, listener, **uvicorns))
        return Served(services, standin, server, f"ws://localhost:{listener.getsockname()[1]}/")

    async with no_task_left(), stack:
        yield start


def configure(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    """Every call's SonicConfig with these changes."""
    made = Services.sonic_config

    def changed(services: Services, system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        return replace(made(services, system, tools), **changes)

    monkeypatch.setattr(Services, "sonic_config", changed)


async def until(client: OriginalClient, holds: Callable[[], object]) -> None:
    """Wait for what a client is shown, or for its socket's end."""
    async with bounded():
        while not holds():
            await client.changed()


def played(client: OriginalClient) -> bytes:
    """The sounds that reached the speakers once everything that came has been played."""
    client.screen.player.advance(asyncio.get_running_loop().time() + 60)
    return voiced(client.screen.player.speakers)


def voiced(pcm: bytes | bytearray) -> bytes:
    """Without silences: how long they are depends on how busy this machine is."""
    values = np.frombuffer(pcm, dtype="<i2")
    return bytes(values[values != 0].tobytes())


def tone(text: str) -> bytes:
    """What the stand-in's voice makes of a text, at 24 kHz, without the zero crossings."""
    samples = round(max(0.3, 0.06 * len(text)) * 24000)
    wave = np.sin(np.arange(samples) * (2 * np.pi * 440 / 24000)) * 6000
    return voiced(wave.astype("<i2").tobytes())
