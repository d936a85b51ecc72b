"""The Calls resource: place a call, end or redirect one, look at one.

https://www.twilio.com/docs/voice/api/call-resource. 20404 for a call that is over when it is hung up, 21220 for a
redirect of a call that is not in progress. What a new call lacks has codes of its own, in twilio.com/docs/api/errors:
21201 no To, 21213 no From, 21205 no usable Url, 21211 a To that cannot be called, 21210 a From that is not ours (for a
phone number; to a SIP address anybody may call).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

from aiohttp import web

from sandbox.twilio.call import Fallback
from sandbox.twilio.outbound import CallOrder
from sandbox.twilio.rest import Answer, Asked, Endpoint, invalid, not_found
from sandbox.twilio.twiml import CALL_EVENTS
from sandbox.twilio.verbs import Callback, Detection, Method

TWIML_LIMIT = 4000  # characters
E164 = re.compile(r"\+[1-9][0-9]{1,14}")
ADDRESS = re.compile(r"(sip|sips|client):\S+")
DIGITS_SENT = re.compile(r"[0-9A-DwW#*]{1,32}")

CREATED = {
    *("To", "From", "Url", "Twiml", "Method", "FallbackUrl", "FallbackMethod", "Timeout", "TimeLimit", "SendDigits"),
    *("StatusCallback", "StatusCallbackEvent", "StatusCallbackMethod", "SipAuthUsername", "SipAuthPassword"),
    *("MachineDetection", "MachineDetectionTimeout", "MachineDetectionSilenceTimeout"),
    *("MachineDetectionSpeechThreshold", "MachineDetectionSpeechEndThreshold"),
    *("AsyncAmd", "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", "CallerId", "CallReason", "CallToken"),
}
UPDATED = {
    *("Status", "Url", "Twiml", "Method", "FallbackUrl", "FallbackMethod", "TimeLimit"),
    *("StatusCallback", "StatusCallbackMethod"),
}


class LiveCall(Protocol):
    """What the API may do with a call."""

    @property
    def live(self) -> bool: ...

    @property
    def redirectable(self) -> bool: ...

    def resource(self) -> dict[str, Any]: ...

    def complete(self) -> None:
        """Hang up."""
        ...

    def cancel(self) -> None:
        """Hang up what has not been answered yet."""
        ...

    def redirect(self, *, url: str | None = None, twiml: str | None = None, method: Method = "POST") -> None:
        """Leave the running TwiML for this document."""
        ...


class CallsResource:
    """`place` starts a call; `ours` are the numbers that may call."""

    def __init__(
        self, calls: Mapping[str, LiveCall], place: Callable[[CallOrder], LiveCall], ours: Callable[[], Collection[str]]
    ) -> None:
        self._calls = calls
        self._place = place
        self._ours = ours

    def endpoints(self) -> Iterator[Endpoint]:
        yield Endpoint("POST", "/Calls.json", self._create)
        yield Endpoint("GET", "/Calls/{call:[^/.]+}.json", self._fetch)
        yield Endpoint("POST", "/Calls/{call:[^/.]+}.json", self._update)

    def _create(self, asked: Asked) -> Answer:
        call = self._place(order(asked, self._ours()))
        return web.json_response(call.resource(), status=201)

    def _fetch(self, asked: Asked) -> Answer:
        return web.json_response(self._find(asked).resource())

    def _update(self, asked: Asked) -> Answer:
        call = self._find(asked)
        update(call, asked)
        return web.json_response(call.resource())

    def _find(self, asked: Asked) -> LiveCall:
        call = self._calls.get(asked.ids["call"])
        if call is None:
            raise not_found(asked.path)
        return call


def order(asked: Asked, ours: Collection[str]) -> CallOrder:
    """Read what is asked of a new call. Raises ApiError."""
    asked.only(CREATED)
    to, origin = asked.text("To"), asked.text("From")
    if to is None:
        raise invalid("No 'To' number is specified", 21201)
    if origin is None:
        raise invalid("No 'From' number is specified", 21213)
    if E164.fullmatch(to) is None and ADDRESS.fullmatch(to) is None:
        raise invalid(f"'To' number is not valid: {to}", 21211)
    if E164.fullmatch(to) is not None and origin not in ours:
        raise invalid(f"The source phone number provided, {origin}, is not yet verified for your account.", 21210)
    url, twiml = asked.url("Url", 21205), asked.text("Twiml")
    if url is None and twiml is None:
        raise invalid("Url parameter is required.", 21205)
    _check_twiml(twiml)
    keyed = asked.text("SendDigits")
    if keyed is not None and DIGITS_SENT.fullmatch(keyed) is None:
        raise invalid("SendDigits holds more than keys and pauses")
    return CallOrder(
        to,
        origin,
        url,
        asked.method("Method"),
        twiml,
        _fallback(asked),
        _callback(asked),
        timeout=asked.whole("Timeout", 60, 1, 600),
        time_limit=asked.whole("TimeLimit", 14400, 1, 86400),
        detection=None if keyed is not None else _detection(asked),  # "MachineDetection will be ignored"
        asynchronous=asked.flag("AsyncAmd"),
        detection_callback=_detection_callback(asked),
    )


def _check_twiml(twiml: str | None) -> None:
    if twiml is not None and len(twiml) > TWIML_LIMIT:
        raise invalid(f"Twiml is longer than {TWIML_LIMIT} characters")


def _fallback(asked: Asked) -> Fallback | None:
    url = asked.url("FallbackUrl", 21205)
    method = asked.method("FallbackMethod")
    return None if url is None else Fallback(url, method)


def _callback(asked: Asked) -> Callback | None:
    """ "If no event is specified, we send the completed status"; several are sent as several parameters."""
    url = asked.url("StatusCallback", 21609)
    events = frozenset(asked.all("StatusCallbackEvent")) or {"completed"}
    if not events <= CALL_EVENTS:
        raise invalid(f"StatusCallbackEvent: {', '.join(sorted(events - CALL_EVENTS))} is no event", 21626)
    method = asked.method("StatusCallbackMethod")
    return None if url is None else Callback(url, frozenset(events), method)


def _detection(asked: Asked) -> Detection | None:
    match asked.text("MachineDetection"):
        case None:
            return None
        case "Enable":
            return "Enable"
        case "DetectMessageEnd":
            return "DetectMessageEnd"
    raise invalid("MachineDetection must be one of Enable, DetectMessageEnd")


def _detection_callback(asked: Asked) -> Callback | None:
    url = asked.url("AsyncAmdStatusCallback", 21609)
    method = asked.method("AsyncAmdStatusCallbackMethod")
    return None if url is None else Callback(url, frozenset(), method)


def update(call: LiveCall, asked: Asked) -> None:
    """Apply one update, or raise ApiError. `canceled` does not touch a call in progress, as documented."""
    asked.only(UPDATED)
    if asked.text("Twiml") is not None or asked.text("Url") is not None:
        _redirect(call, asked)
        return
    match asked.text("Status"):
        case "completed" if not call.live:
            raise not_found(asked.path)
        case "completed":
            call.complete()
        case "canceled":
            call.cancel()
        case _:
            raise invalid("Status, Twiml or Url is required")


def _redirect(call: LiveCall, asked: Asked) -> None:
    url, twiml = asked.url("Url", 21205), asked.text("Twiml")
    if url is not None and twiml is not None:
        raise invalid("Twiml and Url are mutually exclusive")
    _check_twiml(twiml)
    if not call.redirectable:
        raise invalid("Call is not in-progress. Cannot redirect.", 21220)
    call.redirect(url=url, twiml=twiml, method=asked.method("Method"))
