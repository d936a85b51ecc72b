"""One inbound call on Twilio's side: webhook, verbs, media streams, callbacks, end.

    POST voice URL ─▶ TwiML ─▶ verb ─▶ verb ─▶ ... none left ─▶ hang up ─▶ status callback "completed"
                        ▲        │ <Connect>: stream until the server closes, then `action` or the next verb
                        └────────┘ <Redirect>, `action`, or the REST API: another document

A REST update interrupts whatever runs: a stream then ends with `stop` and its socket is closed. What is not
documented, and is done here in the likelier way: after a failed connect the document goes on as after a
close; `action` is not requested when the caller hung up or the call was redirected.
https://www.twilio.com/docs/voice/twiml/connect, https://www.twilio.com/docs/voice/twiml/stream
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.twilio import twiml
from sandbox.twilio.account import Account, PhoneNumber, Route, new_sid
from sandbox.twilio.clock import Clock
from sandbox.twilio.errors import Code, ScriptError, StreamFault, TwilioFault, TwimlFault, WebhookFault
from sandbox.twilio.playout import Playout
from sandbox.twilio.reports import call_parameters, end_report, stream_report
from sandbox.twilio.stream import Caller, MediaSession, StreamEnd, Timeline, open_socket
from sandbox.twilio.wav import first_sound, read_speech
from sandbox.twilio.webhooks import Webhooks
from telephony.twilio.media_stream_peer import MediaStreamPeer

EndedBy = Literal["caller", "api", "twiml", "fault"]
Document = tuple[twiml.Verb, ...]
XML_TYPES = {"text/xml", "application/xml", "text/html"}
SPEECH_RATE = 15  # characters a second: how long <Say> lasts


@dataclass(frozen=True, slots=True)
class Warned:
    """An entry of Twilio's Debugger; the call goes on."""

    code: int
    detail: str


