"""Twilio as a `PersonLine`: people are rung, and callers brought back, over its REST API.

https://www.twilio.com/docs/voice/api/call-resource: `MachineDetection=Enable` asks `Url` only once it is known who
answered, with `AnsweredBy`; the status callback's event `completed` comes for every end, busy and no-answer included.
"""

from __future__ import annotations

from common.settings import Settings
from telephony.person_line import NotRung
from telephony.transfer import Transfer
from telephony.twilio import transfer_twiml
from telephony.twilio.api import TwilioError
from telephony.twilio.rest import CallControl

BUSY_STATUSES = frozenset({408, 425, 429})  # HTTP: another time it may do


class TwilioPeople:
    """`telephony.person_line.PersonLine`."""

    def __init__(self, control: CallControl, settings: Settings) -> None:
        self._control = control
        self._base_url = settings.base_url
        self._from = settings.transfer_from
        self._overrides = settings.webhook_overrides

    async def ring(self, transfer: Transfer, from_number: str) -> str:
        fields = {
            "To": transfer.address,
            "From": self._from or from_number,
            "Url": self._url(transfer_twiml.PERSON_PATH, transfer),
            "Method": "POST",
            "StatusCallback": self._url(transfer_twiml.PERSON_STATUS_PATH, transfer),
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": "completed",
            "Timeout": str(round(transfer.ring_s)),
            "MachineDetection": "Enable",
        }
        try:
            status, answer = await self._control.create_call(fields)
        except TwilioError as error:
            raise NotRung(str(error), final=False) from error
        if status >= 300 or not (sid := str(answer.get("sid", ""))):
            final = status < 500 and status not in BUSY_STATUSES
            raise NotRung(f"HTTP {status}, code {answer.get('code')}", final=final)
        return sid

    async def let_go(self, leg_id: str) -> bool:
        return await self._control.hang_up(leg_id)

    async def bring_back(self, transfer: Transfer) -> bool:
        url = transfer_twiml.back_url(self._base_url, transfer, self._overrides)
        return await self._control.redirect(transfer.call_id, url)

    def _url(self, path: str, transfer: Transfer) -> str:
        return transfer_twiml.person_url(self._base_url, path, transfer.call_id, transfer.leg, self._overrides)
