"""The carriers that bring phone calls to this server. Another one is a folder beside `twilio/` and an entry here."""

from __future__ import annotations

from common.settings import Settings
from telephony.carrier import Carrier
from telephony.twilio.carrier import Twilio

CARRIERS = (Twilio,)


def carriers_of(settings: Settings) -> tuple[Carrier, ...]:
    return tuple(carrier(settings) for carrier in CARRIERS)
