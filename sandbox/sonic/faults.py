"""Faults on demand: what happens, on which streams, and after which event.

    Fault(Reject(429, "ThrottlingException", "..."), streams=(1,))     the first stream is refused
    Fault(Drop(), sent=AudioOutput, count=3)                           every stream, after the third piece
    Fault(Raise("modelTimeoutException", "..."), received=TextInput)   an exception frame, then the end

Without `received` or `sent` a fault strikes as the request comes in, before the response headers.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reject:
    """A plain HTTP error. Only before the headers."""

    status: int = 429
    error_type: str = "ThrottlingException"
    message: str = "Too many requests, please wait before trying again."


@dataclass(frozen=True, slots=True)
class Silence:
    """From here on nothing is sent: withheld headers, or a zombie."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Abort the TCP connection."""


@dataclass(frozen=True, slots=True)
class Reset:
    """RST_STREAM with INTERNAL_ERROR."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """GOAWAY, then close."""


@dataclass(frozen=True, slots=True)
class EndStream:
    """A plain END_STREAM."""


@dataclass(frozen=True, slots=True)
class HalfFrame:
    """A frame without its last five bytes, then a drop."""


@dataclass(frozen=True, slots=True)
class BadChecksum:
    """A frame with one bit of its checksum flipped."""


@dataclass(frozen=True, slots=True)
class Raise:
    """An exception frame of any type, known to the SDK or not, then the end."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """An unmodelled error: `:message-type` error."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StopReading:
    """The client's flow-control window closes and stays closed."""


type Action = (
    Reject | Silence | Drop | Reset | GoAway | EndStream | HalfFrame | BadChecksum | Raise | ErrorFrame | StopReading
)


@dataclass(frozen=True, slots=True)
class Fault:
    action: Action
    received: type[Any] | None = None  # a client event's class
    sent: type[Any] | None = None  # a service event's class
    count: int = 1  # how many of them
    streams: Container[int] | None = None  # numbers of streams, from 1; None is all

    def strikes(self, stream: int) -> bool:
        return self.streams is None or stream in self.streams
