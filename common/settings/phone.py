"""The phone line: Twilio."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from common.phones import E164
from common.settings.concern import Concern, Unsafe
from common.transfer_targets import TransferTarget, parse_targets


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
        (
            lambda all_: (
                bool(all_.transfer_targets)
                and all_.transfer_mode == "warm"
                and not (all_.twilio_account_sid and all_.twilio_auth_token)
                and (bool(all_.twilio_auth_token) or not (all_.sip_listen and all_.sip_voice))
            ),
            "TRANSFER_TARGETS needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, with which people are called, or"
            " SIP_LISTEN and SIP_VOICE, or TRANSFER_MODE=cold",
        ),
    )

    twilio_account_sid: str | None = Field(
        None, description="The account, AC…, whose REST API hangs calls up, calls people and sends messages."
    )
    twilio_auth_token: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="What Twilio signs with: one token, or two with a comma while rotating."
    )
    stream_token_key: SecretStr | None = Field(
        None, description="Signs stream tokens where there is no TWILIO_AUTH_TOKEN; by default made up at the start."
    )
    twilio_api_base: str = Field("https://api.twilio.com", description="Twilio's REST API, or another of its kind.")
    transfer_targets: str = Field(
        "",
        description="People a caller may be passed on to: `address|reasons|hours` each, with `;` between them, such as"
        " `+541150310001|turnos,pedidos|lun-vie 9-18; sip:guardia@clinica.example|*|24h`. Empty: nobody.",
    )
    transfer_mode: Literal["warm", "cold"] = Field(
        "warm",
        description="`warm`: the person hears who calls and why, and presses 1, while the caller hears music; `cold`:"
        " the caller is connected at once.",
    )
    transfer_from: str | None = Field(
        None,
        description="The number that people see, +…; unset: the one that was dialled, or with `cold` the caller's.",
    )
    transfer_ring_s: int = Field(25, ge=5, le=120, description="Seconds that a person's phone rings.")
    callbacks: bool = Field(
        True, description="Offer callers to be called back, and note it; GET /callbacks lists them."
    )

    @field_validator("transfer_targets")
    @classmethod
    def _targets_hold(cls, text: str) -> str:
        parse_targets(text)
        return text

    @field_validator("transfer_from")
    @classmethod
    def _from_is_a_number(cls, number: str | None) -> str | None:
        if number and not E164.fullmatch(number):
            raise ValueError("is no number as Twilio takes it, such as +541143210000")
        return number

    @property
    def people(self) -> tuple[TransferTarget, ...]:
        """Whom a caller may be passed on to."""
        return parse_targets(self.transfer_targets)
