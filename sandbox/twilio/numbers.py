"""The IncomingPhoneNumbers resource, and the account's own: what is configured on the number, and a way to change it.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource: `PhoneNumber` in a list's query finds
numbers that contain it. What is changed here holds from the next call on. A bad URL is 21502 (voice) or 21609,
a bad method 21403. https://www.twilio.com/docs/iam/api/account: the fetched account has its auth token too, left out
here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from sandbox.twilio.account import Account, PhoneNumber, new_sid
from sandbox.twilio.rest import Answer, Asked, Endpoint, invalid, not_found, page
from sandbox.twilio.verbs import Method
from sandbox.twilio.webhooks import Webhooks

LISTED = {"PhoneNumber", "FriendlyName", "PageSize", "Page"}
UPDATED = {
    *("FriendlyName", "VoiceUrl", "VoiceMethod", "VoiceFallbackUrl", "VoiceFallbackMethod", "StatusCallback"),
    *("StatusCallbackMethod", "VoiceCallerIdLookup", "VoiceReceiveMode", "SmsUrl", "SmsMethod"),
}


class Numbers:
    """The account's one number: `current` is what an incoming call finds configured."""

    def __init__(self, account: Account, number: PhoneNumber, webhooks: Webhooks) -> None:
        self.current = number
        self.sid = new_sid("PN")
        self._account = account
        self._webhooks = webhooks
        self._name = number.number
        self._created = format_datetime(datetime.now(UTC))

    def endpoints(self) -> Iterator[Endpoint]:
        number = "/IncomingPhoneNumbers/{number:[^/.]+}.json"
        yield Endpoint("GET", "/IncomingPhoneNumbers.json", self._list)
        yield Endpoint("GET", number, self._fetch)
        yield Endpoint("POST", number, self._update)
        yield Endpoint("GET", ".json", self._fetch_account)

    def _list(self, asked: Asked) -> Answer:
        asked.only(LISTED)
        wanted, name = asked.text("PhoneNumber"), asked.text("FriendlyName")
        found = (wanted is None or wanted in self.current.number) and name in {None, self._name}
        return page("incoming_phone_numbers", [self._resource()] if found else [], asked.path)

    def _fetch(self, asked: Asked) -> Answer:
        self._check(asked)
        return web.json_response(self._resource())

    def _update(self, asked: Asked) -> Answer:
        self._check(asked)
        asked.only(UPDATED)
        number = self.current
        self.current = replace(
            number,
            voice_url=_url(asked, "VoiceUrl", 21502, number.voice_url) or "",
            fallback_url=_url(asked, "VoiceFallbackUrl", 21502, number.fallback_url),
            status_callback=_url(asked, "StatusCallback", 21609, number.status_callback),
            voice_method=_method(asked, "VoiceMethod", number.voice_method),
            fallback_method=_method(asked, "VoiceFallbackMethod", number.fallback_method),
            status_callback_method=_method(asked, "StatusCallbackMethod", number.status_callback_method),
        )
        self._name = asked.text("FriendlyName") or self._name
        return web.json_response(self._resource())

    def _fetch_account(self, asked: Asked) -> Answer:
        body = {
            "sid": self._account.sid,
            "owner_account_sid": self._account.sid,
            "friendly_name": "The double's account",
            "status": "active",
            "type": "Full",
            "date_created": self._created,
            "date_updated": self._created,
            "uri": f"/2010-04-01/Accounts/{self._account.sid}.json",
        }
        return web.json_response(body)

    def _check(self, asked: Asked) -> None:
        if asked.ids["number"] != self.sid:
            raise not_found(asked.path)

    def _resource(self) -> Mapping[str, Any]:
        number = self.current
        return {
            "sid": self.sid,
            "account_sid": self._account.sid,
            "friendly_name": self._name,
            "phone_number": number.number,
            "api_version": "2010-04-01",
            "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
            "voice_url": self._absolute(number.voice_url),
            "voice_method": number.voice_method,
            "voice_fallback_url": self._absolute(number.fallback_url),
            "voice_fallback_method": number.fallback_method,
            "voice_application_sid": "",
            "voice_caller_id_lookup": False,
            "status_callback": self._absolute(number.status_callback),
            "status_callback_method": number.status_callback_method,
            "trunk_sid": None,
            "status": "in-use",
            "date_created": self._created,
            "date_updated": self._created,
            "uri": f"/2010-04-01/Accounts/{self._account.sid}/IncomingPhoneNumbers/{self.sid}.json",
        }

    def _absolute(self, url: str | None) -> str:
        return self._webhooks.absolute(url) if url else ""


def _url(asked: Asked, name: str, code: int, before: str | None) -> str | None:
    """The new URL; an empty one clears it, a missing one leaves it."""
    return asked.url(name, code) if name in asked.params else before


def _method(asked: Asked, name: str, before: Method) -> Method:
    if name not in asked.params:
        return before
    if asked.text(name) not in {"GET", "POST"}:
        raise invalid(f"{name} must be GET or POST", 21403)
    return asked.method(name)