@dataclass(frozen=True, slots=True)
class Streaming:
    """A media stream was opened and `start` follows."""

    stream_sid: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A verb began."""

    verb: twiml.Verb


CallEvent = Warned | Streaming | Ran


@dataclass(frozen=True, slots=True)
class Dialled:
    """What the double answers for `<Dial>`: nobody is really called."""

    status: Literal["completed", "busy", "no-answer", "failed", "canceled"] = "completed"
    seconds: float = 5.0


@dataclass(slots=True)
class CallSetup:
    """Everything one call needs from the double."""

    account: Account
    route: Route
    number: PhoneNumber
    webhooks: Webhooks
    clock: Clock
    dialled: Dialled = field(default_factory=Dialled)
    observe: Callable[[CallEvent], None] = lambda event: None


class _Ended(Exception):
    def __init__(self, by: EndedBy, status: str = "completed") -> None:
        super().__init__(by)
        self.by = by
        self.status = status


class _Redirected(Exception):
    def __init__(self, url: str | None, document: str | None) -> None:
        super().__init__(url)
        self.url = url
        self.document = document


class PhoneCall:
    """A call from `caller_number`; `run` lives as long as the call does."""

    def __init__(self, setup: CallSetup, caller_number: str, caller: Caller) -> None:
        self.sid = new_sid("CA")
        self.number = caller_number
        self.status = "ringing"
        self.ended_by: EndedBy | None = None
        self.failure: TwilioFault | None = None  # what broke the call
        self.events: list[CallEvent] = []
        self.timeline = Timeline(setup.clock, Playout(), bytearray())
        self._setup = setup
        self._caller = caller
        self._orders: asyncio.Queue[_Ended | _Redirected] = asyncio.Queue()
        self._over_at: float | None = None  # seconds, once it is over
        self._webhooks = setup.webhooks
        self._base = setup.webhooks.absolute(setup.number.voice_url)

    # What the REST API and the caller may do at any time.

    @property
    def live(self) -> bool:
        return self.status in {"ringing", "in-progress"}

    def complete(self) -> None:
        self._orders.put_nowait(_Ended("api"))

    def redirect(self, *, url: str | None = None, twiml: str | None = None) -> None:
        self._orders.put_nowait(_Redirected(url, twiml))

    def hang_up(self) -> None:
        self._orders.put_nowait(_Ended("caller"))

    def resource(self) -> dict[str, str | None]:
        return {
            "sid": self.sid,
            "account_sid": self._setup.account.sid,
            "from": self.number,
            "to": self._setup.number.number,
            "status": self.status,
            "direction": "inbound",
            "duration": None if self.live else str(self._seconds),
        }

    # What is known of it afterwards.

    @property
    def warnings(self) -> list[int]:
        """The codes in the Debugger, in order."""
        return [event.code for event in self.events if isinstance(event, Warned)]

    @property
    def verbs(self) -> list[twiml.Verb]:
        """The verbs that were run, in order."""
        return [event.verb for event in self.events if isinstance(event, Ran)]

    @property
    def first_audio_ms(self) -> int | None:
        """From the first `start` to the first audible sample heard."""
        start = self.timeline.first_start
        if start is None:
            return None
        found = first_sound(bytes(self.timeline.playout.heard[start:]))
        return None if found is None else found // 8

    # Its life.

    async def run(self) -> None:
        """Ring, follow the TwiML to its end, report the end. Faults of the server end in `failure`."""
        try:
            await self._live()
        except _Ended as ended:
            self.ended_by, self.status = ended.by, ended.status
        except TwilioFault as fault:
            self._fail(fault)
        finally:
            self.status = "completed" if self.live else self.status
            self._over_at = self._setup.clock.now()
            self._report_end()
        await self._webhooks.drain()

    async def _live(self) -> None:
        document = await self._interruptible(self._answer())
        while True:
            document = await self._interruptible(self._follow(document))

    async def _answer(self) -> Document:
        number = self._setup.number
        try:
            return await self._fetch(number.voice_url)
        except TwilioFault as fault:
            if number.fallback_url is None:
                raise
            self._warn(fault.code, fault.detail)
            return await self._fetch(number.fallback_url, {"ErrorCode": str(fault.code), "ErrorUrl": self._base})

    async def _interruptible(self, work: Coroutine[Any, Any, Document]) -> Document:
        """Do `work` unless an order comes first; a redirect's document takes its place."""
        task, order = asyncio.create_task(work), asyncio.create_task(self._orders.get())
        try:
            await asyncio.wait({task, order}, return_when=asyncio.FIRST_COMPLETED)
            if not order.done():
                return task.result()
        finally:
            for each in (task, order):
                each.cancel()
            await asyncio.gather(task, order, return_exceptions=True)
        return await self._obey(order.result())

    async def _obey(self, order: _Ended | _Redirected) -> Document:
        if isinstance(order, _Ended):
            raise order
        if order.document is not None:
            return twiml.parse(order.document)
        return await self._interruptible(self._fetch(order.url or ""))

    async def _follow(self, document: Document) -> Document:
        """Run a document's verbs until one leads to another document; at the end of it, hang up."""
        self.status = "in-progress"
        for verb in document:
            self._note(Ran(verb))
            if (following := await self._run(verb)) is not None:
                return following
        raise _Ended("twiml")

    async def _run(self, verb: twiml.Verb) -> Document | None:
        match verb:
            case twiml.Connect():
                return await self._connect(verb)
            case twiml.Redirect(url, method):
                return await self._fetch(url, method=method)
            case twiml.Dial():
                return await self._dial(verb)
            case twiml.Say(text):
                await self._wait(len(text) / SPEECH_RATE)
            case twiml.Pause(seconds):
                await self._wait(seconds)
            case twiml.Play(url):
                await self._play(url)
            case twiml.Hangup():
                raise _Ended("twiml")
            case twiml.Reject(reason):
                raise _Ended("twiml", "busy" if reason == "busy" else "no-answer")
        return None

    async def _connect(self, verb: twiml.Connect) -> Document | None:
        if await self._stream(verb.stream) is StreamEnd.CALLER_HUNG_UP:
            raise _Ended("caller")
        if verb.action is None:
            return None
        return await self._fetch(verb.action, method=verb.method)

    async def _dial(self, verb: twiml.Dial) -> Document | None:
        dialled = self._setup.dialled
        await self._wait(dialled.seconds)
        if verb.action is None:
            return None
        duration = str(round(dialled.seconds)) if dialled.status == "completed" else "0"
        outcome = {
            "DialCallStatus": dialled.status,
            "DialCallSid": new_sid("CA"),
            "DialCallDuration": duration,
        }
        return await self._fetch(verb.action, outcome, verb.method)

    async def _play(self, url: str) -> None:
        reply = await self._webhooks.request(self._webhooks.absolute(url, self._base), {}, "GET")
        try:
            audio = read_speech(reply.body)
        except ScriptError as error:
            raise TwimlFault(Code.INVALID_CONTENT_TYPE, f"{url} is not audio") from error
        self.timeline.playout.advance(self.timeline.position())
        self.timeline.playout.add(audio)
        await self._wait(len(audio) / 8000)

    async def _wait(self, seconds: float) -> None:
        clock = self._setup.clock
        await clock.sleep_until(clock.now() + seconds)
        self.timeline.playout.advance(self.timeline.position())

    # Streams.

    async def _stream(self, stream: twiml.Stream) -> StreamEnd:
        setup = self._setup
        peer = MediaStreamPeer(new_sid("MZ"), self.sid, setup.account.sid, dict(stream.parameters))
        try:
            socket = await open_socket(stream.url, setup.account, setup.route)
        except (StreamFault, WebhookFault) as fault:
            self._warn(fault.code, fault.detail)
            self._report(stream, peer, "stream-error", fault.detail)
            return StreamEnd.SERVER_LOST
        self._report(stream, peer, "stream-started")
        self._note(Streaming(peer.stream_sid))
        try:
            end = await MediaSession(peer, socket, self.timeline, self._caller, self._warn).run()
            self._note_close(end, stream, peer)
            return end
        finally:
            self._report(stream, peer, "stream-stopped")

    def _note_close(self, end: StreamEnd, stream: twiml.Stream, peer: MediaStreamPeer) -> None:
        if end is StreamEnd.SERVER_LOST:
            self._warn(Code.BROKEN_PIPE, "the socket broke")
            self._report(stream, peer, "stream-error", "the socket broke")
        if end is StreamEnd.SERVER_CLOSED:
            self._warn(Code.SERVER_CLOSED, "the server closed the stream")  # logged for wanted closes too

    def _report(self, stream: twiml.Stream, peer: MediaStreamPeer, event: str, error: str = "") -> None:
        if stream.status_callback is not None:
            url = self._webhooks.absolute(stream.status_callback, self._base)
            self._webhooks.notify(url, stream_report(stream, peer, event, error), stream.status_method)

    # What the server is told.

    async def _fetch(self, url: str, more: Mapping[str, str] | None = None, method: twiml.Method = "POST") -> Document:
        url = self._webhooks.absolute(url, self._base)
        reply = await self._webhooks.request(url, {**self._parameters, **(more or {})}, method)
        if reply.content_type not in XML_TYPES:
            raise TwimlFault(Code.INVALID_CONTENT_TYPE, f"{url} answered {reply.content_type}")
        self._base = reply.url
        try:
            return twiml.parse(reply.body.decode())
        except UnicodeDecodeError as error:
            raise TwimlFault(Code.DOCUMENT_PARSE_FAILURE, f"{url} is not UTF-8") from error

    def _report_end(self) -> None:
        if self._setup.number.status_callback is not None:
            url = self._webhooks.absolute(self._setup.number.status_callback)
            self._webhooks.notify(url, self._parameters | end_report(self._seconds))

    @property
    def _parameters(self) -> dict[str, str]:
        account = self._setup.account
        return call_parameters(account.sid, self.sid, self.status, self.number, self._setup.number.number)

    @property
    def _seconds(self) -> int:
        return round(self._setup.clock.now() if self._over_at is None else self._over_at)

    # What is noted of it.

    def _fail(self, fault: TwilioFault) -> None:
        self.failure = fault
        self.ended_by = "fault"
        self._warn(fault.code, fault.detail)

    def _warn(self, code: int, detail: str) -> None:
        self._note(Warned(int(code), detail))

    def _note(self, event: CallEvent) -> None:
        self.events.append(event)
        self._setup.observe(event)
