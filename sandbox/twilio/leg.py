"""One leg of a call on Twilio's side: what it is, what it hears, and what its verbs are made of.

A leg follows TwiML from document to document (`sandbox.twilio.call`); the modules of the verbs (connect, gather,
dial, conference, record) use what is here. An order of the REST API or of the party on the line, to hang up or to
go elsewhere, interrupts whatever runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from sandbox.twilio import twiml
from sandbox.twilio.account import Account, Route, new_sid
from sandbox.twilio.clock import Clock
from sandbox.twilio.errors import Code, ScriptError, TwilioFault, TwimlFault
from sandbox.twilio.events import CallEvent, Pressed, Ran, Warned
from sandbox.twilio.playout import Playout
from sandbox.twilio.reports import call_parameters
from sandbox.twilio.stream import Caller, Timeline
from sandbox.twilio.verbs import Method, Pause, Play, Prompt, Say, Verb
from sandbox.twilio.wav import first_sound, read_speech
from sandbox.twilio.webhooks import Reply, Webhooks

Direction = Literal["inbound", "outbound-api", "outbound-dial"]
EndedBy = Literal["caller", "api", "twiml", "fault"]
Document = tuple[Verb, ...]
XML_TYPES = {"text/xml", "application/xml", "text/html"}
SPEECH_RATE = 15  # characters a second: how long <Say> lasts


@dataclass(slots=True)
class Line:
    """What a leg shares with the double."""

    account: Account
    route: Route
    webhooks: Webhooks
    clock: Clock
    observe: Callable[[CallEvent], None] = field(default=lambda event: None)


class Ended(Exception):
    """The call is over: `status` is Twilio's CallStatus."""

    def __init__(self, by: EndedBy, status: str = "completed") -> None:
        super().__init__(by)
        self.by = by
        self.status = status


class Redirected(Exception):
    """The REST API sends the call to another document."""

    def __init__(self, url: str | None, document: str | None, method: Method = "POST") -> None:
        super().__init__(url)
        self.url = url
        self.document = document
        self.method = method


