"""The seam between Carlos and whoever carries phone calls.

A carrier says that a call rings, brings its line, says how it ended, and hangs up when asked to. It knows a
`CarrierHandler`, which admits calls and has them answered; nothing above the seam knows one carrier from another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter
from starlette.types import Scope

from agent.capacity import Admission
from agent.line import Line
from telephony.stream_tokens import SpentNonces

type OnEnd = Callable[[str], Awaitable[None]]  # what a line does with its call's outcome, before its socket closes
type MakeLine = Callable[[OnEnd], Line]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line, as the carrier said under its signature. A number is a hint, never a proof of identity."""

    call_id: str
    number: str  # E.164, "anonymous", a sip: URI or client:name; the caller chooses it
    resumes: int = 0  # how often the call's line was opened anew


@dataclass(frozen=True, slots=True)
class CallStatus:
    """What a carrier says of a call, apart from its line. It may come twice, and out of order."""

    word: str  # the carrier's own
    is_over: bool
    facts: Mapping[str, str]  # for the call record


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call ended as it should."""


@dataclass(frozen=True, slots=True)
class Apologise:
    """Carlos failed and could not say so himself."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Hand the caller over to a person."""

    number: str  # E.164, from TRANSFER_NUMBERS, never the model's own


@dataclass(frozen=True, slots=True)
class Resume:
    """The stream died under the call: open another one."""


AfterStream = HangUp | Apologise | Dial | Resume


class CarrierHandler(Protocol):
    """Keeps count of the calls of this server. A carrier may ask anything twice: all of it is idempotent by call."""

    async def is_over(self, call_id: str) -> bool:
        """True for a call that has ended, wherever it was held: the carrier's request for it is a replayed one."""
        ...

    async def admit(self, call_id: str) -> Admission:
        """Take or refuse a ringing call; ACCEPTED reserves its place until the line opens, or for 60 s."""
        ...

    async def started(self, call_id: str) -> bool:
        """The line is authenticated and open. False when the server is full, or the call already has a line."""
        ...

    async def answer(self, make_line: MakeLine, caller: Caller) -> None:
        """Hold the whole call, on the line that is made of what to do at its end."""
        ...

    async def release(self, call_id: str, *, failed: bool = False) -> None:
        """The line of a started call is over; comes before its socket is closed. `failed`: the answer raised."""
        ...

    async def ended(self, call_id: str, resumes: int) -> AfterStream:
        """The line of this call, opened anew `resumes` times so far, is over and the carrier asks what comes next. A
        call that was admitted and never started has failed too: its line could not be opened.
        """
        ...

    async def status(self, call_id: str, status: CallStatus) -> None:
        """How the call goes, apart from its line."""
        ...


class Carrier(Protocol):
    """One for a server's life; `close` it at the end."""

    name: str  # under which a call record's details keep its facts
    folder: str  # of its routes: whoever calls them is known by the carrier's own signature, not by an API key
    begins: frozenset[str]  # paths of requests that may ask for a place for a new call

    def routes(self, calls: CarrierHandler, spent: SpentNonces, *, call_in_path: bool = False) -> APIRouter:
        """What the carrier asks of this server. With `call_in_path` a line's address names its call, for whoever must
        know it before the line says so."""
        ...

    async def call_id(self, scope: Scope, body: Callable[[], Awaitable[bytes | None]]) -> str:
        """Which call a request to this carrier's routes is about; empty if about none. `body` is None where it is
        longer than a carrier's ever is."""
        ...

    async def hang_up(self, call_id: str) -> bool:
        """End the call; False where the carrier cannot be asked to."""
        ...

    async def close(self) -> None: ...
