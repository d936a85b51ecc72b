"""The carriers that bring phone calls to this server. Another one is a folder beside `twilio/` and an entry here."""

from __future__ import annotations

from fastapi import APIRouter

from common.settings import Settings
from data.store import Store
from telephony.carrier import Carrier
from telephony.twilio.carrier import Twilio
from telephony.twilio.message_status import message_status_route
from telephony.twilio.messages import TwilioMessages

CARRIERS = (Twilio,)


def carriers_of(settings: Settings) -> tuple[Carrier, ...]:
    """Return a server's carriers. SIP's packages are an extra, and nothing of them is imported where it is not set."""
    carriers: tuple[Carrier, ...] = tuple(carrier(settings) for carrier in CARRIERS)
    if not settings.sip_listen:
        return carriers
    from telephony.sip.carrier import Sip

    return (*carriers, Sip(settings))


def message_routes(settings: Settings, store: Store) -> APIRouter:
    """Where carriers tell what became of the messages."""
    return message_status_route(settings, store)


def messages_of(settings: Settings) -> TwilioMessages | None:
    """What sends messages to callers; None where nobody is to be sent any."""
    return TwilioMessages.from_settings(settings)
