"""The server as a browser meets it: in this process, on loopback without signatures, with a scripted Sonic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from api.console import console_routes
from carlos.app import Services, create_app
from common.settings import Settings
from data.models import CallRecord
from sandbox.brain import Brain
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import CHARACTER_S, PIECE_S, TONE_LEVEL, ScriptedMind, ScriptTurn, ToneVoice
from sandbox.sonic.server import SonicServer
from tests.support.patience import be_patient
from tests.support.servers import free_port, loopback, serving
from tests.support.sonic import PATIENT, aws_keys, sonic
from tests.support.waiting import until


class PatientEar(EnergyEar):
    """Waits out the pauses inside a recorded sentence."""

    def tune(self, rate: int, endpointing: str | None) -> None:
        super().tune(rate, "LOW")
        self._pause_ms = 900


def pitch_of(text: str) -> float:
    """Hertz: each text of a test has its own, so that what is heard can be told apart."""
    return 300.0 + 50 * (len(text) % 12)


class PitchedVoice(ToneVoice):
    """A tone as long as the text, 60 ms a character, at the text's pitch."""

    async def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
        samples = round(CHARACTER_S * len(text) * rate)
        angle = np.arange(samples) * (2 * np.pi * pitch_of(text) / rate)
        pcm = (np.sin(angle) * TONE_LEVEL).astype("<i2").tobytes()
        size = round(PIECE_S * rate) * 2
        for start in range(0, len(pcm), size):
            yield pcm[start : start + size]


def patient(*scripts: Iterable[ScriptTurn]) -> Callable[[], Brain]:
    """A maker of brains that follow a script each; the last one is every later stream's too."""
    waiting = [tuple(script) for script in scripts]

    def make() -> Brain:
        script = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        ear = PatientEar()
        return Brain(ear, ScriptedMind(iter(script), ear), PitchedVoice())

    return make


@dataclass
class Served:
    """A running server, which may be `away` for a while."""

    settings: Settings
    sonic: SonicServer
    services: Services = field(init=False)
    _server: uvicorn.Server = field(init=False)
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.settings.ws_port}"

    async def start(self) -> None:
        services: asyncio.Future[Services] = asyncio.get_running_loop().create_future()
        listener = self._running.enter_context(loopback(self.settings.ws_port))
        app, options = create_app(self.settings, services.set_result), {"ws": "websockets-sansio", "lifespan": "on"}
        self._server = await self._running.enter_async_context(serving(app, listener, **options))
        self.services = services.result()

    async def stop(self) -> None:
        """End as a killed process does: nobody gets in, and every socket is cut."""
        for listener in self._server.servers:
            listener.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await self._running.aclose()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        await self.stop()
        try:
            yield
        finally:
            await self.start()

    async def record(self, call_id: str) -> CallRecord:
        """A call's record, once the call is over."""
        await until(lambda: call_id not in self.services.active_calls.live)
        await self.services.record_writer.settled()
        record = await self.services.store.call(call_id)
        assert record is not None
        return record


@asynccontextmanager
async def served(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    brain: Callable[[], Brain],
    *,
    takes: str = "",
    **settings: Any,
) -> AsyncIterator[Served]:
    """`takes` is what the page is told that a stand-in does."""
    monkeypatch.setattr("carlos.app.console_routes", lambda _, **options: console_routes(takes, **options))
    aws_keys(monkeypatch)
    be_patient(monkeypatch)
    async with sonic(home, brain) as standin:
        config = Settings(
            _env_file=None,
            ws_port=free_port(),
            carlos_home=home,
            sonic="bedrock",
            sonic_endpoint=standin.endpoint,
            sonic_ca_file=standin.ca_file,
            emf_seconds=0,
            **(PATIENT | settings),
        )
        server = Served(config, standin)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
