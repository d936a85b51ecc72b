"""Who the client is behind proxies: the one that the outermost proxy of ours names in X-Forwarded-For.

Each proxy appends the address that it was reached from. Only the last `hops` entries are ours; what stands before them
is whatever a stranger wrote there.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

# "192.0.2.1", "192.0.2.1:5000", "2001:db8::1", "[2001:db8::1]" and "[2001:db8::1]:5000": some proxies add the port.
_PORTED = re.compile(r"(?:(?P<v4>[0-9.]{7,15})|\[(?P<v6>[^\]]{2,64})\])(?::[0-9]{1,5})?|(?P<bare>[0-9A-Fa-f:.%]{2,64})")


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
    """Return the address that the first of `hops` proxies was reached from; None when fewer have named one, or it is no
    address."""
    chain = ",".join(headers.getlist("x-forwarded-for")).split(",")
    if not 0 < hops <= len(chain):
        return None
    said = _PORTED.fullmatch(chain[-hops].strip())
    try:
        return str(ip_address(said["v4"] or said["v6"] or said["bare"])) if said else None
    except ValueError:
        return None
