"""The double's other end of the line: people at their numbers, rooms, and the calls that Twilio places."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from sandbox.twilio.call import Call
from sandbox.twilio.events import Bridged, CallEvent
from sandbox.twilio.exchange import Dialled, Outcome, Rules
from sandbox.twilio.leg import Leg, Line
from sandbox.twilio.outbound import CallOrder, OutboundCall
from sandbox.twilio.person import Person
from sandbox.twilio.recordings import Recordings
from sandbox.twilio.rooms import Rooms
from sandbox.twilio.verbs import Callback, Dial, Target

UNREACHABLE = Person(0.0, "failed")  # a number where nobody is scripted


class Switchboard:
    """Implements `Exchange`. `line` makes what a new leg shares with the double."""

    def __init__(
        self,
        people: Mapping[str, Person],
        line: Callable[[], Line],
        rooms: Rooms,
        recordings: Recordings,
        rules: Rules,
        dialled: Dialled,
        ours: Callable[[], Collection[str]],
    ) -> None:
        self.people = dict(people)
        self.rules = rules
        self.dialled = dialled
        self.rooms = rooms
        self.recordings = recordings
        self.calls: dict[str, Call] = {}
        self.watch: Callable[[OutboundCall, CallEvent], None] = lambda call, event: None  # of the calls placed
        self._line = line
        self._ours = ours
        self._running: set[asyncio.Task[None]] = set()

    @property
    def placed(self) -> list[OutboundCall]:
        """The calls that Twilio placed, in order."""
        return [call for call in self.calls.values() if isinstance(call, OutboundCall)]

    def may_call_as(self, caller_id: str) -> bool:
        return caller_id in self._ours()

    def knows(self, address: str) -> bool:
        return address in self.people

    def place(self, order: CallOrder) -> OutboundCall:
        """Place a call at once; it lives in a task of its own."""
        call = OutboundCall(self._line(), self, order, self.people.get(order.to, UNREACHABLE))
        call.line.observe = lambda event: self.watch(call, event)
        self.calls[call.sid] = call
        task = asyncio.create_task(call.run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return call

    async def stop(self) -> None:
        """End the calls that are still placed."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def connect(self, parent: Leg, dial: Dial, targets: Sequence[Target]) -> Outcome:
        calls = [self.place(_order(parent, dial, target)) for target in targets]
        try:
            ready = await _first_ready(calls)
            for call in calls:
                if call is not ready:
                    call.complete()
            if ready is not None:
                parent.note(Bridged((ready.number,)))
                await _over_within(ready, dial.time_limit, parent)
        finally:
            for call in calls:
                call.complete()
        return await _outcome(calls if ready is None else [ready])


def _order(parent: Leg, dial: Dial, target: Target) -> CallOrder:
    return CallOrder(
        target.address,
        dial.caller_id or parent.origin,
        url=None if target.url is None else parent.line.webhooks.absolute(target.url, parent.base or None),
        method=target.method,
        callback=_based(parent, target.callback),
        timeout=dial.timeout,
        detection=target.detection,
        asynchronous=True,  # AsyncAmd is for the Calls resource, and <Dial> does not wait: error 21263
        detection_callback=_based(parent, target.detection_callback),
        parent_sid=parent.sid,
    )


def _based(parent: Leg, callback: Callback | None) -> Callback | None:
    if callback is None:
        return None
    return replace(callback, url=parent.line.webhooks.absolute(callback.url, parent.base or None))


async def _first_ready(calls: Sequence[OutboundCall]) -> OutboundCall | None:
    """The first call that may be connected; None when all of them are over."""
    waits = [asyncio.create_task(event.wait()) for call in calls for event in (call.ready, call.over)]
    try:
        while True:
            for call in calls:
                if call.ready.is_set() and not call.over.is_set():
                    return call
            if all(call.over.is_set() for call in calls):
                return None
            await asyncio.wait([task for task in waits if not task.done()], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _over_within(call: OutboundCall, limit_s: float, parent: Leg) -> None:
    works = [asyncio.create_task(call.over.wait()), asyncio.create_task(parent.wait(limit_s))]
    try:
        await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _outcome(calls: Sequence[OutboundCall]) -> Outcome:
    for call in calls:
        await call.over.wait()
    statuses = [call.status for call in calls]
    told = calls[statuses.index("no-answer")] if "no-answer" in statuses else calls[-1]
    return Outcome(told.sid, told.status, told.seconds, told.ready.is_set())
