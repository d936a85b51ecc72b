"""The phone's desk: admits ringing calls, puts them through to Carlos, and says what comes after."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from loguru import logger
from starlette.websockets import WebSocket

from agent.call import Call, Line
from agent.record import CallLog
from agent.seats import Admission
from agent.sonic.ahead import Ahead
from agent.switchboard import Switchboard
from carlos import metrics
from data.models import Line as LineName
from telephony.control import CallControl
from telephony.media_stream import MediaStream, Started
from telephony.ports import AfterStream, Apologise, Caller, HangUp
from telephony.transport import PhoneLine

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
REMEMBER = 1000  # ended calls whose next step Twilio may still ask for

type MakeCall = Callable[[CallLog, Line], Call]
type OnStatus = Callable[[str, CallLog | None, Mapping[str, str]], Awaitable[None]]


async def _ignore(call_sid: str, log: CallLog | None, params: Mapping[str, str]) -> None:
    """For a desk without records."""


class PhoneDesk:
    """One process's desk (telephony.ports.Desk), and the `Answer` of its media socket."""

    def __init__(
        self,
        switchboard: Switchboard,
        make_call: MakeCall,
        control: CallControl,
        ahead: Ahead,
        on_status: OnStatus = _ignore,
    ) -> None:
        self._switchboard = switchboard
        self._make_call = make_call
        self._control = control
        self._ahead = ahead
        self._on_status = on_status
        self._outcomes: OrderedDict[str, str] = OrderedDict()

    async def admit(self, call_sid: str, from_: str, to: str) -> Admission:
        admission = self._switchboard.seats.admit(call_sid)
        if admission is Admission.ACCEPTED:
            self._ahead.prepare(call_sid)
        else:
            metrics.REFUSALS.add(reason=admission.name.lower())
        return admission

    async def started(self, call_sid: str, stream_sid: str) -> bool:
        return self._switchboard.seats.start(call_sid)

    async def release(self, call_sid: str, *, failed: bool = False) -> None:
        self._switchboard.seats.release(call_sid)
        if failed:
            self._remember(call_sid, "broken")

    async def ended(self, call_sid: str) -> AfterStream:
        """Apologise where Carlos could not do so himself: a call that never began, or one that broke."""
        return HangUp() if self._outcomes.get(call_sid, "broken") != "broken" else Apologise()

    async def status(self, call_sid: str, params: Mapping[str, str]) -> None:
        logger.info("call {} is {}", call_sid, params.get("CallStatus", "?"))
        if params.get("CallStatus") in OVER:
            if call_sid not in self._switchboard.live:
                self._switchboard.seats.release(call_sid)
            self._ahead.forget(call_sid)
            await self._on_status(call_sid, self._switchboard.log_of(call_sid), params)

    async def answer(self, websocket: WebSocket, stream: MediaStream, started: Started, caller: Caller) -> None:
        """Hold one phone call (telephony.ports.Answer)."""

        async def on_end(outcome: str) -> None:
            self._remember(caller.call_sid, outcome)
            if outcome == "completed":
                await self._control.hang_up(caller.call_sid)

        with logger.contextualize(call_id=caller.call_sid):
            log = CallLog(caller.call_sid, LineName.PHONE, caller.number or None)
            line = PhoneLine(websocket, stream, on_end)
            outcome = await self._switchboard.hold(self._make_call(log, line))
            logger.info("call ended: {}", outcome)

    def _remember(self, call_sid: str, outcome: str) -> None:
        self._outcomes[call_sid] = outcome
        while len(self._outcomes) > REMEMBER:
            self._outcomes.popitem(last=False)
