"""Twilio's REST API on a loopback port: the server, who may, and its errors; the resources are in files of their own.

Errors carry Twilio's JSON body: 20003 for bad credentials, 20404 for what does not exist, be it a resource
or a method of one. Parameters are those of the twilio package 9.13; another one, which Twilio would pass over in
silence, is refused with 20001, as are values whose own code was not seen.
https://www.twilio.com/docs/usage/twilios-response
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from sandbox.twilio.account import Account
from sandbox.twilio.verbs import Method

API_ROOT = "/2010-04-01"
PAGE_SIZE = 50  # the API's default; the double's lists fit on one page


class ApiError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> web.Response:
        body = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        return web.json_response(body, status=self.status)


def invalid(message: str, code: int = 20001) -> ApiError:
    return ApiError(400, code, message)


def not_found(path: str) -> ApiError:
    return ApiError(404, 20404, f"The requested resource {path} was not found")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the SIDs in its path, and its parameters, of the form or of the query."""

    path: str
    ids: Mapping[str, str]
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The parameter; None when it is missing or empty."""
        return next(iter(self.params.get(name, ())), None) or None

    def all(self, name: str) -> Sequence[str]:
        return self.params.get(name, ())

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.one_of(name, ("true", "false"), str(default).lower()) == "true"

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name) or str(default)
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise invalid(f"{name} must be a whole number from {least} to {most}")
        return int(value)

    def one_of(self, name: str, allowed: Collection[str], default: str) -> str:
        value = self.text(name) or default
        if value not in allowed:
            raise invalid(f"{name} must be one of {', '.join(allowed)}")
        return value

    def method(self, name: str) -> Method:
        return "GET" if self.one_of(name, ("GET", "POST"), "POST") == "GET" else "POST"

    def url(self, name: str, code: int) -> str | None:
        """An absolute URL with a host, or `code`."""
        value = self.text(name)
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "_" in parts.hostname:
            raise invalid(f"{name} is not a valid URL: {value}", code)
        return value

    def only(self, allowed: Collection[str]) -> None:
        if unknown := self.params.keys() - set(allowed):
            raise invalid(f"unknown parameters: {', '.join(sorted(unknown))}")


Answer = web.Response


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` is below the account's, with {names} for SIDs; `public` needs no credentials."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    answer: Callable[[Asked], Answer]
    public: bool = False


def _nowhere(asked: Asked) -> Answer:
    raise not_found(asked.path)


NOWHERE = Endpoint("GET", "", _nowhere)


def page(name: str, items: Iterable[Mapping[str, Any]], path: str) -> Answer:
    """A list as the API returns it. https://www.twilio.com/docs/usage/twilios-response#pagination"""
    listed = list(items)
    uri = f"{path}?PageSize={PAGE_SIZE}&Page=0"
    return web.json_response(
        {
            name: listed,
            "page": 0,
            "page_size": PAGE_SIZE,
            "start": 0,
            "end": max(0, len(listed) - 1),
            "uri": uri,
            "first_page_uri": uri,
            "next_page_uri": None,
            "previous_page_uri": None,
        }
    )


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request as it came in, with the status it was answered with."""

    method: str
    path: str
    form: Mapping[str, str]
    status: int


class RestApi:
    """A small aiohttp server. `base_url` is what `TWILIO_API_BASE` must be while it runs."""

    def __init__(self, account: Account, endpoints: Iterable[Endpoint], port: int = 0) -> None:
        self._account = account
        self._port = port
        self.requests: list[ApiRequest] = []
        self.base_url = ""
        app = web.Application()
        for endpoint in endpoints:
            path = f"{API_ROOT}/Accounts/{{account:[^/.]+}}{endpoint.path}"
            app.router.add_route(endpoint.method, path, self._handler(endpoint))
        app.router.add_route("*", f"{API_ROOT}/Accounts/{{account:[^/.]+}}{{rest:.*}}", self._handler(NOWHERE))
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            sent = await request.post() if request.method == "POST" else request.query
            params = {key: [str(value) for value in sent.getall(key)] for key in sent}
            ids = {key: value for key, value in request.match_info.items() if key != "account"}
            try:
                if not endpoint.public:
                    self._authenticate(request)
                if request.match_info["account"] != self._account.sid:
                    raise not_found(request.path)
                response = endpoint.answer(Asked(request.path, ids, params))
            except ApiError as error:
                response = error.response()
            form = {key: values[0] for key, values in params.items()}
            self.requests.append(ApiRequest(request.method, request.path, form, response.status))
            return response

        return handle

    def _authenticate(self, request: web.Request) -> None:
        try:
            given = aiohttp.BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            raise ApiError(401, 20003, "Authenticate") from None
        known = given.login == self._account.sid
        if not hmac.compare_digest(given.password, self._account.auth_token) or not known:
            raise ApiError(401, 20003, "Authenticate")
