"""SMS and WhatsApp by Twilio's Messages resource.

https://www.twilio.com/docs/messaging/api/message-resource. Who did not write to a business on WhatsApp in the last 24
hours may be sent approved templates only (error 63016): https://www.twilio.com/docs/content.
"""

from __future__ import annotations

import json
from typing import Literal, Self

from common.settings import Settings
from telephony.twilio.api import NotAsked, Refused, TwilioApi, TwilioError
from telephony.twilio.message_status import callback_url
from tools.follow_up import MaybeSent, NotSent

RESOURCE = "Messages"
FAILED = frozenset({"failed", "undelivered", "canceled"})  # of MessageStatus


class TwilioMessages:
    """`tools.follow_up.Messenger`."""

    def __init__(
        self,
        api: TwilioApi,
        kind: Literal["sms", "whatsapp"],
        sender: str,
        template: str | None = None,
        base_url: str | None = None,
        overrides: str = "",
    ) -> None:
        """With our own `base_url` Twilio is asked to tell what becomes of each message, `overrides` is how often."""
        self.kind: Literal["sms", "whatsapp"] = kind
        self._api = api
        self._sender = sender
        self._template = template
        self._base_url = base_url
        self._overrides = overrides

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """None where FOLLOW_UP is off."""
        api = TwilioApi.from_settings(settings)
        if settings.follow_up == "off" or settings.follow_up_from is None or api is None:
            return None
        base_url = settings.base_url if settings.public_base_url else None
        sender, template = settings.follow_up_from, settings.follow_up_template
        return cls(api, settings.follow_up, sender, template, base_url, settings.webhook_overrides)

    async def send(self, to: str, text: str, call_id: str) -> str:
        """Return the message's SID once Twilio has taken it; that says nothing of its delivery. Raise NotSent, or
        MaybeSent where the answer was lost or a fault of Twilio's: the API has no idempotency key to ask again with."""
        try:
            told = await self._api.post(RESOURCE, self._fields(to, text, call_id))
        except Refused as error:
            raise (NotSent if error.status < 500 else MaybeSent)(error.reason) from error
        except NotAsked as error:
            raise NotSent(error.reason) from error
        except TwilioError as error:
            raise MaybeSent(error.reason) from error
        if told.get("status") in FAILED:
            raise NotSent(str(told.get("error_code") or told["status"]))
        return str(told.get("sid") or "")

    async def close(self) -> None:
        await self._api.close()

    def _fields(self, to: str, text: str, call_id: str) -> dict[str, str]:
        prefix = "whatsapp:" if self.kind == "whatsapp" else ""
        fields = {"To": prefix + to}
        if self._sender.startswith("MG"):
            fields["MessagingServiceSid"] = self._sender
        else:
            fields["From"] = prefix + self._sender
        if self._base_url is not None:
            fields["StatusCallback"] = callback_url(self._base_url, call_id, self._overrides)
        if self._template is not None and self.kind == "whatsapp":
            variables = json.dumps({"1": text}, ensure_ascii=False)
            return fields | {"ContentSid": self._template, "ContentVariables": variables}
        return fields | {"Body": text}
