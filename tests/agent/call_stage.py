"""A Sonic stand-in with a script, and a line whose far side is a list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loguru import logger

from agent.call import Call, CallSetup
from agent.floor import FloorTimes
from agent.line import CallerAudio, LineDropped, LineEvent
from agent.persona.prompt import LineKind
from agent.sonic.events import ToolSpec
from agent.sonic.opening import SonicConfig
from agent.transcript import CallTranscript
from data.models import Line as LineName
from sandbox.hang import HANG_S
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.faults import Fault
from sandbox.sonic.script import ScriptTurn, scripted
from sandbox.sonic.server import SonicServer
from tests.support.sonic import sonic, sonic_client
from tests.support.waiting import bounded, no_task_left, until
from tools.toolbox import ToolOutcome

FRAME = 640  # bytes: 20 ms at 16 kHz
SILENCE = bytes(FRAME)
UNHURRIED = FloorTimes(silence_prompt_s=None, tool_filler_s=HANG_S)  # on a busy machine nobody is told to speak


def loud(seconds: float) -> list[bytes]:
    samples = np.random.default_rng(7).normal(0, 4000, int(seconds * 16000)).astype("<i2").tobytes()
    return [samples[start : start + FRAME] for start in range(0, len(samples), FRAME)]


class ListWire:
    """Keeps what is sent, and returns marks as soon as they come."""

    rate = 8000
    lead = 3
    piece = 1
    acknowledges = True
    tail_s = 0.0

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.on_mark: Callable[[str], None] = lambda name: None

    async def send_audio(self, pcm: bytes) -> None:
        self.sent.append(("audio", pcm))

    async def send_mark(self, name: str) -> None:
        self.sent.append(("mark", name))
        self.on_mark(name)

    async def send_clear(self) -> None:
        self.sent.append(("clear", None))

    @property
    def audio(self) -> bytes:
        return b"".join(pcm for kind, pcm in self.sent if kind == "audio")


class ListLine:
    """A caller who does what `do` is given; silence otherwise, 20 ms at a time."""

    kind: LineKind = "phone"

    def __init__(self) -> None:
        self.sink: Any = ListWire()
        self.outcome: str | None = None
        self._queue: asyncio.Queue[LineEvent | LineDropped | None] = asyncio.Queue()

    def do(self, *events: LineEvent) -> None:
        for event in events:
            self._queue.put_nowait(event)

    def speak(self, seconds: float = 0.6) -> None:
        """All at once, and 2.1 s of silence: words are not waited for any more then, and a goodbye may end."""
        self.do(*(CallerAudio(frame) for frame in loud(seconds)))
        self.do(*(CallerAudio(SILENCE) for _ in range(105)))

    def leave(self) -> None:
        self._queue.put_nowait(None)

    def drop(self, why: str, outcome: str) -> None:
        self._queue.put_nowait(LineDropped(why, outcome))

    async def events(self) -> AsyncIterator[LineEvent]:
        while (event := await self._queue.get()) is not None:
            if isinstance(event, LineDropped):
                raise event
            yield event

    async def end(self, outcome: str) -> None:
        self.outcome = outcome


@dataclass
class ListToolbox:
    """Answers every tool alike and keeps what it was asked."""

    specs: Sequence[Any] = (ToolSpec("consultarOrder", "Consultar", {"type": "object", "properties": {}}),)
    result: Mapping[str, Any] = field(default_factory=lambda: {"success": True})
    asked: list[tuple[str, str]] = field(default_factory=list)
    turns: int = 0

    async def run(self, name: str, arguments: str, *, tool_use_id: str) -> ToolOutcome:
        self.asked.append((name, arguments))
        return ToolOutcome(dict(self.result), ok=True, elapsed_ms=1)

    def caller_spoke(self, text: str) -> None:
        self.turns += 1


@dataclass
class Stage:
    """One call under way against the stand-in."""

    server: SonicServer
    line: ListLine
    toolbox: ListToolbox
    call: Call
    running: asyncio.Task[str]

    async def until(self, holds: Callable[[], object]) -> None:
        await until(holds)

    async def until_closed(self) -> None:
        await until(lambda: self.server.open_streams == 0)

    @property
    def said(self) -> list[str]:
        return [turn.text for turn in self.call.log.record().turns if turn.role == "carlos"]


@contextmanager
def no_move_out_of_order() -> Iterator[None]:
    """Every move of a call is one of its table's."""
    wrong: list[str] = []
    sink = logger.add(wrong.append, format="{message}", filter=lambda record: " has no move for " in record["message"])
    try:
        yield
    finally:
        with suppress(ValueError):  # a test of the log has removed all sinks
            logger.remove(sink)
    assert not wrong


Begin = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    """Start a call: `await begin(turns, faults=(), behaviour=None, log=None, open_s=HANG_S, setup=None, **config)`."""
    stack, stages = AsyncExitStack(), list[Stage]()

    async def start(
        turns: Sequence[ScriptTurn],
        faults: Sequence[Fault] = (),
        behaviour: Behaviour | None = None,
        resume: bool = False,
        log: CallTranscript | None = None,
        open_s: float = HANG_S,
        setup: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> Stage:
        brain = scripted(turns, resume=resume)
        server = await stack.enter_async_context(sonic(tmp_path, brain, faults=faults, behaviour=behaviour))
        client = sonic_client(server, open_timeout_s=open_s, close_timeout_s=1.0)
        line, toolbox = ListLine(), ListToolbox()

        def configured(system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
            return SonicConfig("amazon.nova-2-5-sonic", "carlos", system, tools, endpointing="HIGH", **config)

        made = CallSetup(client, toolbox, configured, **{"times": UNHURRIED, **(setup or {})})
        call = Call(log or CallTranscript("CA1", LineName.PHONE, None), line, made)
        line.sink.on_mark = call.mark_returned
        stage = Stage(server, line, toolbox, call, asyncio.create_task(call.run()))
        stages.append(stage)
        return stage

    async with no_task_left(), stack, bounded():
        stack.enter_context(no_move_out_of_order())
        yield start
        for stage in stages:
            await stage.call.hang_up()
            await stage.running
            await stage.until_closed()
