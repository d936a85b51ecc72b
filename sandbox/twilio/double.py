"""Twilio, played on loopback: one account, one number, any number of calls, and the REST API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Self

from sandbox.twilio.account import Account, PhoneNumber, Route
from sandbox.twilio.call import CallEvent, Dialled, PhoneCall
from sandbox.twilio.clock import ScaledClock
from sandbox.twilio.exchange import Rules
from sandbox.twilio.leg import Line
from sandbox.twilio.messages import Messages
from sandbox.twilio.numbers import Numbers
from sandbox.twilio.outbound import OutboundCall
from sandbox.twilio.person import Person
from sandbox.twilio.recordings import Recordings
from sandbox.twilio.rest import RestApi
from sandbox.twilio.rest_calls import CallsResource
from sandbox.twilio.rest_conferences import ConferencesResource
from sandbox.twilio.rooms import Rooms
from sandbox.twilio.stream import Caller
from sandbox.twilio.switchboard import Switchboard
from sandbox.twilio.webhooks import Webhooks


class TwilioDouble:
    """Calls a server as Twilio would.

        async with TwilioDouble("http://localhost:8081") as twilio:   # twilio.rest.base_url: TWILIO_API_BASE
            call = twilio.dial(RecordedCaller(script.turns), script.number)
            await call.run()

    `public_base_url` is what is signed; with `connect_to` (http://127.0.0.1:port) the double signs for a
    public host and connects there instead. `people` are reached at their numbers or SIP addresses: what was
    called and heard there is in `outbound`. `messages` keeps what was sent, `numbers` what is configured on
    the number. `speed` scales the calls' clocks; a real peer keeps wall-clock time.
    """

    def __init__(
        self,
        public_base_url: str,
        connect_to: str | None = None,
        *,
        account: Account | None = None,
        number: PhoneNumber | None = None,
        dialled: Dialled | None = None,
        people: Mapping[str, Person] | None = None,
        verified: Collection[str] = (),
        rules: Rules | None = None,
        speed: float = 1.0,
        api_port: int = 0,
    ) -> None:
        self.account = account or Account()
        self._route = Route(public_base_url, connect_to)
        rules = rules or Rules()
        self.webhooks = Webhooks(self.account, self._route, callbacks_twice=rules.callbacks_twice)
        self.numbers = Numbers(self.account, number or PhoneNumber(), self.webhooks)
        self._verified = frozenset(verified)  # numbers of others that may be the caller ID
        self._speed = speed
        self.rooms = Rooms(self.account.sid, self.webhooks, ScaledClock(speed))
        self.recordings = Recordings(self.account.sid)
        self.messages = Messages(self.account.sid, self.webhooks, self._ours)
        self.switchboard = Switchboard(
            people or {}, self._line, self.rooms, self.recordings, rules, dialled or Dialled(), self._ours
        )
        self.calls = self.switchboard.calls
        self.rest = RestApi(
            self.account,
            [
                *CallsResource(self.calls, self.switchboard.place, self._ours).endpoints(),
                *ConferencesResource(self.rooms).endpoints(),
                *self.messages.endpoints(),
                *self.numbers.endpoints(),
                *self.recordings.endpoints(),
            ],
            api_port,
        )

    async def __aenter__(self) -> Self:
        await self.rest.start()
        self.recordings.base_url = self.rest.base_url
        await self.webhooks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.switchboard.stop()
        await self.webhooks.__aexit__(kind, error, trace)
        await self.rest.stop()

    @property
    def outbound(self) -> list[OutboundCall]:
        """The calls that Twilio placed for the server, in order."""
        return self.switchboard.placed

    def dial(
        self,
        caller: Caller,
        caller_number: str = "+5491155550100",
        observe: Callable[[CallEvent], None] = lambda event: None,
    ) -> PhoneCall:
        """A new call to the number, from `caller_number`; its clock starts now, and `run()` places it."""
        line = self._line()
        line.observe = observe
        call = PhoneCall(line, self.switchboard, self.numbers.current, caller_number, caller)
        self.calls[call.sid] = call
        return call

    def _line(self) -> Line:
        return Line(self.account, self._route, self.webhooks, ScaledClock(self._speed))

    def _ours(self) -> Collection[str]:
        return {self.numbers.current.number} | self._verified
