"""The interface between Carlos and whoever carries phone calls.

A carrier says that a call rings, brings its line, says how it ended, and hangs up when asked to. It knows a
`CarrierHandler`, which admits calls and has them answered; nothing above this interface knows one carrier from another.
How to add one: docs/how-to/add-a-carrier.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fastapi import APIRouter
from starlette.types import Scope

from agent.capacity import Admission
from agent.line import Line
from telephony.closed_line import ClosedLine
from telephony.person_line import PersonLine
from telephony.stream_tokens import SpentNonces
from telephony.transfer import Transfer
from telephony.transfers import Transfers

type OnEnd = Callable[[str], Awaitable[None]]  # a line gives it its call's outcome, before it closes its socket
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
    facts: Mapping[str, str]  # for the call record; `duration_s`, in whole seconds, ends one that has no end


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call ended as it should."""


@dataclass(frozen=True, slots=True)
class Apologise:
    """Carlos failed and could not say so himself."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Music for the caller, until a person has taken the call or nobody has."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect the caller with a person at once, who sees `caller_id`, or without one the caller's number."""

    transfer: Transfer
    caller_id: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """The stream died under the call: open another one."""


@dataclass(frozen=True, slots=True)
class OpenAgain:
    """The stream was never answered, because it came to a process without a place: open the same one again."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The call goes on, and there is no place here: ask again, and perhaps reach another process."""


AfterStream = HangUp | Apologise | Hold | Dial | Resume | OpenAgain | AskAgain


class CarrierHandler(Protocol):
    """What a carrier may ask of this server. It may ask anything twice: all of it is idempotent by call."""

    @property
    def transfers(self) -> Transfers | None:
        """Callers on their way to a person; None where nobody is passed on."""
        ...

    async def is_over(self, call_id: str) -> bool:
        """Return True for a call that has ended, in whichever process: the carrier's request for it is a replay."""
        ...

    async def admit(self, call_id: str, number: str | None = None, *, tries: int | None = None) -> Admission:
        """Take or refuse a ringing call from `number`, as `Caller` has it; ACCEPTED reserves its place until the line
        opens, or for 60 s. Without a number: a call that was let in before, and only needs a place. `tries` is how
        often the carrier was told ELSEWHERE, which is to ask again and perhaps reach another process; None: it cannot.
        """
        ...

    async def closed_line(self) -> ClosedLine:
        """Return what the caller of a call that is CLOSED hears, and is offered. May raise DataError."""
        ...

    async def note_voicemail(self, call_id: str, number: str, facts: Mapping[str, str]) -> None:
        """Keep where a message lies that a caller left: `url`, `duration_s`. May raise DataError."""
        ...

    async def note_callback(self, call_id: str, number: str) -> None:
        """Keep that the caller wants to be called back at `number`, in E.164. May raise DataError."""
        ...

    async def started(self, call_id: str) -> bool:
        """Take the place for a line that is authenticated and open. Return False when the server is full, or the call
        has a line already."""
        ...

    async def answer(self, make_line: MakeLine, caller: Caller) -> None:
        """Hold the whole call, on the line that `make_line` makes; return when it is over."""
        ...

    async def release(self, call_id: str, *, failed: bool = False) -> None:
        """Give the place of a started call back, before its socket is closed. `failed`: `answer` raised."""
        ...

    async def ended(self, call_id: str, resumes: int, *, tries: int | None = None) -> AfterStream:
        """Return what comes after the call's line, which was opened anew `resumes` times so far. A call that was
        admitted and never started has failed too: its line could not be opened. `tries` is how often the carrier was
        told AskAgain or OpenAgain since the call had its last line, or was sent on before it had one; None: it cannot
        do either, and is told neither.
        """
        ...

    async def brought_back(self, call_id: str, *, tries: int | None = None) -> AfterStream:
        """Return what comes after a transfer that is over, for a caller who is still there. `tries` as above."""
        ...

    async def status(self, call_id: str, status: CallStatus) -> None:
        """Take note of how the call goes, apart from its line."""
        ...


class Carrier(Protocol):
    """One for a server's life; `close` it at the end."""

    name: str  # under which a call record's details keep its facts
    folder: str  # of its routes, with a slash at both ends; they check the carrier's signature, and no API key
    begins: frozenset[str]  # paths of requests that may ask for a place for a new call
    person_line: PersonLine | None  # None: it can ring nobody for a caller who waits

    def routes(self, calls: CarrierHandler, spent: SpentNonces, *, call_in_path: bool = False) -> APIRouter:
        """Return what the carrier asks of this server, all of it below `folder`. With `call_in_path` the path of a
        line's socket names its call, because several processes must know it before the socket is accepted."""
        ...

    async def call_id(self, scope: Scope, body: Callable[[], Awaitable[bytes | None]]) -> str:
        """Return which call a request to this carrier's routes is about; empty if about none. `body` gives None where
        it is longer than a carrier's ever is."""
        ...

    async def hang_up(self, call_id: str) -> bool:
        """End the call. Return False where the carrier cannot be asked to."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Listening(Carrier, Protocol):
    """A carrier whose calls come on sockets of its own. Without a `person_line` it passes callers on as
    TRANSFER_MODE=cold does, whatever the mode: it gets `Dial`, and never `Hold`."""

    def serve(self, calls: CarrierHandler) -> AbstractAsyncContextManager[None]:
        """Take calls while the context is open. At its end those that are left are ended."""
        ...
