"""What the tests of the Sonic wire share: a server and the real client on it, and the usual first events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from agent.sonic.errors import SonicError
from agent.sonic.events import (
    AudioInput,
    AudioStart,
    ClientEvent,
    ContentEnd,
    PromptEnd,
    PromptStart,
    Role,
    ServiceEvent,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
)
from agent.sonic.wire.client import SonicClient, SonicStream
from sandbox.hang import HANG_S
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.faults import Fault
from sandbox.sonic.script import ScriptTurn, scripted
from sandbox.sonic.server import SonicServer
from sandbox.sonic.stream import SonicStreamRecord
from tests.support.sonic import KEYS, sonic, sonic_client
from tests.support.waiting import bounded, no_task_left
from tests.support.waiting import until as until_true

MODEL = "amazon.nova-2-5-sonic"
PROMPT, AUDIO = "prompt", "audio"
CLOSE_S = 2.0  # what a close may take where the far side is mute
TOOLS = (ToolSpec("consultarOrden", "Busca un pedido", {"type": "object"}),)
INSTANT = Behaviour(audio_speed=None)


@dataclass
class Bench:
    server: SonicServer
    directory: Path

    def client(
        self, *, secret: str = KEYS.secret_access_key, open_s: float = HANG_S, send_s: float = HANG_S
    ) -> SonicClient:
        return sonic_client(
            self.server, secret=secret, open_timeout_s=open_s, send_timeout_s=send_s, close_timeout_s=CLOSE_S
        )

    @asynccontextmanager
    async def stream(self, client: SonicClient | None = None) -> AsyncIterator[SonicStream]:
        stream = await (client or self.client()).open(MODEL)
        try:
            yield stream
        finally:
            await stream.close()

    async def arrival(self, kind: type[ClientEvent], count: int = 1) -> SonicStreamRecord:
        """Wait until the newest stream got this many such events."""
        await until_true(lambda: self.server.sessions and self.record.counts[kind] >= count)
        return self.record

    @property
    def record(self) -> SonicStreamRecord:
        """The newest stream, as the server saw it."""
        return self.server.sessions[-1]


@asynccontextmanager
async def bench(
    directory: Path,
    turns: Iterable[ScriptTurn] = (),
    *,
    faults: Iterable[Fault] = (),
    behaviour: Behaviour = INSTANT,
    time_scale: float = 1.0,
    max_streams: int = 20,
) -> AsyncIterator[Bench]:
    """A server with a script, and proof at the end that neither side left a task behind."""
    options = {"faults": faults, "behaviour": behaviour, "time_scale": time_scale, "max_streams": max_streams}
    async with no_task_left(), sonic(directory, scripted(turns), **options) as server:
        yield Bench(server, directory)


def opening(
    *, history: Iterable[tuple[Role, str]] = (), endpointing: bool = True, tools: Iterable[ToolSpec] = TOOLS
) -> list[ClientEvent]:
    """From sessionStart to 100 ms of silence in an open audio block."""
    events: list[ClientEvent] = [
        SessionStart(1024, 0.9, 0.7, "HIGH" if endpointing else None),
        PromptStart(PROMPT, "carlos", 24000, tuple(tools)),
        *text(Role.SYSTEM, "Sos Carlos."),
    ]
    for role, said in history:
        events += text(role, said)
    return [*events, AudioStart(PROMPT, AUDIO, 16000), silence(0.1)]


def text(role: Role, content: str, *, interactive: bool = False) -> list[ClientEvent]:
    name = str(uuid4())
    return [
        TextStart(PROMPT, name, role, interactive),
        TextInput(PROMPT, name, content),
        ContentEnd(PROMPT, name),
    ]


def cue(content: str = "[llamada] Saludá.") -> list[ClientEvent]:
    return text(Role.USER, content, interactive=True)


def result(tool_use_id: str, content: str) -> list[ClientEvent]:
    name = str(uuid4())
    return [
        ToolResultStart(PROMPT, name, tool_use_id),
        ToolResult(PROMPT, name, content),
        ContentEnd(PROMPT, name),
    ]


def silence(seconds: float) -> AudioInput:
    return AudioInput(PROMPT, AUDIO, bytes(round(seconds * 16000) * 2))


def speech(seconds: float) -> AudioInput:
    noise = np.random.default_rng(1).normal(0, 4000, round(seconds * 16000))
    return AudioInput(PROMPT, AUDIO, noise.astype("<i2").tobytes())


ENDING: list[ClientEvent] = [ContentEnd(PROMPT, AUDIO), PromptEnd(PROMPT), SessionEnd()]


async def until(stream: SonicStream, found: Callable[[ServiceEvent], bool]) -> list[ServiceEvent]:
    """The events up to the one that is `found`, that one included."""
    events: list[ServiceEvent] = []
    async with bounded():
        while True:
            event = await stream.receive()
            assert event is not None, f"the stream ended after {events}"
            events.append(event)
            if found(event):
                return events


async def rest(stream: SonicStream) -> list[ServiceEvent]:
    """The events up to the end."""
    events: list[ServiceEvent] = []
    async with bounded():
        while (event := await stream.receive()) is not None:
            events.append(event)
    return events


async def failure(stream: SonicStream, kind: type[SonicError]) -> str:
    """Read until the stream fails, which must be with exactly this error; returns its detail."""
    with pytest.raises(kind) as caught:
        await rest(stream)
    assert type(caught.value) is kind
    return caught.value.detail


async def refusal(stream: SonicStream, kind: type[SonicError]) -> str:
    """Begin a session that is refused with exactly this error, which the send may be the first to notice."""
    with suppress(SonicError):
        await stream.send(*opening()[:1])
    return await failure(stream, kind)
