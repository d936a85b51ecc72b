"""How long things take in one call, measured at its two edges: the line's sink and Sonic's stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.audio.pacing import FRAME_S
from agent.line import AudioSink
from agent.sonic.errors import SonicError
from agent.sonic.events import AudioInput, ClientEvent, ServiceEvent
from agent.sonic.session import Opener, Stream
from common import metrics


class Meter:
    """Times of one call, in seconds of the event loop."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._delivered_at: float | None = None
        self._event_at: float | None = None
        self._answer_at: float | None = None
        self._dry_at: float | None = None  # when the line will have played what it has

    def delivered(self) -> None:
        """Caller audio came from the line."""
        self._delivered_at = self._now()

    def audio_sent(self) -> None:
        """The newest of it has left for Sonic."""
        if self._delivered_at is not None:
            metrics.ADDED_LATENCY.observe(self._now() - self._delivered_at, hop="in")
            self._delivered_at = None

    def event_came(self) -> None:
        self._event_at = self._now()

    def answer_began(self) -> None:
        """The first audio of an answer came."""
        self._answer_at = self._now()

    def frame_played(self, seconds: float) -> None:
        now = self._now()
        if self._answer_at is not None:
            metrics.ADDED_LATENCY.observe(now - self._answer_at, hop="out")
            self._answer_at = None
        if self._dry_at is not None:
            metrics.PACING_LATENESS.observe(max(0.0, now - self._dry_at))
        self._dry_at = max(now, self._dry_at or now) + seconds

    def block_ended(self) -> None:
        """What follows is another block: a pause before it is the model's."""
        self._dry_at = None

    def cleared(self) -> None:
        self.block_ended()
        if self._event_at is not None:
            metrics.CLEAR_LATENCY.observe(self._now() - self._event_at)


class MeasuredSink:
    """A line's sink, measured; each of `ears` gets a copy of what is played."""

    def __init__(self, sink: AudioSink, meter: Meter) -> None:
        self.rate, self.lead = sink.rate, sink.lead
        self.acknowledges, self.tail_s = sink.acknowledges, sink.tail_s
        self._sink = sink
        self._meter = meter
        self.ears: list[Callable[[bytes], None]] = []
        self._frame = int(sink.rate * FRAME_S) * 2

    @property
    def piece(self) -> int:
        return self._sink.piece

    async def send_audio(self, pcm: bytes) -> None:
        await self._sink.send_audio(pcm)
        self._meter.frame_played(len(pcm) / self._frame * FRAME_S)
        for ear in self.ears:
            ear(pcm)

    async def send_mark(self, name: str) -> None:
        self._meter.block_ended()
        await self._sink.send_mark(name)

    async def send_clear(self) -> None:
        await self._sink.send_clear()
        self._meter.cleared()


class MeasuredOpener:
    """Opens streams that are measured."""

    def __init__(self, opener: Opener, meter: Meter) -> None:
        self._opener = opener
        self._meter = meter

    async def open(self, model_id: str) -> Stream:
        loop = asyncio.get_running_loop()
        began, outcome = loop.time(), "failed"
        try:
            stream = await self._opener.open(model_id)
            outcome = "opened"
        except SonicError as error:
            outcome = type(error).__name__
            raise
        finally:
            metrics.SONIC_OPEN_LATENCY.observe(loop.time() - began, outcome=outcome)
        return MeasuredStream(stream, self._meter)


class MeasuredStream:
    def __init__(self, stream: Stream, meter: Meter) -> None:
        self._stream = stream
        self._meter = meter

    async def send(self, *events: ClientEvent) -> None:
        await self._stream.send(*events)
        if len(events) == 1 and isinstance(events[0], AudioInput):
            self._meter.audio_sent()

    @property
    def ready(self) -> bool:
        return self._stream.ready

    async def opened(self) -> None:
        await self._stream.opened()

    def send_now(self, event: ClientEvent) -> None:
        self._stream.send_now(event)
        self._meter.audio_sent()

    async def receive(self) -> ServiceEvent | None:
        event = await self._stream.receive()
        self._meter.event_came()
        return event

    async def close(self) -> None:
        await self._stream.close()
