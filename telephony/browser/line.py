"""`WS /`: browsers as a line of Carlos, in the original's protocol.

    upgrade ──Origin, token──▶ handshake in time ──place──▶ call ──▶ reason and close
               └ 1008            └ 4408             └ 1013  └ 1000, 1001, 1008, 1011, 4408, 4409, 4429

Audio goes out in a burst first: the original's player starts with 200 ms of it only, so 300 ms are kept ahead of real
time, and 200 ms of silence follow each answer: without it the last of an answer, or all of a short one, stays in the
player. More than that is never sent ahead, so that an interruption waits behind nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from loguru import logger
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.active_calls import ActiveCalls
from agent.audio.pcm import SAMPLE_BYTES
from agent.audio.resample import Resampler
from agent.call import Call
from agent.fleet import Fleet
from agent.line import INPUT_RATE, OUTPUT_RATE, AudioSink, CallerAudio, CallerText, LineDropped, LineEvent, MarkBack
from agent.persona.prompt import LineKind
from agent.playout import Played
from agent.regions import Need
from agent.sonic.events import Usage
from agent.transcript import CallTranscript, cut_words
from common import metrics
from common.settings import Settings
from data.models import Line as LineName
from telephony.browser.client_setup import ClientSetup
from telephony.browser.close_reasons import DONE, FULL, GOING_AWAY, NO_HANDSHAKE, REASON_OF_OUTCOME, CloseReason
from telephony.browser.events import Ack, Audio, BrowserStream, Ended, Event, ProtocolViolation, Talking, Typed
from telephony.browser.messages import BrowserMessages
from telephony.browser.playback_acks import PlaybackAcks
from telephony.browser.resumption import RESUME_S, Resumptions
from telephony.browser.send_queue import SendQueue
from telephony.browser.upgrade import UpgradePolicy, token_routes
from telephony.rate_guards import AudioRateGuard, MessageRateLimit, Slices, typing
from telephony.sockets import receive_message
from telephony.stream_tokens import SpentNonces

LEAD_FRAMES = 15  # 300 ms: more than the player's 200 ms
TAIL_S = 0.2  # the player's own buffer
CHUNK_BYTES = INPUT_RATE // 50 * SAMPLE_BYTES  # 20 ms; a browser's 11 ms pieces are not worth a Sonic event each
HANDSHAKE_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 300.0
MAX_VIOLATIONS = 50  # messages against the protocol before the socket is given up
MAX_QUOTED_CHARACTERS = 200  # characters of a breach, which may repeat what was sent
MAX_NAME_CHARACTERS = 64  # characters; names are UUIDs, and stand in every message
MAX_PENDING_SOCKETS = 64  # sockets that have not finished their handshake
LEAVING_CODES = (1000, 1001)  # closings of a tab


class BrowserSink:
    """Carlos's audio to a browser. A client that acknowledges says what it played; the original does not."""

    rate = OUTPUT_RATE
    lead = LEAD_FRAMES
    piece = 1
    tail_s = TAIL_S

    def __init__(
        self, send_queue: SendQueue, messages: BrowserMessages, on_audio: Callable[[], None] = lambda: None
    ) -> None:
        self.acknowledges = False
        self.playback_acks = PlaybackAcks()
        self._send_queue = send_queue
        self._messages = messages
        self._on_audio = on_audio

    async def send_audio(self, pcm: bytes) -> None:
        self._on_audio()
        messages = self._messages.audio(pcm)
        if self.acknowledges:
            now = asyncio.get_running_loop().time()
            self.playback_acks.sent(self._messages.sequence, len(pcm) / SAMPLE_BYTES / self.rate, now)
        await self._send_queue.send(*messages)

    async def send_mark(self, name: str) -> None:
        """Send nothing: the acknowledgement of the audio before it is the mark's return."""
        self.playback_acks.mark(name)

    async def send_clear(self) -> None:
        self.playback_acks.clear()
        await self._send_queue.send(*self._messages.interrupted())


