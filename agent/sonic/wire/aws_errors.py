"""What the service says when it ends a stream, told in our own errors.

It says it as an HTTP error before the response's body, as an exception frame in it, or as an error frame, and the
name it gives says little: a `validationException` may be about capacity. So the words decide first, then the name,
then the HTTP status; whatever says nothing known lost the stream.
"""

from __future__ import annotations

import re
from typing import Any

from agent.sonic import bounded_json
from agent.sonic.errors import (
    INVALID_INPUT,
    SonicError,
    SonicExpired,
    SonicHistoryTooLong,
    SonicLost,
    SonicRefused,
    SonicRejected,
    SonicThrottled,
    SonicTimedOut,
)
from common.log import error_text

LONGEST_MESSAGE = 2000  # characters; it goes into the log

# Fragments of the service's sentences, in the order in which they are looked for. "live": recorded from the service by
# a third party; "client": released clients act on it (Strands Agents 1.62, LiveKit Agents 1.8).
_BY_TEXT: tuple[tuple[str, type[SonicError]], ...] = (
    ("Duplicate SYSTEM", SonicRefused),  # live
    ("Duplicate prompt name", SonicRefused),  # live
    ("Received invalid id", SonicRefused),  # live
    ("Unable to parse input chunk", SonicRefused),  # live
    ("All contents must be closed", SonicRefused),  # live
    ("model identifier is invalid", SonicRefused),  # Bedrock's, for a model it does not have
    ("Chat history is over max limit", SonicHistoryTooLong),  # live, with two messages only
    ("InternalErrorCode=531::", SonicTimedOut),  # client: Strands takes each 531 for a time-out
    ("Timed out waiting for", SonicTimedOut),  # live: "audio bytes or interactive content", "input events"
    ("System instability detected", SonicLost),  # live
    ("RST_STREAM closed stream", SonicLost),  # live
    ("security token included in the request is expired", SonicExpired),  # AWS's own for temporary keys
)

# Without "Exception" and in lower case: headers and frames do not write a name alike. Sources: the SDK's model of
# Bedrock Runtime, and "Common errors" of the AWS General Reference.
_BY_NAME: dict[str, type[SonicError]] = {
    "validation": SonicRejected,
    "accessdenied": SonicRefused,
    "unrecognizedclient": SonicRefused,
    "invalidclienttokenid": SonicRefused,
    "invalidsignature": SonicRefused,
    "incompletesignature": SonicRefused,
    "missingauthenticationtoken": SonicRefused,
    "optinrequired": SonicRefused,
    "resourcenotfound": SonicRefused,
    "expiredtoken": SonicExpired,
    "requestexpired": SonicExpired,
    "throttling": SonicThrottled,
    "toomanyrequests": SonicThrottled,
    "servicequotaexceeded": SonicThrottled,
    "modeltimeout": SonicTimedOut,
    "internalserver": SonicLost,
    "modelerror": SonicLost,
    "modelnotready": SonicLost,
    "modelstreamerror": SonicLost,
    "serviceunavailable": SonicLost,
}

# What rights and quotas are decided by has read nothing of the conversation, and cannot quote it.
_ABOUT_US = (SonicRefused, SonicExpired, SonicThrottled)
_REQUEST = re.compile(r"RequestId=[0-9a-f-]{36}\b")


def refusal(status: int, name: str, body: bytes) -> SonicError:
    """The error that an HTTP answer means. `name` is its `x-amzn-errortype`, empty if there was none."""
    told = _object(body)
    kind = told.get("__type", told.get("code"))
    name = name or (kind[:LONGEST_MESSAGE] if isinstance(kind, str) else "")
    name = name.partition(":")[0].rpartition("#")[2]
    return service_error(name or f"HTTP {status}", _message(told, body), status)


def frame_error(headers: dict[str, str], payload: bytes) -> SonicError:
    """The error that an exception frame or an error frame means."""
    name = headers.get(":exception-type") or headers.get(":error-code") or "unnamed error"
    return service_error(name, headers.get(":error-message") or _message(_object(payload), payload))


def service_error(name: str, message: str, status: int = 500) -> SonicError:
    """The error that the service's words, its name for them and the HTTP status mean, in this order."""
    known, kind = next(((text, kind) for text, kind in _BY_TEXT if text in message), (None, None))
    kind = kind or _BY_NAME.get(name.lower().removesuffix("exception")) or _by_status(status)
    where = f" (HTTP {status})" if status != 500 else ""
    if known is None and kind in _ABOUT_US:
        return kind(f"{name}: {message}{where}")
    known = known or (INVALID_INPUT if INVALID_INPUT in message else "in words of its own")
    request = "".join(f"{found[0]} " for found in _REQUEST.finditer(message))
    return kind(f"{name}: {message}{where}", told=f"{name}: {request}{known}{where}")


def connection_error(error: BaseException) -> SonicError:
    """The error of ours for one that is not the service's: of the network, TLS, HTTP/2 or the SDK."""
    if isinstance(error, SonicError):
        return error
    return SonicLost(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, error_text(error))


def _by_status(status: int) -> type[SonicError]:
    match status:
        case 429:
            return SonicThrottled
        case 401 | 403 | 404:
            return SonicRefused
        case _ if 400 <= status < 500:
            return SonicRejected
        case _:
            return SonicLost


def _object(data: bytes) -> dict[str, Any]:
    try:
        told = bounded_json.loads(data)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _message(told: dict[str, Any], data: bytes) -> str:
    words = [told.get("message", told.get("Message")), told.get("originalMessage")]
    said = " / ".join(dict.fromkeys(word[:LONGEST_MESSAGE] for word in words if isinstance(word, str) and word))
    return said or data[:200].decode(errors="replace")
