"""A carrier's calls: admitted when they ring, answered by Carlos, resumed or ended when their line is over.

A line that dies under its call, or with its process, is followed by another one: the carrier asks what is next,
whichever process answers finds in the store that the call is not over, and the next line goes on with it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loguru import logger

from agent.active_calls import ActiveCalls
from agent.call import Call
from agent.capacity import Admission
from agent.fleet import Fleet
from agent.line import Line
from agent.passing_on import NOTE
from agent.record_writer import CallRecordWriter, CutOff
from agent.regions import Need
from agent.sonic.preconnect import StreamPreconnector
from agent.transcript import CallTranscript, is_over
from common import metrics
from data.errors import DataError, Unavailable
from data.models import Line as LineName
from telephony.admission import Door
from telephony.carrier import (
    AfterStream,
    Apologise,
    AskAgain,
    Caller,
    CallStatus,
    Carrier,
    Dial,
    HangUp,
    Hold,
    MakeLine,
    OpenAgain,
    Resume,
)
from telephony.closed_line import CallBacks, ClosedLine
from telephony.transfer import State, Transfer
from telephony.transfers import Transfers

MAX_BROKEN_CALLS = 1000  # that failed here, and whose next step the carrier may still ask for
MAX_RESUMES = 2  # of one call
LOOK_UP_TIMEOUT_S = 1.0  # how long a ringing call waits for the store
AFTER_TIMEOUT_S = 4.5  # the same of one whose stream is over: a little less than its webhook may
STORY_TIMEOUT_S = 4.0  # and of one that goes on: as long as a tool may
LET_GO_TIMEOUT_S = 2.5  # how long a call may take to let go of a stream that is gone

type MakeCall = Callable[[CallTranscript, Line, Mapping[str, Any]], Call]


@dataclass(slots=True)
class _Stream:
    """One that is open as far as this process knows, and how many more of the same call were turned away since."""

    resumes: int
    released: asyncio.Event = field(default_factory=asyncio.Event)
    turned_away: int = 0


class PhoneCalls:
    """One process's calls of one carrier (telephony.carrier.CarrierHandler).

    `make_call` gets the call's log, its line and, for a call that goes on, the memory of its tools. Without a `door`
    every call is taken for which there is a place, and without a `fleet` this process is the only one.
    """

    def __init__(
        self,
        active_calls: ActiveCalls,
        make_call: MakeCall,
        carrier: Carrier,
        preconnector: StreamPreconnector,
        record_writer: CallRecordWriter,
        transfers: Transfers | None = None,
        *,
        door: Door | None = None,
        callbacks: CallBacks | None = None,
        fleet: Fleet = Fleet.alone(),  # noqa: B008 - it keeps nothing
    ) -> None:
        self.transfers = transfers
        self._active_calls = active_calls
        self._make_call = make_call
        self._carrier = carrier
        self._preconnector = preconnector
        self._record_writer = record_writer
        self._door = door
        self._callbacks = callbacks
        self._fleet = fleet
        self._streams: dict[str, _Stream] = {}
        self._broken: OrderedDict[str, None] = OrderedDict()

    async def is_over(self, call_id: str) -> bool:
        """Return False, too, where the store cannot tell: refusing a real call is worse than answering a replayed
        request."""
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                return await self._record_writer.is_over(call_id, self._carrier.name)
        except (DataError, TimeoutError) as error:
            logger.warning("call {} is taken for a new one: {!r}", call_id, error)
            return False

    async def admit(self, call_id: str, number: str | None = None, *, tries: int | None = None) -> Admission:
        if number is None or self._door is None:
            admission = self._active_calls.capacity.admit(call_id)
        else:
            admission = await self._door.admit(call_id, number)
        need = Need.GOES_ON if number is None else Need.CALL
        admission = await self._fleet.answer(call_id, admission, need, tries)
        if admission is Admission.ACCEPTED:
            self._preconnector.prepare(call_id)
        elif admission is not Admission.ELSEWHERE:
            metrics.REFUSALS.add(reason=admission.name.lower())
        return admission

    async def closed_line(self) -> ClosedLine:
        assert self._door is not None  # noqa: S101 - it said that the line is closed
        line = await self._door.closed_line()
        if line.offer == "callback" and self._callbacks is None:
            logger.error("CLOSED=callback, and nothing here keeps call-backs: none is offered")
            return ClosedLine(line.said, "message")
        return line

    async def note_voicemail(self, call_id: str, number: str, facts: Mapping[str, str]) -> None:
        await self._record_writer.keep_voicemail(call_id, number, facts)

    async def note_callback(self, call_id: str, number: str) -> None:
        if self._callbacks is None:
            raise Unavailable("nothing here keeps call-backs")
        await self._callbacks.note_callback(call_id, number)

    async def started(self, call_id: str) -> bool:
        if self._active_calls.capacity.start(call_id):
            if await self._fleet.start(call_id):
                metrics.PHONE_LINES.add(carrier=self._carrier.name)
                return True
            self._active_calls.capacity.release(call_id)
            return False
        if (stream := self._streams.get(call_id)) is not None:
            stream.turned_away += 1
        return False

    async def release(self, call_id: str, *, failed: bool = False) -> None:
        self._free(call_id)
        if (stream := self._streams.pop(call_id, None)) is not None:
            stream.released.set()
        if failed:
            self._broken[call_id] = None
            while len(self._broken) > MAX_BROKEN_CALLS:
                self._broken.popitem(last=False)

    def _free(self, call_id: str) -> None:
        self._active_calls.capacity.release(call_id)
        self._fleet.release(call_id)

    async def ended(self, call_id: str, resumes: int, *, tries: int | None = None) -> AfterStream:
        """Resume a call that is not over; apologise where that cannot be done and Carlos did not do so himself. Without
        the store what this process knows decides, and a call of which it knows nothing goes on: a new greeting is
        better than a line that goes dead."""
        if self._was_turned_away(call_id):
            return HangUp()
        deadline = asyncio.get_running_loop().time() + AFTER_TIMEOUT_S
        await self._let_go(call_id, resumes)
        if call_id in self._broken:
            return Apologise()
        try:
            async with asyncio.timeout_at(deadline):
                return await self._after_stream(call_id, resumes, tries)
        except (DataError, TimeoutError) as error:
            logger.error("what comes after the stream of call {} is settled without the store: {!r}", call_id, error)
        log = self._active_calls.log_of(call_id)
        if log is not None and is_over(log.record()):
            return HangUp()
        return await self._with_a_place(call_id, tries) if resumes < MAX_RESUMES else Apologise()

    async def _after_stream(self, call_id: str, resumes: int, tries: int | None) -> AfterStream:
        if (passed_on := await self._passed_on(call_id, resumes, tries)) is not None:
            return passed_on
        if await self._record_writer.is_over(call_id, self._carrier.name):
            return HangUp()
        is_one_process = tries is None or self._fleet.is_one_process
        if not is_one_process and not await self._record_writer.was_answered(call_id, resumes):
            may_open = self._fleet.may_send_on(tries)
            return await self._with_a_place(call_id, tries, OpenAgain()) if may_open else Apologise()
        transfers = await self.transfers.count(call_id) if self.transfers else 0  # each opens a line anew, as it should
        if resumes >= MAX_RESUMES + transfers:
            return Apologise()
        return await self._with_a_place(call_id, tries)

    async def _with_a_place(
        self,
        call_id: str,
        tries: int | None,
        then: Resume | OpenAgain = Resume(),  # noqa: B008 - frozen
    ) -> AfterStream:
        match await self.admit(call_id, tries=tries):
            case Admission.ACCEPTED:
                return then
            case Admission.ELSEWHERE:
                return AskAgain()
        return Apologise()

    async def _passed_on(self, call_id: str, resumes: int, tries: int | None) -> AfterStream | None:
        """What comes next for a caller who is passed on to a person; None for anybody else."""
        await self._record_writer.kept(call_id)
        transfer = await self.transfers.begun(call_id, resumes) if self.transfers else None
        if self.transfers is None or transfer is None:
            return None
        match transfer.state:
            case State.RETURNED:
                return await self._with_a_place(call_id, tries)
            case State.OVER:
                return HangUp()
        return Dial(transfer, self.transfers.caller_id) if self.transfers.cold else Hold(transfer)

    async def brought_back(self, call_id: str, *, tries: int | None = None) -> AfterStream:
        """Resume with Carlos if nobody took the caller, and only then: the request may be a replay. Where no place is
        free the music goes on for a while."""
        back = await self.transfers.came_back(call_id) if self.transfers else None
        if self.transfers is None or back is None:
            return HangUp()
        if await self._record_writer.is_over(call_id, self._carrier.name):
            return HangUp()
        after = await self._with_a_place(call_id, tries)
        return Hold(back) if isinstance(after, Apologise) and self.transfers.may_wait(back) else after

    def _was_turned_away(self, call_id: str) -> bool:
        """Return True if what is over is a second stream, which a repeated webhook opened: the first one goes on."""
        stream = self._streams.get(call_id)
        if stream is None or not stream.turned_away:
            return False
        stream.turned_away -= 1
        return True

    async def _let_go(self, call_id: str, resumes: int) -> None:
        """Hang up the call of a stream that the carrier says is over: it would wait for audio for a while."""
        stream, call = self._streams.get(call_id), self._active_calls.live.get(call_id)
        if stream is None or call is None or stream.resumes > resumes:
            return
        await call.hang_up("dropped")
        try:
            await asyncio.wait_for(stream.released.wait(), LET_GO_TIMEOUT_S)
        except TimeoutError:
            logger.error("call {} does not let go of its stream", call_id)

    async def status(self, call_id: str, status: CallStatus) -> None:
        logger.info("call {} is {}", call_id, status.word)
        if status.is_over:
            if call_id not in self._active_calls.live:
                self._free(call_id)
            self._preconnector.forget(call_id)
            if self.transfers is not None:
                await self.transfers.caller_left(call_id)
            log = self._active_calls.log_of(call_id)
            await self._record_writer.carrier_said(call_id, log, self._carrier.name, status.facts)

    async def answer(self, make_line: MakeLine, caller: Caller) -> None:
        """Hold one phone call."""

        async def on_end(outcome: str) -> None:
            if outcome == "completed":
                await self._carrier.hang_up(caller.call_id)
            await self._record_writer.kept(caller.call_id)  # the carrier asks what is next once the socket is closed

        self._streams[caller.call_id] = _Stream(caller.resumes)
        with logger.contextualize(call_id=caller.call_id):
            log, memory = await self._story(caller)
            outcome = await self._active_calls.hold(self._make_call(log, make_line(on_end), memory))
            logger.info("call ended: {}", outcome)

    async def _story(self, caller: Caller) -> tuple[CallTranscript, Mapping[str, Any]]:
        """Return a new call's transcript, or that of a call to go on with and the memory of its tools."""
        cut_off = await self._cut_off(caller.call_id) if caller.resumes else None
        if cut_off is None:
            log = CallTranscript(caller.call_id, LineName.PHONE, caller.number)
            if caller.resumes:
                log.note(resumed=caller.resumes)
            return log, {}
        log = CallTranscript.resumed(cut_off.record, caller.resumes)
        if (back := await self._came_back(caller.call_id)) is not None:
            log.note(**{NOTE: {**back.note, **log.notes.get(NOTE, {})}})
        return log, cut_off.memory

    async def _cut_off(self, call_id: str) -> CutOff | None:
        """What there is to go on with, in the store; where it has nothing or does not answer, in this process."""
        try:
            async with asyncio.timeout(STORY_TIMEOUT_S):
                stored = await self._record_writer.cut_off(call_id)
        except TimeoutError:
            logger.error("what was said in call {} cannot be had: the store does not answer", call_id)
            stored = None
        log = self._active_calls.log_of(call_id)
        if stored is not None or log is None or is_over(log.record()):
            return stored
        return CutOff(log.record(), log.memory() if log.memory else {})

    async def _came_back(self, call_id: str) -> Transfer | None:
        if self.transfers is None:
            return None
        try:
            async with asyncio.timeout(STORY_TIMEOUT_S):
                return await self.transfers.came_back(call_id)
        except (DataError, TimeoutError) as error:
            logger.error("what came of the transfer of call {} cannot be had: {!r}", call_id, error)
            return None