class BrowserLine:
    """One browser's socket: a line of a call (agent.line.Line) that also shows the conversation
    (agent.call.CallObserver)."""

    kind: LineKind = "browser"

    def __init__(self, websocket: WebSocket, log: CallTranscript, idle_s: float = IDLE_TIMEOUT_S) -> None:
        self._websocket = websocket
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._stream = BrowserStream()
        self._messages = BrowserMessages(log.id)
        self._send_queue = SendQueue(websocket)
        self._sink = BrowserSink(self._send_queue, self._messages, self._stay)
        self.sink: AudioSink = self._sink
        self._idle_s = idle_s
        self._idle_at = 0.0
        self._flood = MessageRateLimit()
        self._slices = Slices()
        self._doubled = AudioRateGuard()
        self._typing = typing()
        self._breaches = 0
        self._rate = INPUT_RATE
        self._upsample: Resampler | None = None
        self._audio = bytearray()
        self._early: tuple[Event, ...] = ()
        self.cut = False  # the socket went without a sessionEnd
        self.memory: Callable[[], Mapping[str, Any]] = dict  # of the call's tools

    # The caller.

    @property
    def address(self) -> str | None:
        """Return the browser's address, as far as TRUSTED_PROXIES lets us see it."""
        return self._websocket.client.host if self._websocket.client else None

    async def handshake(self) -> ClientSetup:
        """Read up to the first audio and no further. Raise LineDropped when the browser leaves before."""
        client_setup = ClientSetup()
        while not self._early:
            for event in await self._receive():
                client_setup = client_setup.with_event(event)
                if isinstance(event, Talking | Audio | Typed):
                    self._early += (event,)
                elif isinstance(event, Ended):
                    raise LineDropped("the session ended before its audio")
        if client_setup.prompt is not None:
            self._messages.prompt_name = client_setup.prompt.prompt_name[:MAX_NAME_CHARACTERS]
        self._messages.numbered = self._sink.acknowledges = self._stream.acknowledges
        return client_setup

    async def events(self) -> AsyncIterator[LineEvent]:
        """Yield what the caller does. Ends with sessionEnd or a closed tab; raises LineDropped for every other end."""
        self._stay()
        batch = self._early
        while True:
            for event in batch:
                if isinstance(event, Ended):
                    return
                for told in self._take(event):
                    yield told
            if self._loop.time() >= self._idle_at:
                raise LineDropped(f"nobody said anything for {self._idle_s:g} s", "idle")
            try:
                async with asyncio.timeout_at(self._idle_at):
                    batch = await self._receive()
            except TimeoutError:
                batch = ()
            except WebSocketDisconnect as gone:
                self.cut = True
                if gone.code in LEAVING_CODES:
                    return
                raise LineDropped(f"the socket closed ({gone.code}) without a sessionEnd") from gone

    async def _receive(self) -> tuple[Event, ...]:
        message = await receive_message(self._websocket)
        if self._flood.push(len(message), self._loop.time()):
            raise LineDropped("more messages than a client needs", "flooded")
        await self._slices.turn(len(message))
        events = self._stream.receive(message)
        for event in events:
            if isinstance(event, ProtocolViolation):
                self._tell(event)
        return events

    def _take(self, event: Event) -> list[LineEvent]:
        match event:
            case Talking(rate):
                self._listen_at(rate)
            case Audio(pcm):
                return self._hear(pcm)
            case Typed(text):
                if self._typing.push(1, self._loop.time()):
                    raise LineDropped("more texts than a person types", "flooded")
                self._stay()
                return [CallerText(text)]
            case Ack(sequence, buffered_ms):
                marks = self._sink.playback_acks.acknowledge(sequence, buffered_ms, self._loop.time())
                return [MarkBack(mark) for mark in marks]
        return []

    def _listen_at(self, rate: int) -> None:
        if rate != self._rate:
            self._rate = rate
            self._upsample = Resampler(rate, INPUT_RATE) if rate != INPUT_RATE else None

    def _hear(self, pcm: bytes) -> list[LineEvent]:
        if self._doubled.push(len(pcm) / SAMPLE_BYTES / self._rate, self._loop.time()):
            raise LineDropped("more audio than one microphone makes", "doubled_audio")
        self._audio += self._upsample.push(pcm) if self._upsample else pcm
        if len(self._audio) < CHUNK_BYTES:
            return []
        audio, self._audio = bytes(self._audio), bytearray()
        return [CallerAudio(audio)]

    def _tell(self, violation: ProtocolViolation) -> None:
        message = violation.message[:MAX_QUOTED_CHARACTERS]
        if not self._breaches:
            logger.warning("a browser's message against the protocol: {}", violation.code)
        self._breaches += 1
        if violation.final:
            raise LineDropped(f"against the protocol: {violation.code}", violation.code)
        self._send_queue.put(*self._messages.error(violation.code, message))
        if self._breaches >= MAX_VIOLATIONS:
            raise LineDropped(f"{MAX_VIOLATIONS} messages against the protocol", "protocol")

    # A call that may go on after its socket (telephony.browser.resumption).

    def go_on_with(self, log: CallTranscript) -> None:
        """Be the line of an earlier socket's call."""
        self._log = log
        self._messages.session_id = log.id

    def call_started(self, token: str, *, resumed: bool) -> None:
        self._send_queue.put(*self._messages.call_started(token, resumed=resumed, seconds=RESUME_S))

    # The audience: what is said also shows that somebody is there.

    def user_transcript(self, text: str) -> None:
        self._stay()
        self._send_queue.put(*self._messages.heard(text))

    def planned(self, text: str) -> None:
        self._stay()
        self._send_queue.put(*self._messages.planned(text))

    def played(self, part: Played) -> None:
        self._stay()
        text = cut_words(part.text, part.fraction)
        self._send_queue.put(*self._messages.said(text, cut=part.fraction < 1.0, last=part.last))

    def tool_used(self, tool_use_id: str, name: str, arguments: str) -> None:
        self._send_queue.put(*self._messages.tool_used(tool_use_id, name, arguments))

    def used(self, usage: Usage) -> None:
        self._send_queue.put(*self._messages.used(usage))

    def _stay(self) -> None:
        self._idle_at = self._loop.time() + self._idle_s

    # The end.

    async def end(self, outcome: str) -> None:
        """Tell the browser why the call is over, and close the socket."""
        if self._sink.acknowledges:
            self._log.note(audio_out=self._sink.playback_acks.figures())
        await self.leave(REASON_OF_OUTCOME.get(outcome, DONE))

    async def leave(self, close_reason: CloseReason) -> None:
        if close_reason.text:
            self._send_queue.put(*self._messages.error(close_reason.reason, close_reason.text))
            self._send_queue.put(*self._messages.notice(close_reason.text))
        await self._send_queue.close(close_reason.code, close_reason.reason)

    def abandon(self) -> None:
        """End this line's tasks."""
        self._send_queue.abandon()


