"""The connection of one Sonic stream, at the seam that the SDK has for it: its `HTTPClient`.

The SDK makes and signs the request and reads an error's answer. The connection is `Exchange`, on the event loop: the
SDK's own, on CRT's thread, costs more than all the rest of a call, keeps Nagle's algorithm on, never reports one that
drops before the response's head, and holds a failed handshake back for 10 to 30 s (each measured). One TLS context
serves all streams; each has a connection to itself.
"""

from __future__ import annotations

import asyncio
import ssl
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Self

import certifi
from smithy_core.interfaces import URI
from smithy_http import Field, Fields
from smithy_http.aio import HTTPResponse
from smithy_http.aio.interfaces import HTTPRequest

from agent.sonic.http2 import Answer, Exchange, Headers

HTTPS_PORT = 443


class NotConnected(Exception):
    """There is no connection, and none was tried."""


class StreamTransport:
    """Made once for a set of authorities; `for_stream` gives each stream its own connection and shares the rest."""

    SUPPORTS_DUPLEX_STREAMING = True
    TIMEOUT_EXCEPTIONS: tuple[type[Exception], ...] = ()  # whoever opens a stream bounds it

    signature: str  # of the request, hexadecimal: the chunks' signatures go on from it
    connected: asyncio.Future[None]  # TCP and TLS stand, the request is out: `exchange` may be used
    exchange: Exchange
    _connecting: asyncio.Task[None] | None
    _aborted: bool

    def __init__(self, ca: str | None = None) -> None:
        """`ca` is the PEM of the only authorities to trust; None trusts the system's."""
        self.tls = ssl.create_default_context(cadata=ca)
        if ca is None and not self.tls.get_ca_certs():
            # Python for macOS comes without any, and a directory of them (Debian) is not counted.
            self.tls.load_verify_locations(certifi.where())
        self.tls.set_alpn_protocols(["h2"])

    def for_stream(self) -> Self:
        """A transport for one request; call it inside the event loop that will use it."""
        clone = copy(self)
        clone.signature = ""
        clone.connected = asyncio.get_running_loop().create_future()
        clone.exchange = Exchange()
        clone._connecting = None
        clone._aborted = False
        return clone

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # The SDK copies its Config for every call; the copy must keep the CA and be the one we can close.
        return self

    async def send(self, request: HTTPRequest, *, request_config: Any = None) -> HTTPResponse:
        """Connect, send the request's head, and wait for the response's. The bodies are the exchange's."""
        if self._aborted:  # the SDK's task goes on when the one that asked for it is cancelled
            raise asyncio.CancelledError
        self.signature = request.fields["authorization"].as_string().rpartition("Signature=")[2]
        self._connecting = asyncio.create_task(self._connect(request.destination), name="sonic connection")
        await self._connecting
        self.exchange.request(_headers(request))
        if not self.connected.done():
            self.connected.set_result(None)
        return _response(await self.exchange.answer)

    async def _connect(self, url: URI) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            lambda: self.exchange, url.host, url.port or HTTPS_PORT, ssl=self.tls, server_hostname=url.host
        )
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            transport.abort()
            raise ConnectionError(f"{url.host} does not speak HTTP/2")

    async def abort(self, timeout_s: float) -> None:
        """Close the connection, whatever is under way on it."""
        self._aborted = True
        self.connected.cancel()
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        await self.exchange.close(timeout_s)


class Unconnected(StreamTransport):
    """Takes a request as far as its connection."""

    async def send(self, request: HTTPRequest, *, request_config: Any = None) -> HTTPResponse:
        _headers(request)
        raise NotConnected


def shared_transport(ca_file: Path | None) -> StreamTransport:
    """The process's transport for these authorities; a file with other contents is another transport."""
    return _transport(ca_file.read_text() if ca_file is not None else None)


@cache
def _transport(ca: str | None) -> StreamTransport:
    return StreamTransport(ca)


def _headers(request: HTTPRequest) -> Headers:
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


def _response(answer: Answer) -> HTTPResponse:
    fields = Fields()
    for name, value in answer.headers:
        if name in fields:
            fields[name].add(value)
        else:
            fields.set_field(Field(name=name, values=[value]))
    return HTTPResponse(status=answer.status, fields=fields, body=answer.body)
