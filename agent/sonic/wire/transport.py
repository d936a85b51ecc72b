"""From the SDK's signed request to an open connection.

The SDK makes and signs the request; the seam that it has for a transport, its `HTTPClient`, is where it hands the
request over, and its part ends there. Its own connection, on CRT's thread, costs more than all the rest of a call,
keeps Nagle's algorithm on, never reports one that drops before the response's head, and holds a failed handshake back
for 10 to 30 s (each measured). One TLS context serves all streams; each has a connection to itself.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from pathlib import Path
from typing import Any, Self

import certifi
from smithy_http.aio import HTTPResponse
from smithy_http.aio.interfaces import HTTPRequest

from agent.sonic.wire.http2 import Exchange, Headers

HTTPS_PORT = 443


class RequestTaker:
    """A transport that sends nothing: it takes one request, signed, and ends the SDK's tasks."""

    SUPPORTS_DUPLEX_STREAMING = True
    TIMEOUT_EXCEPTIONS: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self.request: asyncio.Future[HTTPRequest] = asyncio.get_running_loop().create_future()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # The SDK copies its Config for every call; the copy must be the one we look at.
        return self

    async def send(self, request: HTTPRequest, *, request_config: Any = None) -> HTTPResponse:
        if not self.request.done():
            self.request.set_result(request)
        raise asyncio.CancelledError  # what the SDK does with an answer is done without it


async def connect(exchange: Exchange, request: HTTPRequest, tls: ssl.SSLContext) -> None:
    """Connect to where the request goes, and send its head. Raises OSError; a cancelled one leaves no connection if
    the exchange is closed."""
    url = request.destination
    transport, _ = await asyncio.get_running_loop().create_connection(
        lambda: exchange, url.host, url.port or HTTPS_PORT, ssl=tls, server_hostname=url.host
    )
    if transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
        raise ConnectionError(f"{url.host} does not speak HTTP/2")
    exchange.request(head_of(request))


def signature_of(request: HTTPRequest) -> str:
    """The request's signature, hexadecimal: the chunks' signatures go on from it."""
    return request.fields["authorization"].as_string().rpartition("Signature=")[2]


def head_of(request: HTTPRequest) -> Headers:
    """The head of a request: HTTP/2 has `:authority` for `host`, and no `transfer-encoding` (RFC 9113, 8.2.2)."""
    url = request.destination
    query = f"?{url.query}" if url.query else ""
    pseudo = [
        (":method", request.method),
        (":scheme", url.scheme or "https"),
        (":authority", request.fields["host"].as_string() if "host" in request.fields else url.netloc),
        (":path", (url.path or "/") + query),
    ]
    fields = [
        (name, value)
        for field in request.fields
        if (name := field.name.lower()) not in ("host", "connection", "transfer-encoding")
        for value in field.values
    ]
    return pseudo + fields


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """The process's TLS context for these authorities, None for the system's; a file with other contents is another."""
    return _context(ca_file.read_text() if ca_file is not None else None)


@cache
def _context(ca: str | None) -> ssl.SSLContext:
    tls = ssl.create_default_context(cadata=ca)
    if ca is None and not tls.get_ca_certs():
        # Python for macOS comes without any, and a directory of them (Debian) is not counted.
        tls.load_verify_locations(certifi.where())
    tls.set_alpn_protocols(["h2"])
    return tls
