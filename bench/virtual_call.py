"""A phone call on a virtual clock: Carlos's call and session, and the stand-in's session, in one process.

Seconds of audio take as long as their computation. Between the two lies no network: events go from one to the other as
they are. The far end plays what it is sent in its own time, returns marks as Twilio does, and forgets all at a `clear`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from agent.call import Call, CallSetup
from agent.line import AudioSink, CallerAudio, LineEvent
from agent.persona.prompt import LineKind
from agent.sonic.errors import SonicError, SonicLost
from agent.sonic.events import (
    AudioOutput,
    ClientEvent,
    ContentEnded,
    ContentType,
    Role,
    ServiceEvent,
    StopReason,
    TextOutput,
    ToolSpec,
)
from agent.sonic.opening import SonicConfig, is_interruption
from agent.transcript import CallTranscript
from data.models import Line as LineName
from sandbox.brain import Brain, Ear, Floor, Prompt, Utterance
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.session import Session
from sandbox.speech.ear import SileroEar
from telephony.twilio.line import LEAD_FRAMES
from tools.tool import Tool
from tools.toolbox import ToolOutcome

FRAME_S = 0.02
FRAME = 640  # bytes: 20 ms at 16 kHz
SILENCE = bytes(FRAME)
RATE = 8000  # Hz, of the far end
LOUD = 300  # of 32768: what Carlos says, beside the tone of `tone`
OPEN_S = 0.1
CONFIG = SonicConfig(model_id="m", voice="carlos", system="", tools=(), endpointing="MEDIUM")


def tone(seconds: float) -> bytes:
    """A sound that is not LOUD, at 24 kHz: the answers that are told apart from the one that is spoken over."""
    return np.full(round(seconds * 24000), LOUD // 4, dtype="<i2").tobytes()


def loud_s(pcm: bytes, rate: int) -> float:
    """Seconds of PCM that are LOUD, in frames of 20 ms."""
    frame = round(rate * FRAME_S)
    samples = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
    return FRAME_S * sum(bool(samples[at : at + frame].max() > LOUD) for at in range(0, len(samples), frame))


type Says = Callable[[Utterance, Floor], Awaitable[None]]


@dataclass
class ScriptedMind:
    """Takes its turns as `says` does."""

    ear: Ear
    says: Says

    def begin(self, prompt: Prompt) -> None:
        if isinstance(self.ear, SileroEar):
            self.ear.tune(prompt.input_rate, prompt.endpointing)

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        await self.says(heard, floor)


@dataclass
class ScriptedVoice:
    """Known texts have their recordings, 24 kHz; every other is a second of `tone`."""

    recordings: Mapping[str, bytes]

    async def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
        yield self.recordings.get(text) or tone(1.0)


class MemoryStream:
    """The stand-in's end of a stream (`sandbox.sonic.session.Wire`) and the client's (`agent.sonic.session.Stream`)."""

    ready = True

    def __init__(self, brain: Brain, behaviour: Behaviour) -> None:
        self._events: asyncio.Queue[ServiceEvent | SonicError | None] = asyncio.Queue()
        self._session = Session(self, lambda: brain, behaviour)
        self.owes = True  # an answer: a stream begins with one
        self.loud_s = 0.0  # made
        self.broken_off: list[float] = []  # when it said so; seconds of the machine

    def emit(self, event: ServiceEvent) -> None:
        match event:
            case TextOutput(role=Role.USER):
                self.owes = True
            case TextOutput(content=content) if is_interruption(content):
                self.broken_off.append(time.perf_counter())
            case AudioOutput(audio=pcm):
                self.loud_s += loud_s(pcm, CONFIG.output_rate)
            case ContentEnded(type=ContentType.AUDIO, stop_reason=StopReason.END_TURN | StopReason.INTERRUPTED):
                self.owes = False
        self._events.put_nowait(event)

    def refuse(self, kind: str, message: str) -> None:
        self._events.put_nowait(SonicLost(message))

    def end(self) -> None:
        self._events.put_nowait(None)

    async def opened(self) -> None: ...

    async def send(self, *events: ClientEvent) -> None:
        for event in events:
            self._session.take(event)

    def send_now(self, event: ClientEvent) -> None:
        self._session.take(event)

    async def receive(self) -> ServiceEvent | None:
        event = await self._events.get()
        if isinstance(event, SonicError):
            raise event
        return event

    async def close(self) -> None:
        self._session.close()
        await asyncio.gather(*self._session.tasks, return_exceptions=True)


class FarEnd:
    """The telephone network's side of Carlos's voice."""

    rate = RATE
    lead = LEAD_FRAMES
    piece = 1
    acknowledges = True
    tail_s = 0.0

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.on_mark: Callable[[str], None] = lambda name: None
        self.audible_until = 0.0  # of anything, in the loop's time
        self.clears: list[float] = []  # seconds of the machine
        self.old_after_clear = 0  # LOUD messages
        self.loud_s = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}

    async def send_audio(self, pcm: bytes) -> None:
        self.audible_until = max(self.audible_until, self._loop.time()) + len(pcm) / 2 / RATE
        loud = loud_s(pcm, RATE)
        self.loud_s += loud
        self.old_after_clear += bool(loud and self.clears)

    async def send_mark(self, name: str) -> None:
        self._marks[name] = self._loop.call_at(self.audible_until, self._return, name)

    async def send_clear(self) -> None:
        self.clears.append(time.perf_counter())
        self.audible_until = min(self.audible_until, self._loop.time())
        for name, timer in list(self._marks.items()):
            timer.cancel()
            self._loop.call_soon(self._return, name)

    def _return(self, name: str) -> None:
        if self._marks.pop(name, None) is not None:
            self.on_mark(name)


class VirtualLine:
    """A caller who is silent but for what `say` is given."""

    kind: LineKind = "phone"

    def __init__(self) -> None:
        self.far_end = FarEnd()
        self.sink: AudioSink = self.far_end
        self._queue: asyncio.Queue[LineEvent | None] = asyncio.Queue()

    async def hear(self, pcm: bytes) -> None:
        """The line carries this, 16 kHz, in its own time."""
        for at in range(0, len(pcm), FRAME):
            self._queue.put_nowait(CallerAudio(pcm[at : at + FRAME].ljust(FRAME, b"\0")))
            await asyncio.sleep(FRAME_S)

    async def events(self) -> AsyncIterator[LineEvent]:
        while (event := await self._queue.get()) is not None:
            yield event

    async def end(self, outcome: str) -> None: ...


@dataclass
class SlowTools:
    """One tool, which takes its time."""

    seconds: float = 0.0
    specs: tuple[Tool, ...] = ()

    async def run(self, name: str, arguments: str, *, tool_use_id: str) -> ToolOutcome:
        await asyncio.sleep(self.seconds)
        return ToolOutcome({"success": True}, ok=True, elapsed_ms=round(self.seconds * 1000))

    def caller_spoke(self, text: str) -> None: ...


@dataclass
class VirtualCall:
    """One under way. `streams` are those that were opened."""

    line: VirtualLine
    call: Call
    streams: list[MemoryStream]
    longest_silence_s: float = 0.0  # while an answer was owed, and nobody spoke
    _quiet_from: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    async def hear(self, pcm: bytes) -> None:
        """The caller's side carries this; what is to be heard meanwhile is measured."""
        for at in range(0, len(pcm), FRAME):
            frame = pcm[at : at + FRAME]
            await self.line.hear(frame)
            self._measure(loud=loud_s(frame, CONFIG.input_rate) > 0)

    async def silence(self, seconds: float) -> None:
        await self.hear(bytes(round(seconds / FRAME_S) * FRAME))

    def _measure(self, *, loud: bool) -> None:
        now = asyncio.get_running_loop().time()
        owed = not self.streams or self.streams[-1].owes
        if loud or not owed or now < self.line.far_end.audible_until:
            self._quiet_from = now
        self.longest_silence_s = max(self.longest_silence_s, now - self._quiet_from)


async def virtual_call(
    says: Says,
    then: Callable[[VirtualCall], Awaitable[None]],
    recordings: Mapping[str, bytes],
    *,
    ear: Callable[[], Ear] = SileroEar,
    tools: SlowTools | None = None,
    behaviour: Behaviour | None = None,
) -> VirtualCall:
    """Hold a call in which the model does what `says` says, until `then` has returned; return it with its record."""
    streams: list[MemoryStream] = []

    class Opener:
        async def open(self, model_id: str) -> MemoryStream:
            await asyncio.sleep(OPEN_S)
            heard = ear()
            brain = Brain(heard, ScriptedMind(heard, says), ScriptedVoice(recordings))
            streams.append(MemoryStream(brain, behaviour or Behaviour()))
            return streams[-1]

    def configured(system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        return CONFIG

    line = VirtualLine()
    log = CallTranscript("CA1", LineName.PHONE, None)
    call = Call(log, line, CallSetup(Opener(), tools or SlowTools(), configured))
    line.far_end.on_mark = call.mark_returned
    running = asyncio.create_task(call.run())
    held = VirtualCall(line, call, streams)
    try:
        await then(held)
    finally:
        await call.hang_up()
        await running
    return held
