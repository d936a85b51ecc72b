"""A session on a virtual clock, between a Sonic that is made of lists and a caller whose words are frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent.sonic.breaker import CircuitBreaker
from agent.sonic.errors import SonicError
from agent.sonic.events import (
    AudioInput,
    AudioOutput,
    ClientEvent,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextInput,
    TextOutput,
    ToolUse,
)
from agent.sonic.opening import History, SonicConfig
from agent.sonic.session import SonicSession

CONFIG = SonicConfig(model_id="m", voice="carlos", system="Sos Carlos.", tools=(), rotate_spread_s=0.0)
SECOND = 32000  # bytes
FRAME = 640  # bytes: 20 ms
VOICE = np.random.default_rng(3).normal(0, 4000, 16000).astype("<i2").tobytes()  # a second
PRIMING = 3200  # bytes of silence that every stream begins with


class FakeStream:
    """Keeps what it is sent; says what a test tells it to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.opened_at = asyncio.get_running_loop().time()
        self.sent: list[ClientEvent] = []
        self.events: asyncio.Queue[ServiceEvent | SonicError | None] = asyncio.Queue()
        self.closed = False
        self.ready = True
        self.head = asyncio.Event()
        self.head.set()
        self.deaf = False  # takes nothing that is sent

    async def opened(self) -> None:
        await self.head.wait()

    async def send(self, *events: ClientEvent) -> None:
        if self.deaf:
            await asyncio.Event().wait()
        self.sent += events

    def send_now(self, event: ClientEvent) -> None:
        self.sent.append(event)

    async def receive(self) -> ServiceEvent | None:
        event = await self.events.get()
        if isinstance(event, SonicError):
            raise event
        return event

    async def close(self) -> None:
        self.closed = True

    def tell(self, *events: ServiceEvent | SonicError) -> None:
        for event in events:
            self.events.put_nowait(event)

    @property
    def texts(self) -> list[str]:
        return [event.content for event in self.sent if isinstance(event, TextInput)]

    @property
    def audio(self) -> bytes:
        """Without the silence that primes a stream."""
        return b"".join(event.audio for event in self.sent if isinstance(event, AudioInput))[PRIMING:]


