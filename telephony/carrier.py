"""What the phone line needs from the rest of the house: a desk that admits calls, and someone who answers them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.websockets import WebSocket

from agent.capacity import Admission
from telephony.twilio.media_stream import MediaStream, Started

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})  # values of CallStatus


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the stream, as the signed voice webhook said. A number is a hint, never a proof of identity."""

    call_sid: str
    number: str  # E.164, "anonymous", a sip: URI or client:name; the caller chooses it
    line: str  # the number that was dialled
    resumes: int = 0  # how often the call's stream was opened anew


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
    """Keeps count of the calls of this server. Twilio may ask anything twice: all of it is idempotent by call."""

    async def is_over(self, call_sid: str) -> bool:
        """True for a call that has ended, wherever it was held: Twilio's request for it is a replayed one."""
        ...

    async def admit(self, call_sid: str, from_: str, to: str) -> Admission:
        """Take or refuse a ringing call; ACCEPTED reserves a seat until the stream starts, or for 60 s."""
        ...

    async def started(self, call_sid: str, stream_sid: str) -> bool:
        """The stream is authenticated: the seat is taken. False when no seat is free, or the call already has one."""
        ...

    async def release(self, call_sid: str, *, failed: bool = False) -> None:
        """The stream of a started call is over; comes before its socket is closed. `failed`: the answer raised."""
        ...

    async def ended(self, call_sid: str, resumes: int) -> AfterStream:
        """The stream of this call, opened anew `resumes` times so far, is over and Twilio asks what comes next. A
        call that was admitted and never started has failed too: its socket could not be opened.
        """
        ...

    async def status(self, call_sid: str, params: Mapping[str, str]) -> None:
        """A status callback: `CallStatus`, `CallDuration` and others. They come twice and out of order."""
        ...


Answer = Callable[[WebSocket, MediaStream, Started, Caller], Awaitable[None]]
"""Runs a whole call on a started stream; every message after `start` is still in the socket. May close it."""