class Leg:
    """A call from `origin` to `target`; `ear` is the party on the line while a media stream runs."""

    direction: Direction = "inbound"

    def __init__(self, line: Line, origin: str, target: str, ear: Caller) -> None:
        self.sid = new_sid("CA")
        self.origin = origin
        self.target = target
        self.parent_sid: str | None = None
        self.status = "ringing"
        self.ended_by: EndedBy | None = None
        self.failure: TwilioFault | None = None  # what broke the call
        self.events: list[CallEvent] = []
        self.timeline = Timeline(line.clock, Playout(), bytearray())
        self.ear = ear
        self.line = line
        self.base = ""  # the current document's URL
        self.latest = ""  # the URL that was requested last
        self.order: Ended | Redirected | None = None  # why the running verb is being interrupted
        self.message_s = 4.0  # for how long the party speaks into a <Record>
        self.created_at = format_datetime(datetime.now(UTC))
        self._orders: asyncio.Queue[Ended | Redirected] = asyncio.Queue()
        self._keys: asyncio.Queue[str] | None = None
        self._answered_at: float | None = 0.0  # seconds
        self._over_at: float | None = None

    @property
    def number(self) -> str:
        """Of the party on the line."""
        return self.target

    # What the REST API and the party on the line may do at any time.

    @property
    def live(self) -> bool:
        return self.status in {"queued", "ringing", "in-progress"}

    @property
    def redirectable(self) -> bool:
        return self.live

    def complete(self) -> None:
        """Hang up, from outside."""
        self._orders.put_nowait(Ended("api"))

    def cancel(self) -> None:
        """Hang up what has not been answered: an inbound call is answered as it rings."""

    def redirect(self, *, url: str | None = None, twiml: str | None = None, method: Method = "POST") -> None:
        self._orders.put_nowait(Redirected(url, twiml, method))

    def hang_up(self) -> None:
        """The party on the line hangs up."""
        self._orders.put_nowait(Ended("caller"))

    def press(self, digits: str) -> None:
        """The party on the line presses keys; nothing hears them but a verb that listens for keys."""
        if self._keys is not None and digits:
            self.note(Pressed(digits))
            for digit in digits:
                self._keys.put_nowait(digit)

    def resource(self) -> dict[str, Any]:
        """https://www.twilio.com/docs/voice/api/call-resource#call-properties, as far as it is known here."""
        account = self.line.account.sid
        return {
            "sid": self.sid,
            "account_sid": account,
            "parent_call_sid": self.parent_sid,
            "from": self.origin,
            "to": self.target,
            "status": self.status,
            "direction": self.direction,
            "date_created": self.created_at,
            "duration": None if self.live else str(self.seconds),
            "answered_by": self.answered_by,
            "api_version": "2010-04-01",
            "uri": f"/2010-04-01/Accounts/{account}/Calls/{self.sid}.json",
        }

    @property
    def answered_by(self) -> str | None:
        return None

    # What is known of it afterwards.

    @property
    def warnings(self) -> list[int]:
        """The codes in the Debugger, in order."""
        return [event.code for event in self.events if isinstance(event, Warned)]

    @property
    def verbs(self) -> list[Verb]:
        """The verbs that were run, in order, with those in a `<Gather>` and of hold music."""
        return [event.verb for event in self.events if isinstance(event, Ran)]

    @property
    def spoken(self) -> list[str]:
        """The text of every `<Say>` that began."""
        return [verb.text for verb in self.verbs if isinstance(verb, Say)]

    @property
    def played(self) -> list[str]:
        """The URL of every `<Play>` that began."""
        return [verb.url for verb in self.verbs if isinstance(verb, Play)]

    @property
    def first_audio_ms(self) -> int | None:
        """From the first `start` to the first audible sample heard."""
        start = self.timeline.first_start
        if start is None:
            return None
        found = first_sound(bytes(self.timeline.playout.heard[start:]))
        return None if found is None else found // 8

    @property
    def seconds(self) -> int:
        """How long it has lasted, from the answer to its end or until now."""
        if self._answered_at is None:
            return 0
        until = self.line.clock.now() if self._over_at is None else self._over_at
        return round(until - self._answered_at)

    # What the party on the line does by itself; coroutines that are cancelled when their occasion has passed.

    async def react(self) -> None:
        """A `<Gather>` has said all that it has to say."""

    async def talk(self) -> None:
        """The line is connected to somebody."""

    # What verbs are made of.

    async def interruptible(self, work: Coroutine[Any, Any, Document]) -> Document:
        """Do `work` unless an order comes first; a redirect's document takes its place."""
        task, order = asyncio.create_task(work), asyncio.create_task(self._orders.get())
        try:
            await asyncio.wait({task, order}, return_when=asyncio.FIRST_COMPLETED)
            if not order.done():
                return task.result()
            self.order = interruption = order.result()
        finally:
            for each in (task, order):
                each.cancel()
            await asyncio.gather(task, order, return_exceptions=True)
        return await self._obey(interruption)

    async def _obey(self, order: Ended | Redirected) -> Document:
        if isinstance(order, Ended):
            raise order
        self.order = None
        if order.document is not None:
            return twiml.parse(order.document)
        return await self.interruptible(self.fetch(order.url or "", method=order.method))

    async def request(
        self, url: str, more: Mapping[str, str] | None = None, method: Method = "POST", base: str | None = None
    ) -> Reply:
        """Fetch a URL that may be relative to a document's, with what every request says of the call."""
        url = self.latest = self.line.webhooks.absolute(url, base or self.base or None)
        return await self.line.webhooks.request(url, {**self.parameters, **(more or {})}, method)

    async def fetch(self, url: str, more: Mapping[str, str] | None = None, method: Method = "POST") -> Document:
        """Fetch the document to go on with; the URLs in it are relative to its own."""
        reply = await self.request(url, more, method)
        document = document_of(reply)
        self.base = reply.url
        return document

    def notify(self, url: str, params: Mapping[str, str], method: Method = "POST") -> None:
        """Send a status callback; the URL may be relative to the current document's."""
        self.line.webhooks.notify(self.line.webhooks.absolute(url, self.base or None), params, method)

    async def perform(self, prompts: Sequence[Prompt], base: str | None = None) -> None:
        """Say, play and pause, one after the other."""
        for prompt in prompts:
            self.note(Ran(prompt))
            match prompt:
                case Say(text, loop=loop):
                    await self.wait(loop * len(text) / SPEECH_RATE)
                case Pause(seconds):
                    await self.wait(seconds)
                case Play(url, loop):
                    await self._play(url, loop, base)

    async def _play(self, url: str, loop: int, base: str | None) -> None:
        webhooks = self.line.webhooks
        reply = await webhooks.request(webhooks.absolute(url, base or self.base or None), {}, "GET")
        audio = audio_of(reply)
        for _ in range(loop):
            await self.hear(audio)

    async def hear(self, audio: bytes) -> None:
        """Play mu-law audio to the party on the line, to its end."""
        self.timeline.playout.advance(self.timeline.position())
        self.timeline.playout.add(audio)
        await self.wait(len(audio) / 8000)

    async def wait(self, seconds: float) -> None:
        clock = self.line.clock
        await clock.sleep_until(clock.now() + seconds)
        self.timeline.playout.advance(self.timeline.position())

    def hush(self) -> None:
        """What is being played stops."""
        self.timeline.playout.advance(self.timeline.position())
        self.timeline.playout.clear()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keys are heard inside; those of before are lost."""
        self._keys = asyncio.Queue()
        try:
            yield
        finally:
            self._keys = None

    async def key_or(self, other: Coroutine[Any, Any, None]) -> str | None:
        """The next key, or None when `other` is over first; `other` is cancelled by a key."""
        if self._keys is None:
            raise RuntimeError("nothing listens for keys")
        key, rest = asyncio.create_task(self._keys.get()), asyncio.create_task(other)
        try:
            await asyncio.wait({key, rest}, return_when=asyncio.FIRST_COMPLETED)
            return key.result() if key.done() else rest.result()
        finally:
            for each in (key, rest):
                each.cancel()
            await asyncio.gather(key, rest, return_exceptions=True)

    @property
    def parameters(self) -> dict[str, str]:
        """What every request says of the call."""
        known = call_parameters(self.line.account.sid, self.sid, self.status, self.origin, self.target, self.direction)
        return known if self.parent_sid is None else known | {"ParentCallSid": self.parent_sid}

    def warn(self, code: int, detail: str) -> None:
        self.note(Warned(int(code), detail))

    def note(self, event: CallEvent) -> None:
        self.events.append(event)
        self.line.observe(event)


def document_of(reply: Reply) -> Document:
    """Read an answer as TwiML. Raises TwimlFault."""
    if reply.content_type not in XML_TYPES:
        raise TwimlFault(Code.INVALID_CONTENT_TYPE, f"{reply.url} answered {reply.content_type}")
    try:
        return twiml.parse(reply.body.decode())
    except UnicodeDecodeError as error:
        raise TwimlFault(Code.DOCUMENT_PARSE_FAILURE, f"{reply.url} is not UTF-8") from error


def audio_of(reply: Reply) -> bytes:
    """Read an answer as audio, 8 kHz mu-law. Raises TwimlFault."""
    try:
        return read_speech(reply.body)
    except ScriptError as error:
        raise TwimlFault(Code.INVALID_CONTENT_TYPE, f"{reply.url} is not audio") from error
