"""Is this request really Twilio's? `X-Twilio-Signature`, on webhooks and on the media socket's upgrade.

Twilio signs the URL *it* used, so the URL is rebuilt from PUBLIC_BASE_URL and the raw path and query of the
request, never from Host or X-Forwarded-*, which a stranger or a proxy chooses.
https://www.twilio.com/docs/usage/security#validating-requests; the upgrade is signed over its wss:// URL with no
parameters, https://www.twilio.com/docs/api/errors/31930.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from starlette.datastructures import FormData
from starlette.requests import HTTPConnection
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from common.settings import Settings, host_of, is_loopback


class Signatures:
    """Checks against each of `auth_tokens`: two while one is being rotated out. With none, programs of this machine
    pass, and our own console, but no other page, be it by a name that was made to point here (DNS rebinding)."""

    def __init__(self, base_url: str, auth_tokens: Sequence[str], *, public: bool, overrides: str = "") -> None:
        if public and not auth_tokens:
            raise ValueError("TWILIO_AUTH_TOKEN is not set, and this server is not on loopback")
        self._base_url = base_url.rstrip("/")
        self._validators = [RequestValidator(token) for token in auth_tokens]
        # Twilio drops a URL's fragment, with its connection overrides, before it signs. No document of its own that we
        # have read says so: the one that we have given it ourselves may be there.
        self._endings = ("", "#" + overrides) if overrides else ("",)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        tokens = [token.get_secret_value() for token in settings.twilio_auth_token]
        return cls(settings.base_url, tokens, public=settings.is_public, overrides=settings.webhook_overrides)

    @property
    def checked(self) -> bool:
        """Return False on loopback without a token."""
        return bool(self._validators)

    def valid(self, connection: HTTPConnection, form: FormData | None = None) -> bool:
        """Return whether a webhook with its form, or an upgrade, is Twilio's. Repeated keys and blank values are part
        of the signature."""
        if not self.checked:
            return is_local(connection)
        url = signed_url(self._base_url, connection)
        params: FormData | Mapping[str, str] = form if form is not None else {}
        signature = connection.headers.get(SIGNATURE_HEADER, "")
        algorithm = get_signature_algorithm(connection.headers.get(SIGNATURE_SETTINGS_HEADER))
        results = [
            validator.validate(url + ending, params, signature, algorithm)
            for validator in self._validators
            for ending in self._endings
        ]
        return any(results)


def is_local(connection: HTTPConnection) -> bool:
    """Return True for a request to a loopback name of ours, from a program or a page of our own: the console phones,
    too."""
    host, origin = connection.headers.get("host", ""), connection.headers.get("origin")
    return is_loopback(host_of(f"//{host}")) and origin in (None, f"http://{host}")


def signed_url(base_url: str, connection: HTTPConnection) -> str:
    """Return the URL that Twilio used, byte for byte: `+` and `%20` are not the same to a signature."""
    scope = connection.scope
    if scope["type"] == "websocket":
        base_url = websocket_url(base_url)
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{base_url}{scope['raw_path'].decode('latin-1')}{'?' if query else ''}{query}"


def websocket_url(base_url: str) -> str:
    """Return https://… as wss://…, and http://… as ws://…."""
    return "ws" + base_url.removeprefix("http")
