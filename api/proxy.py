"""Who the client is behind proxies: the one that the outermost proxy of ours names in X-Forwarded-For.

Each proxy appends the address that it was reached from. Only the last `hops` entries are ours; what stands before them
is whatever a stranger wrote there.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send


class Proxied:
    """ASGI middleware, outermost: everything inside finds the client in `scope["client"]`, as without a proxy."""

    def __init__(self, app: ASGIApp, hops: int) -> None:
        self._app = app
        self._hops = hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and (address := client_of(Headers(scope=scope), self._hops)):
            scope["client"] = (address, 0)
        await self._app(scope, receive, send)


def client_of(headers: Headers, hops: int) -> str | None:
    """The address that the first of `hops` proxies was reached from; None when fewer have spoken, or no address."""
    chain = ",".join(headers.getlist("x-forwarded-for")).split(",")
    if not 0 < hops <= len(chain):
        return None
    try:
        return str(ip_address(chain[-hops].strip()))
    except ValueError:
        return None