class FakeSonic:
    """Opens fake streams. `refuse` gives an error for a stream's number, or None; `script` plays each one."""

    def __init__(
        self,
        refuse: Callable[[int], SonicError | None] = lambda number: None,
        script: Callable[[FakeStream], Awaitable[None]] | None = None,
    ) -> None:
        self.streams: list[FakeStream] = []
        self.dialled: list[float] = []
        self._refuse = refuse
        self._script = script
        self._players: list[asyncio.Task[None]] = []

    async def open(self, model_id: str) -> FakeStream:
        self.dialled.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)
        if (error := self._refuse(len(self.dialled))) is not None:
            raise error
        stream = FakeStream(len(self.streams) + 1)
        self.streams.append(stream)
        if self._script is not None:
            self._players.append(asyncio.create_task(self._play(self._script, stream)))
        return stream

    async def _play(self, script: Callable[[FakeStream], Awaitable[None]], stream: FakeStream) -> None:
        await script(stream)

    async def stop(self) -> None:
        """Raises what went wrong in a script."""
        for player in self._players:
            player.cancel()
        for ended in await asyncio.gather(*self._players, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    @property
    def open_streams(self) -> int:
        return sum(not stream.closed for stream in self.streams)

    @property
    def busiest_minute(self) -> int:
        return max(sum(at <= other < at + 60 for other in self.dialled) for at in self.dialled)


@dataclass
class FakeCall:
    """What a session tells its call."""

    said: list[tuple[Role, str]] = field(default_factory=list)
    events: list[ServiceEvent] = field(default_factory=list)
    faults: list[SonicError] = field(default_factory=list)
    losses: list[SonicError] = field(default_factory=list)
    rotations: list[float] = field(default_factory=list)
    suspicions: list[str] = field(default_factory=list)
    lost_ms: float = 0.0
    sounding: bool = False
    prompts: int = 0
    on_event: Callable[[ServiceEvent], None] = lambda event: None

    def history(self) -> History:
        return list(self.said)

    def instructions(self) -> str:
        self.prompts += 1
        return f"Sos Carlos. ({self.prompts})"

    async def take(self, event: ServiceEvent) -> None:
        self.events.append(event)
        self.on_event(event)

    async def fault(self, error: SonicError) -> None:
        self.faults.append(error)

    async def lost(self, error: SonicError) -> None:
        self.losses.append(error)

    def rotated(self, age_s: float) -> None:
        self.rotations.append(age_s)

    def suspected(self, outcome: str) -> None:
        self.suspicions.append(outcome)

    def audio_lost(self, milliseconds: float) -> None:
        self.lost_ms += milliseconds


@dataclass
class SessionStage:
    sonic: FakeSonic
    call: FakeCall
    session: SonicSession
    began: float

    @property
    def now(self) -> float:
        """Seconds since the session began."""
        return asyncio.get_running_loop().time() - self.began

    async def say(self, seconds: float) -> None:
        """The caller speaks, in real time."""
        await self._send(VOICE * int(seconds + 1), seconds)

    async def quiet(self, seconds: float) -> None:
        """The line carries silence."""
        await self._send(bytes(int(seconds + 1) * SECOND), seconds)

    async def _send(self, pcm: bytes, seconds: float) -> None:
        for start in range(0, int(seconds * SECOND) // FRAME * FRAME, FRAME):
            self.session.send_audio(pcm[start : start + FRAME])
            await asyncio.sleep(0.02)

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        await asyncio.sleep(0.001)

    @property
    def last(self) -> FakeStream:
        return self.sonic.streams[-1]


@asynccontextmanager
async def staged(
    sonic: FakeSonic | None = None, breaker: CircuitBreaker | None = None, **config: Any
) -> AsyncIterator[SessionStage]:
    """A session that has begun, and proof at the end that it left no task and no stream."""
    sonic, call = sonic or FakeSonic(), FakeCall()
    before = asyncio.all_tasks()
    session = SonicSession(sonic, replace(CONFIG, **config), call, call.take, breaker=breaker, jitter=lambda: 0.5)
    session.start()
    stage = SessionStage(sonic, call, session, asyncio.get_running_loop().time())
    try:
        yield stage
    finally:
        await session.close()
        await sonic.stop()
        await asyncio.sleep(0)
        left = {task for task in asyncio.all_tasks() - before if not task.done()}
        assert not left, f"tasks survived: {left}"
        assert sonic.open_streams == 0


def words(text: str = "Mi pedido uno") -> list[ServiceEvent]:
    return [
        ContentStarted("w", ContentType.TEXT, Role.USER, Stage.FINAL),
        TextOutput("w", Role.USER, text),
        ContentEnded("w", ContentType.TEXT, StopReason.PARTIAL_TURN),
    ]


def begun(text: str = "Hola", block: str = "a") -> list[ServiceEvent]:
    """An answer's first sentence, with its first audio."""
    return [*planned(text), AudioOutput(block, bytes(960))]


def planned(text: str = "Hola") -> list[ServiceEvent]:
    return [
        ContentStarted("p", ContentType.TEXT, Role.ASSISTANT, Stage.SPECULATIVE),
        TextOutput("p", Role.ASSISTANT, text),
        ContentEnded("p", ContentType.TEXT, StopReason.PARTIAL_TURN),
    ]


def ended(reason: StopReason = StopReason.END_TURN, block: str = "a") -> ServiceEvent:
    return ContentEnded(block, ContentType.AUDIO, reason)


def answer(text: str = "Hola", block: str = "a") -> list[ServiceEvent]:
    return [*begun(text, block), ended(block=block)]


def tool(tool_use_id: str = "t1", name: str = "consultarOrder") -> ToolUse:
    return ToolUse("c", tool_use_id, name, "{}")
