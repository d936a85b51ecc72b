"""What a call costs, counted and not timed: events, messages, timers, tasks, Python calls, memory kept.

The bounds are what was counted when they were set, and a fifth more: work that creeps into a path that runs fifty
times a second shows here, on any machine.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import pytest

from agent.audio.pacing import Pacer
from agent.call import Call, CallSetup
from agent.line import AudioSink, CallerAudio, LineEvent
from agent.persona.prompt import LineKind
from agent.sonic.encoding import encode
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
    TextOutput,
    ToolSpec,
)
from agent.sonic.opening import SonicConfig
from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import ChunkSigner
from agent.sonic.wire.http2 import STREAM
from agent.sonic.wire.plain_data import data_frame
from agent.transcript import CallTranscript
from bench.exchange import exchanging
from bench.pairs import NoTools
from data.models import Line as LineName
from telephony.twilio.media_stream import MediaStream
from tests.support.waiting import bounded

FRAME = bytes(640)  # 20 ms at 16 kHz
FRAMES = 200

CALLS_PER_CALLER_FRAME = 40
CALLS_PER_PLAYED_FRAME = 45
CALLS_PER_CHUNK = 5
CALLS_PER_PIECE_WRITTEN = 15
CALLS_PER_PIECE_READ = 13
TASKS_PER_CALL = 15
BLOCKS_PER_FRAME = 1.0
ELSEWHERE = ("/tests/", "/asyncio/", "/selectors.py")


class Counted:
    """Python functions entered: ours and the libraries', but neither the event loop's nor the test's."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Counted:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and not any(place in frame.f_code.co_filename for place in ELSEWHERE):
            self.calls += 1


class Sonic:
    """An opener and its one stream."""

    def __init__(self) -> None:
        self.heard = 0  # audio events
        self.ready = True
        self.events: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()

    async def open(self, model_id: str) -> Sonic:
        return self

    async def opened(self) -> None: ...

    async def send(self, *events: ClientEvent) -> None:
        self.heard += sum(isinstance(event, AudioInput) for event in events)

    def send_now(self, event: ClientEvent) -> None:
        self.heard += isinstance(event, AudioInput)

    async def receive(self) -> ServiceEvent | None:
        return await self.events.get()

    async def close(self) -> None: ...

    def answer(self, seconds: float, piece: int = 3840) -> None:
        pcm = bytes(int(seconds * 24000) * 2)
        told: tuple[ServiceEvent, ...] = (
            ContentStarted("t", ContentType.TEXT, Role.ASSISTANT, Stage.SPECULATIVE),
            TextOutput("t", Role.ASSISTANT, "Sí."),
            ContentEnded("t", ContentType.TEXT, StopReason.PARTIAL_TURN),
            ContentStarted("a", ContentType.AUDIO, Role.ASSISTANT),
            *(AudioOutput("a", pcm[at : at + piece]) for at in range(0, len(pcm), piece)),
            ContentEnded("a", ContentType.AUDIO, StopReason.END_TURN),
        )
        for event in told:
            self.events.put_nowait(event)


class FakeWire:
    """Takes a whole answer at once: nothing has to wait for the clock."""

    rate = 8000
    lead = 10_000
    piece = 1
    acknowledges = True
    tail_s = 0.0

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.marks: list[str] = []

    async def send_audio(self, pcm: bytes) -> None:
        self.frames.append(pcm)

    async def send_mark(self, name: str) -> None:
        self.marks.append(name)

    async def send_clear(self) -> None: ...


class EachFrame(Pacer):
    """Every frame a message of its own, as in real time."""

    def due(self, now: float) -> int:
        return min(1, super().due(now))


@pytest.fixture(autouse=True)
def each_frame_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.pipeline.Pacer", EachFrame)


class FakeLine:
    kind: LineKind = "phone"

    def __init__(self) -> None:
        self.heard = FakeWire()
        self.sink: AudioSink = self.heard
        self.queue: asyncio.Queue[LineEvent | None] = asyncio.Queue()

    async def events(self) -> AsyncIterator[LineEvent]:
        while (event := await self.queue.get()) is not None:
            yield event

    async def end(self, outcome: str) -> None: ...


