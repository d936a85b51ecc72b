"""A call on Twilio's side: webhook, verbs, media streams, callbacks, end.

    POST voice URL ─▶ TwiML ─▶ verb ─▶ verb ─▶ ... none left ─▶ hang up ─▶ status callback "completed"
                        ▲        │ <Connect>, <Dial>, <Gather>, <Record>: their `action`, or the next verb
                        └────────┘ <Redirect>, `action`, or the REST API: another document

A REST update interrupts whatever runs: a stream then ends with `stop` and its socket is closed, a conference is left.
A webhook or a document that fails is followed by the fallback URL, where there is one, with ErrorCode and ErrorUrl:
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource, voice_fallback_url.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from sandbox.twilio.account import PhoneNumber
from sandbox.twilio.connect import connect
from sandbox.twilio.dial import dial
from sandbox.twilio.errors import TwilioFault
from sandbox.twilio.events import Bridged, CallEvent, Joined, Pressed, Progressed, Ran, Streaming, Warned
from sandbox.twilio.exchange import Dialled, Exchange
from sandbox.twilio.gather import gather
from sandbox.twilio.leg import Document, Ended, EndedBy, Leg, Line
from sandbox.twilio.record import record
from sandbox.twilio.reports import end_report
from sandbox.twilio.stream import Caller
from sandbox.twilio.verbs import Connect, Dial, Gather, Hangup, Method, Pause, Play, Record, Redirect, Reject, Say, Verb

__all__ = [
    "Bridged",
    "Call",
    "CallEvent",
    "Dialled",
    "EndedBy",
    "Fallback",
    "Joined",
    "PhoneCall",
    "Pressed",
    "Progressed",
    "Ran",
    "Streaming",
    "Warned",
]

MOST_FALLBACKS = 10  # of one call, so that a fallback which leads back to the fault ends; Twilio documents no bound


@dataclass(frozen=True, slots=True)
class Fallback:
    url: str
    method: Method = "POST"


class Call(Leg):
    """A leg that follows TwiML; `run` lives as long as the call does."""

    def __init__(
        self, line: Line, exchange: Exchange, origin: str, target: str, ear: Caller, fallback: Fallback | None
    ) -> None:
        super().__init__(line, origin, target, ear)
        self.exchange = exchange
        self._fallback = fallback
        self._fallbacks = 0

    async def run(self) -> None:
        """Follow the TwiML to its end and report the end. Faults of the server end in `failure`."""
        try:
            await self._live()
        except Ended as ended:
            self.ended_by, self.status = ended.by, ended.status
        except TwilioFault as fault:
            self._fail(fault)
        finally:
            self.status = "completed" if self.live else self.status
            self._over_at = self.line.clock.now()
            self.report_end()
        await self.line.webhooks.drain()

    async def answer(self) -> Document:
        """Up to the first document."""
        raise NotImplementedError

    async def document_over(self) -> Document:
        """No verb is left."""
        raise Ended("twiml")

    def report_end(self) -> None:
        """Tell who asked to be told."""

    async def _live(self) -> None:
        document = await self._or_fallback(self.answer())
        while True:
            document = await self._or_fallback(self._follow(document))

    async def _or_fallback(self, work: Coroutine[Any, Any, Document]) -> Document:
        try:
            return await self.interruptible(work)
        except TwilioFault as fault:
            if self._fallback is None or self._fallbacks == MOST_FALLBACKS:
                raise
            self._fallbacks += 1
            self.warn(fault.code, fault.detail)
            told = {"ErrorCode": str(fault.code), "ErrorUrl": self.latest}
            return await self.interruptible(self.fetch(self._fallback.url, told, self._fallback.method))

    async def _follow(self, document: Document) -> Document:
        """Run a document's verbs until one leads to another document."""
        self.status = "in-progress"
        for verb in document:
            if not isinstance(verb, Say | Play | Pause):  # these are noted as they are performed
                self.note(Ran(verb))
            if (following := await self._run(verb)) is not None:
                return following
        return await self.document_over()

    async def _run(self, verb: Verb) -> Document | None:
        match verb:
            case Connect():
                return await connect(self, verb)
            case Dial():
                return await dial(self, self.exchange, verb)
            case Gather():
                return await gather(self, verb)
            case Record():
                return await record(self, self.exchange, verb)
            case Redirect(url, method):
                return await self.fetch(url, method=method)
            case Say() | Pause() | Play():
                await self.perform((verb,))
            case Hangup():
                raise Ended("twiml")
            case Reject(reason):
                raise Ended("twiml", "busy" if reason == "busy" else "no-answer")
        return None

    def _fail(self, fault: TwilioFault) -> None:
        self.failure = fault
        self.ended_by = "fault"
        self.warn(fault.code, fault.detail)


class PhoneCall(Call):
    """A call to the number from `caller_number`."""

    def __init__(self, line: Line, exchange: Exchange, number: PhoneNumber, caller_number: str, caller: Caller) -> None:
        fallback = None if number.fallback_url is None else Fallback(number.fallback_url, number.fallback_method)
        super().__init__(line, exchange, caller_number, number.number, caller, fallback)
        self._number = number
        self.base = line.webhooks.absolute(number.voice_url)

    @property
    def number(self) -> str:
        return self.origin

    async def answer(self) -> Document:
        return await self.fetch(self._number.voice_url, method=self._number.voice_method)

    def report_end(self) -> None:
        if self._number.status_callback is not None:
            url = self.line.webhooks.absolute(self._number.status_callback)
            report = self.parameters | end_report(self.seconds)
            self.line.webhooks.notify(url, report, self._number.status_callback_method)
