"""Addresses of servers of ours, as people write them and as they are shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from common.settings import Settings

EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})


def server_url(text: str) -> str:
    """Return a server's URL without a slash at its end, also where somebody leaves the scheme out, as browsers allow.
    Raise ValueError, with a sentence, for what is none."""
    url = (text if "://" in text else f"http://{text}").rstrip("/")
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_one = False
    if not is_one:
        raise ValueError(f"{text!r} is no address of a server, such as http://localhost:8081")
    return url


def bracketed(host: str) -> str:
    """Return a host as it stands before a port: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def own_url(settings: Settings) -> str:
    """Return where this machine finds the server of these settings. Nobody goes to 0.0.0.0 or ::, which only mean that
    every address was bound."""
    host = "localhost" if settings.host in EVERY_ADDRESS else settings.host
    return f"http://{bracketed(host)}:{settings.ws_port}"
