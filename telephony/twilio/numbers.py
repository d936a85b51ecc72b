"""A phone number in the Twilio account: where it sends its calls, and where it should.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from common.phones import E164
from telephony.twilio.api import TwilioApi
from telephony.twilio.fallback import FALLBACK_PATH
from telephony.twilio.twiml import webhook_url
from telephony.twilio.webhooks import STATUS_PATH, VOICE_PATH

RESOURCE = "IncomingPhoneNumbers"
# "If a voice_application_sid is present, we ignore all of the voice urls"; of a trunk the same, applications too.
TAKES_OVER = {"VoiceApplicationSid": "voice_application_sid", "TrunkSid": "trunk_sid"}

_PUNCTUATION = re.compile(r"[\s().-]")


class NoSuchNumber(Exception):
    """The account has no such number; the text says which it has."""


@dataclass(frozen=True, slots=True)
class Number:
    """`fields` by the names that the API takes them under, empty for what is not set."""

    sid: str
    number: str
    fields: Mapping[str, str]

    def changes(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Return what of `wanted` is not so yet."""
        return {name: value for name, value in wanted.items() if self.fields.get(name, "") != value}


def e164(text: str) -> str:
    """Return a number as Twilio writes it, "+54 9 11 5555-1234" as +5491155551234. Raise ValueError."""
    number = _PUNCTUATION.sub("", text[:40])
    if len(text) > 40 or not E164.fullmatch(number):
        raise ValueError("a number has its country code: +541152750000")
    return number


def wanted_fields(base_url: str, fallback_url: str | None = None, overrides: str = "") -> dict[str, str]:
    """Return what a number must be set to for a server at `base_url` to get its calls; `overrides` are Twilio's
    connection overrides for the URLs."""
    return {
        "VoiceUrl": webhook_url(base_url, VOICE_PATH, overrides),
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": fallback_url or base_url + FALLBACK_PATH,
        "VoiceFallbackMethod": "POST",
        "StatusCallback": webhook_url(base_url, STATUS_PATH, overrides),
        "StatusCallbackMethod": "POST",
        **dict.fromkeys(TAKES_OVER, ""),
    }


async def find(api: TwilioApi, number: str) -> Number:
    """Return the account's number. Raise NoSuchNumber, or TwilioError."""
    found = _numbers(await api.get(RESOURCE, PhoneNumber=number))
    for each in found:
        if each.number == number:
            return each
    others = [each.number for each in found or _numbers(await api.get(RESOURCE, PageSize="20"))]
    has = f"it has {', '.join(others[:20])}" if others else "it has none"
    raise NoSuchNumber(f"this account has no number {number}; {has}")


async def update(api: TwilioApi, number: Number, changes: Mapping[str, str]) -> Number:
    """Set these fields, and return the number as it is then. Raise TwilioError."""
    return _number(await api.post(RESOURCE, changes, number.sid))


def _numbers(page: Mapping[str, object]) -> list[Number]:
    listed = page.get("incoming_phone_numbers")
    return [_number(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _number(told: Mapping[str, object]) -> Number:
    names = wanted_fields("")
    fields = {name: str(told.get(_json_name(name)) or "") for name in names}
    return Number(str(told.get("sid") or ""), str(told.get("phone_number") or ""), fields)


def _json_name(name: str) -> str:
    """VoiceUrl -> voice_url."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
