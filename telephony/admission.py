"""Whether a ringing call is answered: what is asked of it, in which order, and the answer.

    is its caller blocked?                      BLOCKED    rejected
    is its number of a country not served?      FOREIGN    rejected
    is its number withheld, and that refused?   WITHHELD   rejected
    did its number ring too often?              TOO_OFTEN  rejected
    is the business closed, and the line too?   CLOSED     told when it opens
    has its number as many calls as it may?     SEATED     told so
    is there a place?                           FULL, DRAINING: told so; or ACCEPTED

Who is rejected first costs nothing: Twilio does not bill a call that was never answered
(https://www.twilio.com/docs/voice/twiml/reject). Where a customer may be meant, the caller hears why. A call that has
its place is asked nothing again, so that a webhook that comes twice never turns a conversation away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from agent.capacity import Admission, CapacityCounter
from common.calling_codes import countries_of
from common.settings import Settings
from common.times import Clock, utcnow
from data.errors import Unavailable
from data.facts import Facts
from telephony.caller_id import CallerId, CallerKind, caller_id
from telephony.closed_line import ClosedLine, Offer, is_open, offer_of, sentences

FACTS_LIMIT_S = 0.5  # how long a ringing call waits for the facts; where it never had them the line is open


@dataclass(frozen=True, slots=True)
class DoorPolicy:
    """What the owner has set (common.settings.door)."""

    blocked: frozenset[str] = frozenset()  # ids of callers
    blocked_prefixes: tuple[str, ...] = ()
    countries: frozenset[str] = frozenset()  # ISO codes
    country_prefixes: tuple[str, ...] = ()
    rejects_withheld: bool = False
    closed: Offer | None = None  # None: answered as ever

    @classmethod
    def of(cls, settings: Settings) -> Self:
        blocked, countries = settings.blocked_numbers, settings.allowed_countries
        return cls(
            blocked=frozenset(entry for entry in blocked if not entry.endswith("*")),
            blocked_prefixes=tuple(entry[:-1] for entry in blocked if entry.endswith("*")),
            countries=frozenset(entry for entry in countries if not entry.startswith("+")),
            country_prefixes=tuple(entry for entry in countries if entry.startswith("+")),
            rejects_withheld=settings.anonymous == "reject",
            closed=offer_of(settings),
        )


def is_blocked(policy: DoorPolicy, caller: CallerId) -> bool:
    return caller.kind is not CallerKind.NONE and (
        caller.id in policy.blocked or caller.id.startswith(policy.blocked_prefixes)
    )


def is_foreign(policy: DoorPolicy, caller: CallerId) -> bool:
    """Numbers alone have a country; who may use our SIP domains is settled there."""
    if caller.kind is not CallerKind.NUMBER or not (policy.countries or policy.country_prefixes):
        return False
    return not (policy.countries & countries_of(caller.id) or caller.id.startswith(policy.country_prefixes))


def is_refused_as_withheld(policy: DoorPolicy, caller: CallerId) -> bool:
    return policy.rejects_withheld and caller.kind is CallerKind.NONE


RULES: tuple[tuple[Callable[[DoorPolicy, CallerId], bool], Admission], ...] = (
    (is_blocked, Admission.BLOCKED),
    (is_foreign, Admission.FOREIGN),
    (is_refused_as_withheld, Admission.WITHHELD),
)


def refusal(policy: DoorPolicy, caller: CallerId) -> Admission | None:
    """Return why a call is refused for its caller alone; None for one that is not."""
    return next((answer for applies, answer in RULES if applies(policy, caller)), None)


class Door:
    """Admits calls to the places of `capacity`. `facts` may take its time, and `clock` tells the time of day."""

    def __init__(
        self,
        policy: DoorPolicy,
        capacity: CapacityCounter,
        facts: Callable[[], Awaitable[Facts]],
        clock: Clock = utcnow,
    ) -> None:
        self._policy = policy
        self._capacity = capacity
        self._facts = facts
        self._last: Facts | None = None  # as they were when they were had last
        self._clock = clock

    async def admit(self, call_id: str, number: str) -> Admission:
        """Answer a ringing call from `number`, as the carrier gave it. ACCEPTED holds a place."""
        if self._capacity.holds(call_id):
            return Admission.ACCEPTED
        caller = caller_id(number)
        if (refused := refusal(self._policy, caller)) is not None:
            return refused
        is_closed = await self._is_closed()
        admission = self._capacity.admit(call_id, caller.id)
        if not is_closed or admission is Admission.TOO_OFTEN:
            return admission
        self._capacity.release(call_id)  # it was counted for its caller, and takes no place
        return Admission.CLOSED

    async def closed_line(self) -> ClosedLine:
        """Return what the caller of a call that is CLOSED hears."""
        facts = await self._known_facts()
        if facts is None:
            raise Unavailable("the facts of the business cannot be had")
        return ClosedLine(sentences(facts, self._clock()), self._policy.closed or "message")

    async def _is_closed(self) -> bool:
        if self._policy.closed is None:
            return False
        facts = await self._known_facts()
        return facts is not None and not is_open(facts, self._clock())

    async def _known_facts(self) -> Facts | None:
        """The facts as they are, or as they were where they do not come in time; None where they never came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FACTS_LIMIT_S):
                self._last = await self._facts()
        return self._last
