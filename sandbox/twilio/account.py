"""Who the double is: an account, its number, and where its server really listens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from twilio.request_validator import RequestValidator

from common.settings import is_loopback
from sandbox.twilio.errors import Code, WebhookFault
from sandbox.twilio.verbs import Method


def new_sid(prefix: str) -> str:
    """A SID as Twilio writes them: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials made up for one run; `sign` is the twilio library's own signature."""

    sid: str = field(default_factory=lambda: new_sid("AC"))
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))

    def sign(self, url: str, params: Mapping[str, str] | None = None) -> str:
        """`X-Twilio-Signature` of a request: over the whole URL and, for a POST, its form."""
        return str(RequestValidator(self.auth_token).compute_signature(url, params or {}))


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number and what is configured on it; URLs may be relative to the public base URL."""

    number: str = "+541150310000"
    voice_url: str = "/twilio/voice"
    fallback_url: str | None = None
    status_callback: str | None = "/twilio/status"
    voice_method: Method = "POST"
    fallback_method: Method = "POST"
    status_callback_method: Method = "POST"


@dataclass(frozen=True, slots=True)
class Route:
    """The address that is signed, and the loopback address that is connected to in its place."""

    public_base_url: str
    connect_to: str | None = None

    def reach(self, url: str) -> tuple[str, str]:
        """The URL to connect to for a public one, and the Host header to send. Nothing but loopback is ever
        reached: another host raises WebhookFault 11210."""
        parts = urlsplit(url)
        public = urlsplit(self.public_base_url)
        if self.connect_to is not None and parts.netloc == public.netloc:
            scheme = "ws" if parts.scheme in {"ws", "wss"} else "http"
            netloc = urlsplit(self.connect_to).netloc
            return urlunsplit((scheme, netloc, parts.path, parts.query, "")), parts.netloc
        if not is_loopback(parts.hostname or ""):
            raise WebhookFault(Code.BAD_HOST_NAME, f"{url}: the double does not leave this machine")
        return urlunsplit(parts._replace(fragment="")), parts.netloc
