"""The carriers that bring phone calls to this server. Another one is a folder beside `twilio/` and an entry here."""

from __future__ import annotations

from common.settings import Settings
from telephony.carrier import Carrier
from telephony.twilio.carrier import Twilio
from telephony.twilio.messages import TwilioMessages

CARRIERS = (Twilio,)


def carriers_of(settings: Settings) -> tuple[Carrier, ...]:
    return tuple(carrier(settings) for carrier in CARRIERS)


def messages_of(settings: Settings) -> TwilioMessages | None:
    """What sends messages to callers; None where nobody is to be sent any."""
    return TwilioMessages.from_settings(settings)
