"""The security in front of every HTTP route: origins, access, rates, headers, the audit log, and what nobody caught."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Mapping

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import SAFE_METHODS, Access, Denied, Principal
from api.envelope import failed_to, failure
from api.limits import RateLimit
from api.request_log import method_of, route_template
from common import metrics

# The original's lists, and what browsers need to send and read for conditional requests and pages.
ALLOW_HEADERS = "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token,If-Match"
ALLOW_METHODS = "GET,POST,PUT,DELETE,OPTIONS"
EXPOSE_HEADERS = "ETag,Link,X-Next-Cursor,Retry-After"
PREFLIGHT_MAX_AGE_S = 600
MAX_BODY_BYTES = 160 * 1024  # the largest order: 20 items of 540 characters, each of 12 bytes as JSON may escape it

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' blob:;"
        " worker-src 'self' blob:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT = "max-age=31536000"


class SecurityMiddleware:
    """ASGI middleware. WebSockets pass: each line checks its own callers."""

    def __init__(self, app: ASGIApp, access: Access, limit: RateLimit, *, https: bool = False) -> None:
        self._app = app
        self._access = access
        self._limit = limit
        self._headers = SECURITY_HEADERS | ({"Strict-Transport-Security": STRICT_TRANSPORT} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        status = 500
        began = False

        async def send_dressed(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                status, began = message["status"], True
                self._dress(MutableHeaders(raw=message.setdefault("headers", [])), headers)
            await send(message)

        principal: Principal | None = None
        receive = _bounded(receive)
        try:
            if (preflight := self._preflight(method, headers)) is not None:
                await preflight(scope, receive, send_dressed)
                return
            principal = await self._admit(scope, headers)
            if _length(headers) > MAX_BODY_BYTES:
                raise _TurnedAway(failure(413, "Payload too large", f"A body has at most {MAX_BODY_BYTES} bytes"))
            scope["principal"] = principal
            await self._app(scope, receive, send_dressed)
        except _TurnedAway as turned:
            await turned.response(scope, receive, send_dressed)
        except Exception:
            logger.exception("{} {} failed", method_of(scope), route_template(scope))
            if not began:
                await failure(500, "Internal server error", failed_to(method, path))(scope, receive, send_dressed)
        finally:
            self._account(scope, method, path, status, principal)

    async def _admit(self, scope: Scope, headers: Mapping[str, str]) -> Principal:
        method, path = scope["method"], scope["path"]
        address = (scope.get("client") or ("unknown",))[0]
        try:
            principal = await self._access.admit(method, path, headers)
        except Denied as denied:
            self._take(f"stranger {address}")
            metrics.REST_DENIALS.add(status=str(denied.status))
            response = failure(denied.status, _ERRORS[denied.status], denied.message, code=denied.code)
            if denied.status == 401:
                response.headers["WWW-Authenticate"] = 'ApiKey realm="carlos"'
            raise _TurnedAway(response) from denied
        if principal.scopes:
            self._take(f"{principal.name} {address}")
        return principal

    def _take(self, who: str) -> None:
        if seconds := self._limit.take(who):
            response = failure(429, "Too many requests", f"Try again in {seconds} s")
            response.headers["Retry-After"] = str(seconds)
            raise _TurnedAway(response)

    def _preflight(self, method: str, headers: Mapping[str, str]) -> Response | None:
        if method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        if not self._access.allows_origin(headers.get("origin", "")):
            return failure(403, "Forbidden", "This origin is not in ALLOWED_ORIGINS")
        return Response(status_code=200, headers={"Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S)})

    def _dress(self, response: MutableHeaders, request: Mapping[str, str]) -> None:
        for name, value in self._headers.items():
            response.setdefault(name, value)
        origin = request.get("origin", "")
        response.add_vary_header("Origin")
        if self._access.allows_origin(origin):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Headers"] = ALLOW_HEADERS
            response["Access-Control-Allow-Methods"] = ALLOW_METHODS
            response["Access-Control-Expose-Headers"] = EXPOSE_HEADERS

    def _account(self, scope: Scope, method: str, path: str, status: int, principal: Principal | None) -> None:
        if self._access.is_signed(path):
            return
        metrics.REQUESTS.add(method=method_of(scope), status=str(status))
        if method not in SAFE_METHODS and principal is not None:
            bound = logger.bind(event="audit", who=principal.name, status=status)
            bound.info("{} {} {}", method, route_template(scope), scope.get("path_params") or "")


_ERRORS = {401: "Unauthorized", 403: "Forbidden", 503: "Service unavailable"}


class _TurnedAway(Exception):
    def __init__(self, response: JSONResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def _length(headers: Mapping[str, str]) -> int:
    """Return the length that the request announces in bytes; 0 for none, which is read and counted."""
    said = headers.get("content-length", "")
    return int(said) if said.isdecimal() and len(said) < 16 else MAX_BODY_BYTES + 1 if said else 0


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that raises HTTPException: 413 for a body of more than `MAX_BODY_BYTES`, 400 for one that is
    no UTF-8, which Python's JSON parser would take apart character by character."""
    taken = 0
    decoder = getincrementaldecoder("utf-8")()

    async def receive_bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise HTTPException(413, f"A body has at most {MAX_BODY_BYTES} bytes")
        if message["type"] == "http.request":
            try:
                decoder.decode(message.get("body", b""), final=not message.get("more_body", False))
            except UnicodeDecodeError as error:
                raise HTTPException(400, "A body is text in UTF-8") from error
        return message

    return receive_bounded
