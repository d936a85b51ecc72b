"""The phone as a line of Carlos: Twilio's messages on a WebSocket, resampled between 8 kHz mu-law and 16 kHz PCM."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from typing import ClassVar

from loguru import logger
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_RATE, ulaw_decode, ulaw_encode
from agent.line import INPUT_RATE, AudioSink, CallerAudio, CallerDigit, LineDropped, LineEvent, MarkBack, SinkClosed
from agent.persona.prompt import LineKind
from common.loop_load import LEVELS, LOOP_LOAD
from telephony.errors import RemoteProtocolError
from telephony.rate_guards import MessageRateLimit, Slices, media_ahead
from telephony.read_timeout import ReadTimeout
from telephony.sockets import close
from telephony.twilio.media_stream import Dtmf, MarkReturned, Media, MediaStream, State, Stopped

MEDIA_TIMEOUT_S = 15.0  # Twilio sends 50 frames a second, silence included: a socket without any is dead
LEAD_FRAMES = 3  # 60 ms ahead of real time: a late wake-up of the loop is not heard, and `clear` drops it
BUSY_FRAMES = 2  # handled together in a busy process: half the work
BUSY_LINES = 16  # with fewer that would spare little. What a caller hears is ahead of real time, and nobody waits;
BUSY_IN_LINES = 16  # what he says waits for it, 20 ms at worst, so only where the loop is busy, too, and as it must
FRAME = 160  # bytes of mu-law: 20 ms
BREACHES = 50  # messages against the protocol before the line is given up
NORMAL_CLOSURE, POLICY_VIOLATION = 1000, 1008
FLOODED = "flooded"  # the outcome of a call whose line sent more than a phone can


class PhoneSink:
    """Carlos's audio to Twilio, as mu-law media messages."""

    rate = ULAW_RATE
    lead = LEAD_FRAMES
    acknowledges = True
    tail_s = 0.0

    def __init__(self, websocket: WebSocket, stream: MediaStream) -> None:
        self._websocket = websocket
        self._stream = stream

    @property
    def piece(self) -> int:
        return BUSY_FRAMES if len(PhoneLine.reading) >= BUSY_LINES else 1

    async def send_audio(self, pcm: bytes) -> None:
        await self._send(self._live.media(ulaw_encode(pcm)))

    async def send_mark(self, name: str) -> None:
        await self._send(self._live.mark(name))

    async def send_clear(self) -> None:
        await self._send(self._live.clear())

    @property
    def _live(self) -> MediaStream:
        """The stream, while Twilio takes anything on it: an answer may still be playing when its `stop` comes."""
        if self._stream.state is State.STOPPED:
            raise SinkClosed
        return self._stream

    async def _send(self, message: str) -> None:
        try:
            await self._websocket.send_text(message)
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette raises RuntimeError for a send after its own close.
            raise SinkClosed from error


class PhoneLine:
    """One started media stream; `events` reads it until the caller hangs up."""

    kind: LineKind = "phone"
    reading: ClassVar[set[PhoneLine]] = set()  # the lines of this process
    numbers: ClassVar[Iterator[int]] = count()

    def __init__(self, websocket: WebSocket, stream: MediaStream, on_end: Callable[[str], Awaitable[None]]) -> None:
        self.sink: AudioSink = PhoneSink(websocket, stream)
        self._on_end = on_end
        self._websocket = websocket
        self._stream = stream
        self._upsample = Resampler(ULAW_RATE, INPUT_RATE)
        self._ulaw = bytearray()  # not handed on yet
        self._loop = asyncio.get_running_loop()
        self._flood = MessageRateLimit()
        self._slices = Slices()
        self._media = media_ahead()
        self._breaches = 0
        self._number = next(self.numbers)

    async def events(self) -> AsyncIterator[LineEvent]:
        """What the caller does. Ends with Twilio's `stop`; raises LineDropped when the socket dies without one."""
        patience = ReadTimeout(MEDIA_TIMEOUT_S)
        self.reading.add(self)
        try:
            while not isinstance(event := self._read(await self._message(patience)), Stopped):
                if event is not None:
                    yield event
            if self._ulaw:
                yield self._piece()
        finally:
            self.reading.discard(self)
            patience.stop()

    async def _message(self, patience: ReadTimeout) -> str | bytes:
        try:
            message = await patience.wait(self._websocket.receive())
        except TimeoutError as error:
            raise LineDropped(f"no message for {MEDIA_TIMEOUT_S:g} s") from error
        if message["type"] == "websocket.disconnect":
            raise LineDropped(f"the socket closed ({message.get('code')}) without a stop")
        text: str | None = message.get("text")
        told: str | bytes = text if text is not None else message.get("bytes") or b""
        if self._flood.push(len(told), self._loop.time()):
            raise LineDropped("more messages than Twilio sends", FLOODED)
        await self._slices.turn(len(told))
        return told

    def _read(self, message: str | bytes) -> LineEvent | Stopped | None:
        try:
            event = self._stream.receive(message)
        except RemoteProtocolError as error:
            self._count_breach(error)
            return None
        match event:
            case Media(audio):
                if self._media.push(len(audio) / ULAW_RATE, self._loop.time()):
                    raise LineDropped("audio ahead of real time", FLOODED)
                self._ulaw += audio
                return None if len(self._ulaw) < BUSY_FRAMES * FRAME and self.waits_for_a_pair else self._piece()
            case MarkReturned(name):
                return MarkBack(name)
            case Dtmf(digit):
                return CallerDigit(digit)
            case Stopped():
                return event
            case _:
                return None

    @property
    def waits_for_a_pair(self) -> bool:
        """Whether the caller's frame waits for the next one: that spares a busy loop something. At each level of its
        load it is one line more of each LEVELS."""
        return len(self.reading) >= BUSY_IN_LINES and self._number % LEVELS < LOOP_LOAD.level

    def _piece(self) -> CallerAudio:
        ulaw, self._ulaw = bytes(self._ulaw), bytearray()
        return CallerAudio(self._upsample.push(ulaw_decode(ulaw)))

    def _count_breach(self, error: RemoteProtocolError) -> None:
        self._breaches += 1
        if self._breaches == 1:
            logger.warning("a message against the media stream protocol: {}", error)
        if self._breaches >= BREACHES:
            raise LineDropped(f"{BREACHES} messages against the protocol") from error

    async def end(self, outcome: str) -> None:
        """Hang up, then close our side; Twilio goes on with `<Connect action>` unless the call is over."""
        await self._on_end(outcome)
        given_up = outcome == FLOODED or self._breaches >= BREACHES
        await close(self._websocket, POLICY_VIOLATION if given_up else NORMAL_CLOSURE)
