"""Messages after a call: an SMS or WhatsApp with what was agreed."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from common.phones import E164
from common.settings.concern import Concern, Unsafe

_SENDER = re.compile(rf"{E164.pattern}|MG[0-9a-fA-F]{{32}}")
_TEMPLATE = re.compile(r"HX[0-9a-fA-F]{32}")


class MessageSettings(Concern):
    TITLE: ClassVar[str] = "Follow-up messages"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: all_.follow_up != "off" and not _SENDER.fullmatch(all_.follow_up_from or ""),
            "FOLLOW_UP needs FOLLOW_UP_FROM: a number of yours, +54911…, or a messaging service, MG…",
        ),
        (
            lambda all_: all_.follow_up == "whatsapp" and not _TEMPLATE.fullmatch(all_.follow_up_template or ""),
            "FOLLOW_UP=whatsapp needs FOLLOW_UP_TEMPLATE, HX…: who did not write to you in the last 24 hours gets"
            " approved templates only",
        ),
        (
            lambda all_: all_.follow_up != "off" and not (all_.twilio_account_sid and all_.twilio_auth_token),
            "FOLLOW_UP needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: Twilio sends the messages",
        ),
    )

    follow_up: Literal["off", "sms", "whatsapp"] = Field(
        "off",
        description="Offer callers a message with what was booked, moved, cancelled or ordered; sent on their yes.",
    )
    follow_up_from: str | None = Field(
        None, description="Who sends it: a number, +54911…, or a messaging service, MG… (WhatsApp: its sender)."
    )
    follow_up_template: str | None = Field(
        None, description="WhatsApp: the approved content template, HX…, whose variable {{1}} is the text."
    )
