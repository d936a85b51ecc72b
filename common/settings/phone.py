"""The phone line: Twilio."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from common.settings.concern import Concern, Unsafe


class PhoneSettings(Concern):
    TITLE: ClassVar[str] = "Phone"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: all_.is_public and not all_.twilio_auth_token,
            "HOST={host} is reachable by others: set TWILIO_AUTH_TOKEN to check signatures",
        ),
        (
            lambda all_: all_.is_public and not all_.public_base_url,
            "set PUBLIC_BASE_URL to the https address that Twilio calls; signatures cover it",
        ),
    )

    twilio_account_sid: str | None = Field(None, description="The account, AC…, whose REST API hangs calls up.")
    twilio_auth_token: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="What Twilio signs with: one token, or two with a comma while rotating."
    )
    stream_token_key: SecretStr | None = Field(
        None, description="Signs stream tokens where there is no TWILIO_AUTH_TOKEN; by default made up at the start."
    )
    twilio_api_base: str = Field("https://api.twilio.com", description="Twilio's REST API, or another of its kind.")
    transfer_numbers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Reserved for handing a caller over to a person; nothing reads it yet."
    )
