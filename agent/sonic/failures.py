"""What the SDK raises, told in our own errors.

The SDK mixes its modelled exceptions with OSError, KeyError (an exception frame it does not know), CRT errors
and its own decoding errors. Only the modelled ones say whose fault it was; all the rest is a lost stream.
"""

from __future__ import annotations

from aws_sdk_bedrock_runtime.models import (
    InternalServerException,
    ModelErrorException,
    ModelNotReadyException,
    ModelStreamErrorException,
    ModelTimeoutException,
    ServiceUnavailableException,
    ThrottlingException,
    ValidationException,
)
from smithy_core.exceptions import CallError, SmithyError

from agent.sonic.errors import SonicError, SonicLost, SonicRefused, SonicThrottled, SonicTimedOut

_SERVICE_FAILED = (
    InternalServerException,
    ModelErrorException,
    ModelNotReadyException,
    ModelStreamErrorException,
    ServiceUnavailableException,
)

# Validation exceptions that say nothing about validity; texts recorded live by third parties.
_NOT_REALLY_VALIDATION: tuple[tuple[str, type[SonicError]], ...] = (
    ("Timed out waiting for audio bytes or interactive content", SonicTimedOut),
    ("System instability detected", SonicLost),
    ("RST_STREAM closed stream", SonicLost),
)


def sonic_error(error: BaseException) -> SonicError:
    """The error of ours that tells what `error` means for the call."""
    if isinstance(error, SonicError):
        return error
    if type(error) is SmithyError and error.__cause__ is not None:
        return sonic_error(error.__cause__)
    kind = _kind(error)
    return kind(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _kind(error: BaseException) -> type[SonicError]:
    match error:
        case ModelTimeoutException():
            return SonicTimedOut
        case ThrottlingException() | CallError(is_throttling_error=True):
            return SonicThrottled
        case ValidationException():
            known = (kind for text, kind in _NOT_REALLY_VALIDATION if text in error.message)
            return next(known, SonicRefused)
        case _ if isinstance(error, _SERVICE_FAILED):
            return SonicLost
        case CallError(fault="client", is_timeout_error=False):
            return SonicRefused
        case _:
            return SonicLost
