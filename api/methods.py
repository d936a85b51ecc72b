"""Which methods a path takes: `Allow` for a 405, and HEAD wherever GET is (RFC 9110, sections 9.3.2 and 15.5.6)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASKED = ("DELETE", "GET", "PATCH", "POST", "PUT")
_HEAD_IS_GET = "carlos.head_is_get"  # in a scope: HEAD is answered there


class HeadAsGet:
    """ASGI middleware that has HEAD answered as GET, up to the body: nothing is read or followed for it. Not below
    `webhooks`, where GET does something."""

    def __init__(self, app: ASGIApp, webhooks: Sequence[str] = ()) -> None:
        self._app = app
        self._webhooks = tuple(webhooks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self._webhooks):
            scope[_HEAD_IS_GET] = True
            if scope["method"] == "HEAD":
                await self._head(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _head(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        async def send_head(message: Message) -> None:
            scope["method"] = "HEAD"  # the server must know that no body follows, whatever Content-Length says
            await send(message)
            await send({"type": "http.response.body", "body": b""})
            raise _Answered

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, send_head)
        except _Answered:
            pass
        finally:
            scope["method"] = "HEAD"


class _Answered(Exception):
    """The head is sent; what would make the body is told so."""


def allowed(scope: Mapping[str, Any]) -> str:
    """Return the value of `Allow` for the path of a request. A router itself names the first route's methods only."""
    routes = scope["app"].router.routes
    found = [
        method for method in ASKED if any(each.matches({**scope, "method": method})[0] is Match.FULL for each in routes)
    ]
    return ", ".join(sorted([*found, "HEAD"] if "GET" in found and _HEAD_IS_GET in scope else found))
