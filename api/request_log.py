"""One line of the log for each request, where no server of ours writes one: on Lambda."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from loguru import logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class RequestLog:
    """ASGI middleware around the whole application: method, route, status and how long it took. The path is not in the
    line, for it holds ids, and a stranger's may hold anything; nor are query and address."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = self._clock(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            told = {
                "method": method_of(scope),
                "route": route_template(scope),
                "status": status,
                "ms": round(1000 * (self._clock() - began), 1),
            }
            logger.bind(event="request", **ids_of(scope)).info("{method} {route} {status}", **told)


def route_template(scope: Mapping[str, Any]) -> str:
    """Return the route, such as `/orders/{order_id}`, and not the path."""
    return str(getattr(scope.get("route"), "path", "(no route)"))


def method_of(scope: Mapping[str, Any]) -> str:
    """Return the method; `other` for what a stranger made up."""
    return scope["method"] if scope["method"] in METHODS else "other"


def ids_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids that AWS gave a request: `request` is in the API's access log, `invocation` in the lines that
    Lambda itself writes (START, REPORT). Either is left out where there is none.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html ($context.requestId)
    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html (aws_request_id)
    """
    event: Mapping[str, Any] = scope.get("aws.event") or {}
    found = {
        "request": (event.get("requestContext") or {}).get("requestId"),
        "invocation": getattr(scope.get("aws.context"), "aws_request_id", None),
    }
    return {name: str(value) for name, value in found.items() if value}
