"""Every setting of Carlos, a class for each concern, and all of them in one: `Settings`.

The original's variable names are kept (`HOST`, `WS_PORT`, `HEALTH_PORT`, `AWS_DEFAULT_REGION`,
`ORDERS_TABLE`, `APPOINTMENTS_TABLE`, `LOGLEVEL`). With nothing set at all, the server runs on the
embedded defaults: SQLite under `.carlos/` and the Sonic stand-in on loopback.
"""

from __future__ import annotations

from functools import cached_property
from typing import Self

from pydantic import model_validator

from common.keys import check_entries
from common.settings.access import AccessSettings
from common.settings.browser import BrowserSettings
from common.settings.calls import CallSettings
from common.settings.concern import Concern, host_of, is_loopback
from common.settings.door import DoorSettings
from common.settings.fleet import FleetSettings
from common.settings.floor import FloorSettings
from common.settings.messages import MessageSettings
from common.settings.phone import PhoneSettings
from common.settings.records import RecordSettings
from common.settings.server import ServerSettings
from common.settings.sip import SipSettings
from common.settings.sonic import SonicSettings
from common.settings.webhooks import WebhookSettings

__all__ = ["CONCERNS", "Settings", "host_of", "is_loopback"]

CONCERNS: tuple[type[Concern], ...] = (
    ServerSettings,
    RecordSettings,
    CallSettings,
    SonicSettings,
    FleetSettings,
    PhoneSettings,
    SipSettings,
    MessageSettings,
    WebhookSettings,
    DoorSettings,
    FloorSettings,
    BrowserSettings,
    AccessSettings,
)


TOLD = {"host", "processes", "sonic_headroom"}  # settings that a refusal names


class Settings(
    AccessSettings,
    BrowserSettings,
    WebhookSettings,
    MessageSettings,
    DoorSettings,
    FloorSettings,
    SipSettings,
    PhoneSettings,
    FleetSettings,
    SonicSettings,
    CallSettings,
    RecordSettings,
    ServerSettings,
):
    """Read from the environment and from `.env`; a bad value or an unsafe combination raises ValidationError."""

    @model_validator(mode="after")
    def _refuse_unsafe_combinations(self) -> Self:
        """All of them at once, a line each."""
        problems: list[str] = []
        try:
            check_entries(tuple(key.get_secret_value() for key in self.admin_api_keys), hashed=self.is_public)
        except ValueError as error:
            problems += str(error).splitlines()
        for concern in CONCERNS:
            for is_given, sentence in concern.UNSAFE:
                if is_given(self):
                    problems.append(sentence.format_map(self.model_dump(include=TOLD)))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @cached_property
    def is_public(self) -> bool:
        """Whether others than this machine's own users can reach the server."""
        return not is_loopback(self.host) or (
            self.public_base_url is not None and not is_loopback(host_of(self.public_base_url))
        )

    @property
    def leases_streams(self) -> bool:
        """Whether streams to Sonic are counted over all processes that share the store."""
        return self.store == "dynamodb" if self.fleet_leases == "auto" else self.fleet_leases == "on"

    @property
    def preconnects(self) -> bool:
        """Whether a call's stream is opened while it rings."""
        return not self.leases_streams if self.preconnect == "auto" else self.preconnect == "always"

    @property
    def asks_browser_tokens(self) -> bool:
        """Whether a browser's socket needs a token: as BROWSER_TOKENS says, and where it says nothing, in public."""
        return self.is_public if self.browser_tokens is None else self.browser_tokens

    @property
    def token_secrets(self) -> list[str]:
        """What signs stream tokens: the same in all processes that answer one number. Empty: each makes its own up."""
        shared = self.twilio_auth_token or ((self.stream_token_key,) if self.stream_token_key else ())
        return [secret.get_secret_value() for secret in shared]

    @property
    def own_api_key(self) -> str | None:
        """The first admin key that is known in clear, for our own commands."""
        keys = (key.get_secret_value().rpartition(":")[2] for key in self.admin_api_keys)
        return next((key for key in keys if not key.startswith("sha256=")), None)

    @property
    def base_url(self) -> str:
        """The server's address as the carrier uses it; on loopback, the bound address."""
        return (self.public_base_url or f"http://{self.host}:{self.ws_port}").rstrip("/")
