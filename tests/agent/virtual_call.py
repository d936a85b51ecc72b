"""Whole calls on a virtual clock: a line that is a list, and Sonic made of lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from agent.call import Call, CallSetup
from agent.line import CallerAudio
from agent.sonic.errors import SonicError
from agent.sonic.events import AudioOutput, ContentStarted, ContentType, Role, ServiceEvent, ToolSpec
from agent.sonic.opening import SonicConfig
from agent.transcript import CallTranscript
from data.models import Line as LineName
from tests.agent.call_stage import SILENCE, ListLine, ListToolbox, loud, no_move_out_of_order
from tests.agent.session_stage import CONFIG, FakeSonic, FakeStream, ended, planned

FRAME_S = 0.02
PHONE_SECOND = 16000  # bytes at 8 kHz


@dataclass
class CallStage:
    call: Call
    line: ListLine
    sonic: FakeSonic
    toolbox: ListToolbox
    running: asyncio.Task[str]
    began: float

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    @property
    def played_s(self) -> float:
        """Seconds of sound that the line was sent so far."""
        return len(self.line.sink.audio) / PHONE_SECOND

    @property
    def said(self) -> list[str]:
        return [turn.text for turn in self.call.log.record().turns if turn.role == "carlos"]

    @property
    def notes(self) -> dict[str, object]:
        return dict(self.call.log.notes)

    async def silent(self, seconds: float) -> None:
        """The line carries silence."""
        for _ in range(round(seconds / FRAME_S)):
            self.line.do(CallerAudio(SILENCE))
            await asyncio.sleep(FRAME_S)

    async def loud(self, seconds: float) -> None:
        """Somebody speaks on the line, whoever it is."""
        for frame in loud(seconds):
            self.line.do(CallerAudio(frame))
            await asyncio.sleep(FRAME_S)

    async def longest_silence(self, seconds: float) -> float:
        """How long the line was sent nothing at a stretch, in that time."""
        longest, since, before = 0.0, self.now, self.played_s
        while seconds > 0:
            await self.silent(0.1)
            seconds -= 0.1
            if self.played_s > before:
                since, before = self.now, self.played_s
            longest = max(longest, self.now - since)
        return longest


@asynccontextmanager
async def calling(
    refuse: Callable[[int], SonicError | None] = lambda number: None,
    script: Callable[[FakeStream], Awaitable[None]] | None = None,
    log: CallTranscript | None = None,
    **setup: Any,
) -> AsyncIterator[CallStage]:
    """A phone call; `setup` is more of its `CallSetup`."""
    sonic, line, toolbox = FakeSonic(refuse, script), ListLine(), ListToolbox()

    def configured(system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        return replace(CONFIG, system=system, tools=tools)

    log = log or CallTranscript("CA1", LineName.PHONE, None)
    call = Call(log, line, CallSetup(sonic, toolbox, configured, **setup))
    line.sink.on_mark = call.mark_returned
    running = asyncio.create_task(call.run())
    stage = CallStage(call, line, sonic, toolbox, running, asyncio.get_running_loop().time())
    try:
        with no_move_out_of_order():
            yield stage
    finally:
        await call.hang_up()
        await running
        await sonic.stop()
        assert sonic.open_streams == 0


def spoken(text: str = "Hola, soy Carlos.", seconds: float = 2.0, block: str = "a") -> list[ServiceEvent]:
    """One sentence, all of its audio at once, and the turn's end."""
    return [*sounding(text, seconds, block), ended(block=block)]


def sounding(text: str, seconds: float, block: str = "a") -> list[ServiceEvent]:
    return [
        *planned(text),
        ContentStarted(block, ContentType.AUDIO, Role.ASSISTANT),
        AudioOutput(block, b"\x01\x02" * int(24000 * seconds)),
    ]


async def greets(stream: FakeStream) -> None:
    if stream.number == 1:
        stream.tell(*spoken())
