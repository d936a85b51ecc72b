"""A call that Twilio places: it rings at a scripted person, reports its progress, and runs its TwiML for him.

https://www.twilio.com/docs/voice/api/call-resource: status callbacks "initiated", "ringing", "answered", "completed";
busy, no-answer, failed and canceled are told with "completed". Answering machine detection comes before the first
document, with AnsweredBy in its request, unless it is asynchronous: then the result goes to a callback of its own,
https://www.twilio.com/docs/voice/answering-machine-detection. A leg of `<Dial>` runs the TwiML of `<Number url>` and
is then connected to the call that dialled it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from sandbox.twilio import twiml
from sandbox.twilio.call import Call, Fallback
from sandbox.twilio.errors import Code
from sandbox.twilio.events import Bridged, Progressed
from sandbox.twilio.exchange import Exchange
from sandbox.twilio.leg import Direction, Document, Ended, Line
from sandbox.twilio.person import DETECTED, Person
from sandbox.twilio.reports import progress_report
from sandbox.twilio.stream import Act
from sandbox.twilio.verbs import Callback, Detection, Method


class Silent:
    """The called party in a media stream: he listens."""

    def listen(self, heard: bytes) -> Act:
        return Act()


@dataclass(frozen=True, slots=True)
class CallOrder:
    """What is asked of a call that Twilio places; times in seconds. Neither `url` nor `twiml`: a leg of `<Dial>`."""

    to: str
    origin: str
    url: str | None = None
    method: Method = "POST"
    twiml: str | None = None
    fallback: Fallback | None = None
    callback: Callback | None = None
    timeout: float = 60.0
    time_limit: float = 14400.0
    detection: Detection | None = None
    asynchronous: bool = False
    detection_callback: Callback | None = None
    parent_sid: str | None = None


class OutboundCall(Call):
    """`ready` is set when a leg of `<Dial>` may be connected, `over` when the call is over."""

    def __init__(self, line: Line, exchange: Exchange, order: CallOrder, person: Person) -> None:
        super().__init__(line, exchange, order.origin, order.to, Silent(), order.fallback)
        self.direction: Direction = "outbound-api" if order.parent_sid is None else "outbound-dial"
        self.parent_sid = order.parent_sid
        self.status = "queued"
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self.person = person
        self._wanted = order
        self._answered_at = None
        self._answered_by: str | None = None
        self._sequence = 0
        self._presses = iter(person.presses)
        self._tasks: set[asyncio.Task[None]] = set()

    # What may be done with it.

    @property
    def redirectable(self) -> bool:
        return self.status == "in-progress"

    @property
    def answered_by(self) -> str | None:
        return self._answered_by

    def complete(self) -> None:
        if self.redirectable:
            super().complete()
        else:
            self.cancel()

    def cancel(self) -> None:
        if self.live and not self.redirectable:
            self._orders.put_nowait(Ended("api", "canceled"))

    # Its life.

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def answer(self) -> Document:
        self._tell("initiated", "initiated")
        await self._ring()
        self.status, self._answered_at = "in-progress", self.line.clock.now()
        self._tell("answered", "in-progress")
        self._meanwhile(self._until_time_is_up())
        if self.person.hangs_up_after_s is not None:
            self._meanwhile(self._leave_after(self.person.hangs_up_after_s))
        found = await self._detect()
        return await self._first_document(found)

    async def _ring(self) -> None:
        person = self.person
        limit_s = self._wanted.timeout + self.exchange.rules.ring_buffer_s
        if person.answer == "failed":
            raise Ended("caller", "failed")
        if person.answer == "busy":
            await self.wait(person.answers_after_s)
            raise Ended("caller", "busy")
        self.status = "ringing"
        self._tell("ringing", "ringing")
        if not person.picks_up or person.answers_after_s > limit_s:
            await self.wait(limit_s)
            raise Ended("api", "no-answer")
        await self.wait(person.answers_after_s)

    async def _detect(self) -> dict[str, str]:
        """What the first request is told of who answered."""
        detection = self._wanted.detection
        if detection is None:
            return {}
        found, after_s = DETECTED[self.person.answer, detection]
        if self._wanted.asynchronous:
            self._meanwhile(self._detected(found, after_s))
            return {}
        await self.wait(after_s)
        self._answered_by = found
        return {"AnsweredBy": found}

    async def _detected(self, found: str, after_s: float) -> None:
        await self.wait(after_s)
        self._answered_by = found
        callback = self._wanted.detection_callback
        if callback is None:
            self.warn(Code.NO_DETECTION_CALLBACK, "nobody is told who answered")
            return
        report = {
            "AccountSid": self.line.account.sid,
            "CallSid": self.sid,
            "AnsweredBy": found,
            "MachineDetectionDuration": str(round(after_s * 1000)),
        }
        self.line.webhooks.notify(callback.url, report, callback.method)

    async def _first_document(self, found: dict[str, str]) -> Document:
        if self._wanted.url is not None:  # "if both twiml and url are provided then twiml is ignored"
            return await self.fetch(self._wanted.url, found, self._wanted.method)
        return () if self._wanted.twiml is None else twiml.parse(self._wanted.twiml)

    async def document_over(self) -> Document:
        if self.parent_sid is None:
            return await super().document_over()
        self.ready.set()
        self.note(Bridged((self.origin,)))
        await self.talk()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    # What the person does by himself.

    async def react(self) -> None:
        keys = next(self._presses, "")
        await self.wait(self.person.thinks_s)
        self.press(keys)

    async def talk(self) -> None:
        if self.person.talks_s is not None:
            await self._leave_after(self.person.talks_s)

    async def _leave_after(self, seconds: float) -> None:
        await self.wait(seconds)
        self.hang_up()

    async def _until_time_is_up(self) -> None:
        await self.wait(self._wanted.time_limit)
        self._orders.put_nowait(Ended("api"))

    def _meanwhile(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    # What the server is told.

    def report_end(self) -> None:
        self._tell("completed", self.status, self.seconds)
        self.over.set()

    def _tell(self, event: str, status: str, seconds: int | None = None) -> None:
        self.note(Progressed(status))
        callback = self._wanted.callback
        if callback is None or event not in callback.events:
            return
        report = self.parameters | {"CallStatus": status} | progress_report(self._sequence, seconds)
        self._sequence += 1
        self.line.webhooks.notify(callback.url, report, callback.method)
