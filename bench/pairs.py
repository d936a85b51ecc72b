"""Phone calls in one process on a clock of their own, from Twilio's messages to chunks for Sonic and back.

Nothing is sent anywhere and nothing waits, so the CPU time is that of the code alone; timers are really set.
"""

from __future__ import annotations

import asyncio
import json
import time
from selectors import DefaultSelector
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketState

from agent.call import Call, CallSetup
from agent.sonic.encoding import encode
from agent.sonic.events import (
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
)
from agent.sonic.opening import SonicConfig
from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import ChunkSigner
from agent.transcript import CallTranscript
from bench.exchange import exchanging
from bench.websocket import media_message
from common.loop_load import LEVELS, LOOP_LOAD
from data.models import Line
from telephony.twilio import line as twilio
from telephony.twilio.media_stream import MediaStream
from tools.tool import Tool
from tools.toolbox import ToolOutcome

CALLS, SECONDS = 4, 5.0
ANSWER: tuple[ServiceEvent, ...] = (
    ContentStarted("t", ContentType.TEXT, Role.ASSISTANT, Stage.SPECULATIVE),
    TextOutput("t", Role.ASSISTANT, "Sí."),
    ContentEnded("t", ContentType.TEXT, StopReason.PARTIAL_TURN),
    ContentStarted("a", ContentType.AUDIO, Role.ASSISTANT),
    *[AudioOutput("a", bytes(3840))] * round((SECONDS + 2) / 0.08),
)
NEVER, ALWAYS = 1_000_000, 1


class _Impatient(DefaultSelector):
    """Counts the seconds that it is asked to wait."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.waited += timeout or 0.0
        return super().select(0)


def clockless() -> asyncio.AbstractEventLoop:
    selector = _Impatient()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.waited  # type: ignore[method-assign]
    return loop


class Twilio:
    """A WebSocket on which a caller is heard without a pause. What it is sent is dropped."""

    client_state = application_state = WebSocketState.DISCONNECTED

    def __init__(self) -> None:
        self._message = {"type": "websocket.receive", "text": media_message()}
        self._loop = asyncio.get_running_loop()
        self._next_at = self._loop.time()

    async def receive(self) -> dict[str, Any]:
        self._next_at += 0.02
        await asyncio.sleep(self._next_at - self._loop.time())
        return self._message

    async def send_text(self, message: str) -> None: ...


class Sonic:
    """An opener and its one stream, which talks for the whole time."""

    ready = True

    def __init__(self) -> None:
        self._events: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()
        self._signer = ChunkSigner("ab" * 32, Credentials("AKID", "SECRET"), "us-east-1")
        self._exchange, _ = exchanging()
        for event in ANSWER:
            self._events.put_nowait(event)

    async def open(self, model_id: str) -> Sonic:
        return self

    async def opened(self) -> None: ...

    async def send(self, *events: ClientEvent) -> None:
        for event in events:
            self.send_now(event)

    def send_now(self, event: ClientEvent) -> None:
        self._exchange.write(self._signer.chunk(encode(event)))

    async def receive(self) -> ServiceEvent | None:
        return await self._events.get()

    async def close(self) -> None: ...


class NoTools:
    specs: tuple[Tool, ...] = ()

    async def run(self, name: str, arguments: str, *, tool_use_id: str) -> ToolOutcome:
        raise AssertionError(name)

    def caller_spoke(self, text: str) -> None: ...


def started() -> MediaStream:
    stream, sid = MediaStream(), f"MZ{'0' * 32}"
    stream.receive('{"event":"connected","protocol":"Call","version":"1.0.0"}')
    encoding = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    start = {"streamSid": sid, "callSid": "CA1", "accountSid": "AC1", "mediaFormat": encoding}
    stream.receive(json.dumps({"event": "start", "streamSid": sid, "start": start}))
    return stream


def phone_call(number: int) -> Call:
    async def ended(outcome: str) -> None: ...

    line = twilio.PhoneLine(cast(WebSocket, Twilio()), started(), ended)
    setup = CallSetup(Sonic(), NoTools(), lambda system, tools: SonicConfig("m", "carlos", system, tools))
    return Call(CallTranscript(f"CA{number}", Line.PHONE, None), line, setup)


async def _talk() -> float:
    calls = [asyncio.create_task(phone_call(number).run()) for number in range(CALLS)]
    await asyncio.sleep(1)
    began = time.thread_time()
    await asyncio.sleep(SECONDS)
    used = time.thread_time() - began
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    return used / (CALLS * SECONDS * 50) * 1e6


def microseconds(*, pairs_in: bool, pairs_out: bool) -> float:
    """CPU time of 20 ms of a call, both ways together, where frames are paired and where not."""
    kept = twilio.BUSY_IN_LINES, twilio.BUSY_LINES, LOOP_LOAD.level
    twilio.BUSY_IN_LINES, twilio.BUSY_LINES = (ALWAYS if on else NEVER for on in (pairs_in, pairs_out))
    LOOP_LOAD.level = LEVELS
    try:
        with asyncio.Runner(loop_factory=clockless) as runner:
            return runner.run(_talk())
    finally:
        twilio.BUSY_IN_LINES, twilio.BUSY_LINES, LOOP_LOAD.level = kept
