"""Webhooks out: who is told of what happens, and how much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from common.settings.concern import Concern, Unsafe, host_of, scheme_of
from common.webhooks import key_of

MOST_URLS = 3  # each is one more write in the transaction of a change
# What may be told beside ids, times, kinds and outcomes, by the names that REST has for it. A DNI is never told.
FIELDS = (
    *("callerNumber", "customerName", "customerEmail", "items", "total", "trackingNumber", "estimatedDelivery"),
    *("patientName", "patientEmail", "doctorName", "type", "notes", "phone", "about"),
)
_EVENT = re.compile(r"call\.ended|callback\.requested|[a-z][A-Za-z]*\.changed")


def is_private(host: str) -> bool:
    """Return True for an address that is not on the public internet. A name is looked up by whoever connects."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def _sends_to(all_: Any) -> tuple[str, ...]:
    """The URLs that this process would send to. The REST API on Lambda, which has its keys from a secret, notes events
    for the server to send, and has no secret of webhooks itself."""
    return () if all_.admin_api_keys_secret else all_.webhook_urls


def _lacks_secrets(all_: Any) -> bool:
    urls = _sends_to(all_)
    return bool(urls) and len(all_.webhook_secrets) not in (1, len(urls))


def _is_open_http(all_: Any, url: str) -> bool:
    return scheme_of(url) == "http" and not (all_.webhook_private and is_private(host_of(url)))


class WebhookSettings(Concern):
    TITLE: ClassVar[str] = "Webhooks out"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            _lacks_secrets,
            "WEBHOOK_URLS needs WEBHOOK_SECRETS: one for all, or one for each; `carlos webhooks secret` makes one",
        ),
        (
            lambda all_: not all_.webhook_private and any(is_private(host_of(url)) for url in _sends_to(all_)),
            "WEBHOOK_URLS has an address of a private network: set WEBHOOK_PRIVATE=true if that is meant",
        ),
        (
            lambda all_: any(_is_open_http(all_, url) for url in _sends_to(all_)),
            "WEBHOOK_URLS must be https://…: http goes to private addresses only, with WEBHOOK_PRIVATE=true",
        ),
    )

    webhook_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=f"With commas, {MOST_URLS} at most: who is told what happens (docs/webhooks.md). Empty: nobody.",
    )
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="What signs it: whsec_…, one for all URLs, or with commas one for each in their order. Several of"
        " one URL, while they are changed, have a space between them, and all sign.",
    )
    webhook_events: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Which events: call.ended, appointment.changed, order.changed, callback.requested. Empty: all."
    )
    webhook_fields: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=f"What is told beside ids, times, kinds and outcomes, much of it personal: {', '.join(FIELDS)}.",
    )
    webhook_timeout_s: float = Field(15.0, gt=0, le=60, description="Seconds that a receiver has to answer.")
    webhook_private: bool = Field(
        False, description="Also to private addresses and loopback, which a name may lead to; http:// only there."
    )

    @field_validator("webhook_urls")
    @classmethod
    def _check_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if len(urls) > MOST_URLS:
            raise ValueError(f"has {len(urls)} URLs, more than {MOST_URLS}")
        if len(set(urls)) < len(urls):
            raise ValueError("has a URL twice")
        for number, url in enumerate(urls, 1):
            if problem := next(_faults(url), None):
                raise ValueError(f"URL {number} {problem}")  # it may hold a secret: not quoted
        return urls

    @field_validator("webhook_secrets")
    @classmethod
    def _check_secrets(cls, entries: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for entry in entries:
            for secret in entry.get_secret_value().split():
                key_of(secret)
        return entries

    @field_validator("webhook_events")
    @classmethod
    def _check_events(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [each[:40] for each in events if not _EVENT.fullmatch(each)]:
            raise ValueError(f"no event of Carlos: {', '.join(bad[:10])}")
        return events

    @field_validator("webhook_fields")
    @classmethod
    def _check_fields(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [each[:40] for each in fields if each not in FIELDS]:
            raise ValueError(f"not one of {', '.join(FIELDS)}: {', '.join(bad[:10])}")
        return fields

    @property
    def webhook_keys(self) -> tuple[tuple[bytes, ...], ...]:
        """What signs for each of `webhook_urls`."""
        keys = tuple(tuple(map(key_of, entry.get_secret_value().split())) for entry in self.webhook_secrets)
        return keys * len(self.webhook_urls) if len(keys) == 1 else keys


def _faults(url: str) -> Iterator[str]:
    """What is wrong with it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # either may be refused here
    except ValueError:
        yield "is no URL"
        return
    if parts.scheme not in ("http", "https") or not host:
        yield "is not of the form https://…"
    if parts.username or parts.password:
        yield "holds a name or a password: the signature says who sends"
    if len(url) > 500 or not (url.isascii() and url.isprintable()) or " " in url:
        yield "is too long, or has characters that no URL has"
