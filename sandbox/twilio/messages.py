"""The Messages resource: SMS and WhatsApp, kept instead of sent.

https://www.twilio.com/docs/messaging/api/message-resource. Twilio has no key for idempotency: the same request twice
is two messages. Codes of twilio.com/docs/api/errors: 21604 no To, 21603 neither From nor a service, 21602 no body,
21617 a body over 1600 characters, 21211 no number, 21606 a From that is not ours, 21609 a bad StatusCallback; and,
where a test asks for them, refusals as 21610 (the recipient has unsubscribed) and 21614 (not a mobile), or failures
after acceptance as 30006 (landline) and 63016 (free text on WhatsApp outside of the 24 hours window, told by the
status callback: a template by ContentSid is let through).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from sandbox.twilio.account import new_sid
from sandbox.twilio.rest import Answer, ApiError, Asked, Endpoint, invalid, not_found, page
from sandbox.twilio.webhooks import Webhooks

BODY_LIMIT = 1600  # characters
ADDRESS = re.compile(r"(whatsapp:)?\+[1-9][0-9]{1,14}")
CREATED = {
    *("To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback", "ContentSid", "ContentVariables"),
    *("ValidityPeriod", "SmartEncoded", "ProvideFeedback", "Attempt", "MaxPrice", "ForceDelivery", "ShortenUrls"),
    *("ScheduleType", "SendAt", "SendAsMms", "RiskCheck", "ApplicationSid"),
}
OUTSIDE_WINDOW = 63016
REFUSALS = {
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number",
    21614: "'To' number is not a valid mobile number",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """The API refuses what is sent to a number: with 400, 429 for 20429, 500 for 20500."""

    code: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message to a number is accepted, and its status callback tells that it failed."""

    code: int
    status: str = "undelivered"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was accepted; `status` is the last that was told."""

    to: str
    origin: str | None
    service_sid: str | None
    body: str
    content_sid: str | None
    content_variables: str | None
    status: str
    error_code: int | None
    sid: str = field(default_factory=lambda: new_sid("SM"))
    created_at: str = field(default_factory=lambda: format_datetime(datetime.now(UTC)))


class Messages:
    """`kept` are the accepted messages, in order; `fates` says by number what becomes of others than delivery."""

    def __init__(self, account_sid: str, webhooks: Webhooks, ours: Callable[[], Collection[str]]) -> None:
        self.kept: list[Message] = []
        self.fates: dict[str, Refused | Undelivered] = {}
        self._account_sid = account_sid
        self._webhooks = webhooks
        self._ours = ours

    def endpoints(self) -> Iterator[Endpoint]:
        yield Endpoint("POST", "/Messages.json", self._create)
        yield Endpoint("GET", "/Messages.json", self._list)
        yield Endpoint("GET", "/Messages/{message:[^/.]+}.json", self._fetch)

    def _create(self, asked: Asked) -> Answer:
        message, callback = self._accept(asked), asked.url("StatusCallback", 21609)
        self.kept.append(message)
        if callback is not None:
            self._tell(message, callback)
        accepted = "accepted" if message.service_sid is not None else "queued"
        return web.json_response(self._resource(message) | {"status": accepted, "error_code": None}, status=201)

    def _list(self, asked: Asked) -> Answer:
        asked.only({"To", "From", "PageSize", "Page"})
        to, origin = asked.text("To"), asked.text("From")
        found = (each for each in self.kept if to in {None, each.to} and origin in {None, each.origin})
        return page("messages", map(self._resource, found), asked.path)

    def _fetch(self, asked: Asked) -> Answer:
        for message in self.kept:
            if message.sid == asked.ids["message"]:
                return web.json_response(self._resource(message))
        raise not_found(asked.path)

    def _accept(self, asked: Asked) -> Message:
        asked.only(CREATED)
        to, origin, service = asked.text("To"), asked.text("From"), asked.text("MessagingServiceSid")
        body, content = asked.text("Body") or "", asked.text("ContentSid")
        if to is None:
            raise invalid("A 'To' phone number is required.", 21604)
        if ADDRESS.fullmatch(to) is None:
            raise invalid(f"Invalid 'To' Phone Number: {to}", 21211)
        if origin is None and service is None:
            raise invalid("A 'From' phone number is required.", 21603)
        self._check_sender(to, origin)
        if not body and content is None and asked.text("MediaUrl") is None:
            raise invalid("Message body is required.", 21602)
        if len(body) > BODY_LIMIT:
            raise invalid("The concatenated message body exceeds the 1600 character limit.", 21617)
        fate = self.fates.get(to)
        if isinstance(fate, Refused):
            status = {20429: 429, 20500: 500}.get(fate.code, 400)
            raise ApiError(status, fate.code, REFUSALS.get(fate.code, "refused"))
        if fate is not None and fate.code == OUTSIDE_WINDOW and content is not None:
            fate = None
        return Message(
            to,
            origin,
            service,
            body,
            content,
            asked.text("ContentVariables"),
            "delivered" if fate is None else fate.status,
            None if fate is None else fate.code,
        )

    def _check_sender(self, to: str, origin: str | None) -> None:
        if origin is None:
            return
        if to.startswith("whatsapp:") != origin.startswith("whatsapp:"):
            raise invalid("The 'From' and 'To' pair violates a blacklist rule or channel", 63007)
        if origin.removeprefix("whatsapp:") not in self._ours():
            raise invalid(f"The 'From' phone number provided ({origin}) is not one of this account's", 21606)

    def _tell(self, message: Message, url: str) -> None:
        for status in ("sent", message.status):
            report = {
                "AccountSid": self._account_sid,
                "ApiVersion": "2010-04-01",
                "From": message.origin or "",
                "MessageSid": message.sid,
                "MessageStatus": status,
                "SmsSid": message.sid,
                "SmsStatus": status,
                "To": message.to,
            }
            if status != "sent" and message.error_code is not None:
                report["ErrorCode"] = str(message.error_code)
            self._webhooks.notify(url, report)

    def _resource(self, message: Message) -> dict[str, Any]:
        return {
            "sid": message.sid,
            "account_sid": self._account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": message.created_at,
            "date_sent": None,
            "date_updated": message.created_at,
            "direction": "outbound-api",
            "error_code": message.error_code,
            "error_message": None,
            "from": message.origin,
            "messaging_service_sid": message.service_sid,
            "num_media": "0",
            "num_segments": "1" if message.service_sid is None else "0",
            "price": None,
            "price_unit": None,
            "status": message.status,
            "to": message.to,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Messages/{message.sid}.json",
        }
