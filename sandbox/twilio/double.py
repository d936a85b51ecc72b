"""Twilio, played on loopback: one account, one number, any number of calls, and the REST API."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from sandbox.twilio.account import Account, PhoneNumber, Route
from sandbox.twilio.call import CallEvent, CallSetup, Dialled, PhoneCall
from sandbox.twilio.clock import ScaledClock
from sandbox.twilio.rest import RestApi
from sandbox.twilio.stream import Caller
from sandbox.twilio.webhooks import Webhooks


class TwilioDouble:
    """Calls a server as Twilio would.

        async with TwilioDouble("http://localhost:8081") as twilio:   # twilio.rest.base_url: TWILIO_API_BASE
            call = twilio.dial(RecordedCaller(script.turns), script.number)
            await call.run()

    `public_base_url` is what is signed; with `connect_to` (http://127.0.0.1:port) the double signs for a
    public host and connects there instead. `speed` scales the calls' clocks; a real peer keeps wall-clock
    time.
    """

    def __init__(
        self,
        public_base_url: str,
        connect_to: str | None = None,
        *,
        account: Account | None = None,
        number: PhoneNumber | None = None,
        dialled: Dialled | None = None,
        speed: float = 1.0,
        api_port: int = 0,
    ) -> None:
        self.account = account or Account()
        self.calls: dict[str, PhoneCall] = {}
        self.rest = RestApi(self.account, self.calls, api_port)
        self._route = Route(public_base_url, connect_to)
        self.webhooks = Webhooks(self.account, self._route)
        self._number = number or PhoneNumber()
        self._dialled = dialled or Dialled()
        self._speed = speed

    async def __aenter__(self) -> Self:
        await self.rest.start()
        await self.webhooks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.webhooks.__aexit__(kind, error, trace)
        await self.rest.stop()

    def dial(
        self,
        caller: Caller,
        caller_number: str = "+5491155550100",
        observe: Callable[[CallEvent], None] = lambda event: None,
    ) -> PhoneCall:
        """A new call to the number, from `caller_number`; its clock starts now, and `run()` places it."""
        setup = CallSetup(
            self.account,
            self._route,
            self._number,
            self.webhooks,
            ScaledClock(self._speed),
            self._dialled,
            observe,
        )
        call = PhoneCall(setup, caller_number, caller)
        self.calls[call.sid] = call
        return call