type MakeBrowserCall = Callable[[CallTranscript, BrowserLine, ClientSetup], Call]


@dataclass(frozen=True, slots=True)
class BrowserLimits:
    """Time limits of a browser's socket, in seconds."""

    handshake_s: float = HANDSHAKE_TIMEOUT_S
    idle_s: float = IDLE_TIMEOUT_S
    max_waiting: int = MAX_PENDING_SOCKETS


class BrowserSocket:
    """The endpoint. `waiting` counts the sockets whose handshake is not complete."""

    def __init__(
        self,
        active_calls: ActiveCalls,
        make_call: MakeBrowserCall,
        policy: UpgradePolicy,
        limits: BrowserLimits | None = None,
        fleet: Fleet = Fleet.alone(),  # noqa: B008 - it keeps nothing
    ) -> None:
        self.waiting = 0
        self._fleet = fleet
        self._active_calls = active_calls
        self._make_call = make_call
        self._policy = policy
        self._limits = limits or BrowserLimits()
        self._resumptions = Resumptions(active_calls)

    async def serve(self, websocket: WebSocket) -> None:
        """Handle one socket from upgrade to close. Refusals come after the upgrade: a page sees no code before it."""
        refused = await self._policy.refusal(websocket)
        await websocket.accept()
        call_id = str(uuid4())
        with logger.contextualize(call_id=call_id), self._policy.admit(websocket) as too_many:
            line = BrowserLine(websocket, log := CallTranscript(call_id, LineName.BROWSER, None), self._limits.idle_s)
            try:
                await self._run(line, log, refused or too_many)
            except Exception:
                logger.exception("a browser's call failed")
                await line.end("failed")
            finally:
                line.abandon()

    async def _run(self, line: BrowserLine, log: CallTranscript, refused: CloseReason | None) -> None:
        capacity = self._active_calls.browsers
        if refused is None and self.waiting >= self._limits.max_waiting:
            refused = FULL
        if refused is None:
            client_setup = await self._shake_hands(line)
            if client_setup is None:
                return
            log, client_setup = await self._go_on(line, log, client_setup)
            if capacity.start(log.id):
                try:
                    if await self._fleet.admit(log.id, Need.BROWSER):
                        outcome = await self._hold(line, log, client_setup)
                        logger.info("browser call ended: {}", outcome)
                        return
                finally:
                    capacity.release(log.id)
                    self._fleet.release(log.id)
            refused = GOING_AWAY if capacity.draining else FULL
        logger.warning("a browser's socket turned away: {}", refused.reason)
        metrics.REFUSALS.add(reason=f"browser_{refused.reason}")
        await line.leave(refused)

    async def _go_on(
        self, line: BrowserLine, log: CallTranscript, client_setup: ClientSetup
    ) -> tuple[CallTranscript, ClientSetup]:
        """Return the story of the call that the client goes on with; that of a new one where there is none."""
        kept = await self._resumptions.take(client_setup.call.token) if client_setup.call else None
        if kept is None:
            return log, client_setup
        log = kept.go_on()
        line.go_on_with(log)
        return log, replace(client_setup, earlier=kept.earlier, memory=kept.memory())

    async def _hold(self, line: BrowserLine, log: CallTranscript, client_setup: ClientSetup) -> str:
        call = self._make_call(log, line, client_setup)
        if client_setup.call is None:
            return await self._active_calls.hold(call)
        token, kept = self._resumptions.keep(log, line.memory, client_setup.earlier)
        line.call_started(token, resumed=kept.resumes > 0)
        try:
            return await self._active_calls.hold(call)
        finally:
            self._resumptions.let_go(token, kept, cut=line.cut)

    async def _shake_hands(self, line: BrowserLine) -> ClientSetup | None:
        """Return what the browser asks for; None when it left, or was sent away."""
        self.waiting += 1
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                return await line.handshake()
        except TimeoutError:
            await line.leave(NO_HANDSHAKE)
        except WebSocketDisconnect:
            await line.leave(DONE)
        except LineDropped as dropped:
            logger.info("a browser's handshake failed: {}", dropped)
            await line.end(dropped.outcome)
        finally:
            self.waiting -= 1
        return None


def browser_routes(
    settings: Settings,
    active_calls: ActiveCalls,
    make_call: MakeBrowserCall,
    *,
    spent: SpentNonces | None = None,
    limits: BrowserLimits | None = None,
    fleet: Fleet = Fleet.alone(),  # noqa: B008 - it keeps nothing
) -> APIRouter:
    """Return `WS /` and `POST /browser/tokens`. `spent` remembers used tokens; by default, in this process."""
    policy = UpgradePolicy.from_settings(settings, spent)
    limits = limits or BrowserLimits(idle_s=settings.browser_idle_s)
    router = APIRouter() if policy.tokens is None else token_routes(policy.tokens)
    router.add_api_websocket_route("/", BrowserSocket(active_calls, make_call, policy, limits, fleet).serve)
    return router