def config(system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
    return SonicConfig("m", "carlos", system, tools)


@asynccontextmanager
async def begun() -> AsyncIterator[tuple[FakeLine, Sonic]]:
    line, sonic = FakeLine(), Sonic()
    running = asyncio.create_task(
        Call(CallTranscript("CA1", LineName.PHONE, None), line, CallSetup(sonic, NoTools(), config)).run()
    )
    try:
        yield line, sonic
    finally:
        line.queue.put_nowait(None)
        await running


@asynccontextmanager
async def call() -> AsyncIterator[tuple[FakeLine, Sonic]]:
    """One that has been greeted."""
    async with begun() as (line, sonic):
        sonic.answer(0.1)
        await until(lambda: len(line.heard.frames) == 5)
        yield line, sonic


async def until(holds: Any) -> None:
    async with bounded():
        while not holds():
            await asyncio.sleep(0)


async def hear(line: FakeLine, sonic: Sonic, frames: int) -> None:
    """Caller audio as it comes: one frame, and everything it sets off, before the next."""
    async with bounded():
        for expected in range(sonic.heard + 1, sonic.heard + frames + 1):
            line.queue.put_nowait(CallerAudio(FRAME))
            while sonic.heard < expected:
                await asyncio.sleep(0)


async def test_a_callers_frame_is_one_event_and_costs_no_timer_and_few_calls() -> None:
    async with call() as (line, sonic):
        await hear(line, sonic, 20)
        before, timers = sonic.heard, Timers()
        with timers, Counted() as counted:
            await hear(line, sonic, FRAMES)
        assert sonic.heard - before == FRAMES
        assert timers.made < FRAMES / 10  # those that run by the clock alone, on a machine of any speed
        assert counted.calls / FRAMES <= CALLS_PER_CALLER_FRAME


async def test_an_answer_is_its_frames_and_one_mark_and_few_calls() -> None:
    async with call() as (line, sonic):
        seconds = FRAMES * 0.02
        with Counted() as counted:
            sonic.answer(seconds)
            await until(lambda: len(line.heard.marks) == 2)
        assert len(line.heard.frames) == 5 + FRAMES
        assert sum(map(len, line.heard.frames)) == int((0.1 + seconds) * 8000) * 2
        assert counted.calls / FRAMES <= CALLS_PER_PLAYED_FRAME


async def test_a_call_has_few_tasks_and_leaves_none() -> None:
    before = len(asyncio.all_tasks())
    async with call():
        assert len(asyncio.all_tasks()) - before <= TASKS_PER_CALL
    assert len(asyncio.all_tasks()) == before


@pytest.mark.slow
async def test_a_talking_caller_keeps_no_memory() -> None:
    async with call() as (line, sonic):
        await hear(line, sonic, 3 * FRAMES)
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(5):
            await hear(line, sonic, FRAMES)
        gc.collect()
        assert (sys.getallocatedblocks() - before) / (5 * FRAMES) < BLOCKS_PER_FRAME


def test_a_chunk_costs_few_calls_and_little_wire() -> None:
    signer = ChunkSigner("ab" * 32, Credentials("AKID", "SECRET"), "us-east-1", clock=lambda: 1.0)
    event = encode(AudioInput("p" * 36, "a" * 36, FRAME))
    signer.chunk(event)
    with Counted() as counted:
        chunks = [signer.chunk(event) for _ in range(FRAMES)]
    assert counted.calls / FRAMES <= CALLS_PER_CHUNK
    assert {len(chunk) for chunk in chunks} == {len(chunks[0])}
    assert len(chunks[0]) < 3 * len(FRAME)


async def test_a_piece_on_the_exchange_is_one_write_and_few_calls() -> None:
    written: list[bytes] = []
    exchange, transport = exchanging()
    transport.take = written.append
    with Counted() as counted:
        for _ in range(FRAMES):
            exchange.write(bytes(1400))
    assert [len(data) for data in written] == [9 + 1400] * FRAMES
    assert counted.calls / FRAMES <= CALLS_PER_PIECE_WRITTEN


async def test_a_piece_off_the_exchange_is_read_in_few_calls() -> None:
    heard: list[bytes] = []
    exchange, _ = exchanging()
    exchange.on_data = heard.append
    frame = data_frame(STREAM, bytes(5400))
    with Counted() as counted:
        for _ in range(FRAMES):
            exchange.data_received(frame)
    assert heard == [bytes(5400)] * FRAMES
    assert counted.calls / FRAMES <= CALLS_PER_PIECE_READ


@pytest.mark.slow
async def test_a_busy_lines_answer_is_a_message_for_two_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.pipeline.Pacer", Pacer)
    monkeypatch.setattr(FakeWire, "lead", 3)
    monkeypatch.setattr(FakeWire, "piece", 2)
    async with begun() as (line, sonic):
        sonic.answer(0.5)
        await until(lambda: line.heard.marks)
    sizes = [len(message) for message in line.heard.frames]
    assert sum(sizes) == 0.5 * 8000 * 2
    assert sizes.count(320) <= 2, "one frame alone: where the first piece ends, and the last"


async def test_the_first_of_an_answer_is_played_where_it_arrives() -> None:
    async with call() as (line, sonic):
        played = len(line.heard.frames)
        turns = 0
        sonic.answer(0.1)
        while len(line.heard.frames) == played:
            await asyncio.sleep(0)
            turns += 1
        assert turns == 1


def test_a_media_message_is_built_in_two_calls() -> None:
    stream = MediaStream()
    stream.receive('{"event":"connected","protocol":"Call","version":"1.0.0"}')
    stream.receive(
        '{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1","accountSid":"AC1",'
        '"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}'
    )
    with Counted() as counted:
        for _ in range(FRAMES):
            stream.media(bytes(160))
    assert counted.calls / FRAMES <= 2.1


class Timers:
    """Timers set on the running loop."""

    def __init__(self) -> None:
        self.made = 0
        self._loop = asyncio.get_running_loop()
        self._call_at = self._loop.call_at

    def __enter__(self) -> Timers:
        self._loop.call_at = self._counting  # type: ignore[method-assign,assignment]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_at = self._call_at  # type: ignore[method-assign]

    def _counting(self, *arguments: Any, **named: Any) -> asyncio.TimerHandle:
        self.made += 1
        return self._call_at(*arguments, **named)
