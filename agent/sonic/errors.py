"""What can go wrong between us and Nova Sonic.

    SonicError                  the stream is over; `retryable` says whether a new one may do better
    ├── SonicRefused            our request or our rights are at fault: a retry meets the same answer
    ├── SonicRejected           a validation that may pass the next time: content filters, the generic sentence
    │   └── SonicHistoryTooLong the same with less history (`shorten_history`)
    ├── SonicExpired            the keys are out of date: the next open asks for others
    ├── SonicThrottled          HTTP 429 or a throttling exception: the account's streams are all taken
    ├── SonicTimedOut           the service's clocks: 480 s of life, 55 or 295 s of idleness, an InternalErrorCode 531
    └── SonicLost               drop, reset, GOAWAY, half frame, stalled write, a failure inside the service

    ProtocolError               an event broke the protocol's rules; nothing of it reached the wire
    ├── MalformedEvent          not an event of this protocol: bad JSON, a missing field, a wrong type
    └── OrderError              a well-formed event at the wrong time, or with content the service refuses

A `ProtocolError` on our side leaves the stream as healthy as it was. On the stand-in's side it becomes a
`validationException` with the same words.
"""

from __future__ import annotations

from typing import ClassVar, Self

# Recorded live by third parties.
INVALID_INPUT = "Invalid input request, please fix your input and try again."
UNPARSABLE = "Unable to parse input chunk. Please check input format contains correct format."


class SonicError(Exception):
    """The stream is over. `detail`, with the service's own words, is for the call's record, never for the caller's
    ear. `told` is what the log may have of it, if not all: a service may quote what a caller said."""

    retryable: ClassVar[bool] = False
    shorten_history: ClassVar[bool] = False

    def __init__(self, detail: str, told: str | None = None) -> None:
        super().__init__(detail if told is None else told)
        self.detail = detail

    def again(self) -> Self:
        """The same, to be raised at another place."""
        return type(self)(self.detail, str(self))


class SonicRefused(SonicError):
    """Access denied, unknown model, no credentials, or an event that no stream would take."""


class SonicRejected(SonicError):
    """A validation exception. Recorded live: most pass when tried again, blocked content included."""

    retryable = True


class SonicHistoryTooLong(SonicRejected):
    """A new stream must be told less."""

    shorten_history = True


class SonicExpired(SonicError):
    """Temporary credentials ran out before the request was made."""

    retryable = True


class SonicThrottled(SonicError):
    """Too many streams for the account; AWS sends no Retry-After."""

    retryable = True


class SonicTimedOut(SonicError):
    """The model's own time-out: a new stream with the conversation so far goes on."""

    retryable = True


class SonicLost(SonicError):
    """The stream broke for no fault of the request."""

    retryable = True


class ProtocolError(Exception):
    """An event broke the protocol's rules. `message` is what the service says about it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class MalformedEvent(ProtocolError):
    """Not an event that a client may send. The service has few sentences for them all; `reason` is ours."""

    def __init__(self, reason: str, message: str = INVALID_INPUT) -> None:
        super().__init__(message)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class OrderError(ProtocolError):
    """A well-formed event that the rules of `agent.sonic.rules` refuse."""
