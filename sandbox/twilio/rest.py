"""The part of Twilio's REST API that ends or redirects a live call, on a loopback port.

`POST /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}.json` with `Status=completed`, `Twiml=` or `Url=`, and
GET of the same resource. Errors carry Twilio's JSON body: 20003 for bad credentials, 20404 for a call that
does not exist or that is over when it is hung up, 21220 for a redirect of a call that is over, 20001 for
parameters that Twilio refuses (its exact code was not seen).
https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from aiohttp import web

from sandbox.twilio.account import Account

TWIML_LIMIT = 4000  # characters; twilio.com/docs/voice/api/call-resource
API_ROOT = "/2010-04-01"


class LiveCall(Protocol):
    """What the API may do with a call."""

    @property
    def live(self) -> bool: ...

    def resource(self) -> dict[str, str | None]: ...

    def complete(self) -> None:
        """Hang up."""
        ...

    def redirect(self, *, url: str | None = None, twiml: str | None = None) -> None:
        """Leave the running TwiML for this document."""
        ...


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


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request as it came in, with the status it was answered with."""

    method: str
    path: str
    form: Mapping[str, str]
    status: int


class RestApi:
    """A small aiohttp server. `base_url` is what `TWILIO_API_BASE` must be while it runs."""

    def __init__(self, account: Account, calls: Mapping[str, LiveCall], port: int = 0) -> None:
        self._account = account
        self._port = port
        self._calls = calls
        self.requests: list[ApiRequest] = []
        self.base_url = ""
        app = web.Application()
        path = API_ROOT + "/Accounts/{account}/Calls/{call:[^/.]+}.json"
        app.router.add_post(path, self._answer)
        app.router.add_get(path, self._answer)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        try:
            self._authenticate(request)
            call = self._find(request)
            if request.method == "POST":
                update(call, form, not_found(request.path))
            response = web.json_response(call.resource())
        except ApiError as error:
            response = error.response()
        self.requests.append(ApiRequest(request.method, request.path, form, response.status))
        return response

    def _authenticate(self, request: web.Request) -> None:
        try:
            given = aiohttp.BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            raise ApiError(401, 20003, "Authenticate") from None
        known = given.login == self._account.sid
        if not hmac.compare_digest(given.password, self._account.auth_token) or not known:
            raise ApiError(401, 20003, "Authenticate")

    def _find(self, request: web.Request) -> LiveCall:
        call = self._calls.get(request.match_info["call"])
        if call is None or request.match_info["account"] != self._account.sid:
            raise not_found(request.path)
        return call


def not_found(path: str) -> ApiError:
    return ApiError(404, 20404, f"The requested resource {path} was not found")


def update(call: LiveCall, form: Mapping[str, str], gone: ApiError) -> None:
    """Apply one update, or raise ApiError. `canceled` does not touch a call in progress, as documented."""
    if "Twiml" in form or "Url" in form:
        _redirect(call, form)
    elif form.get("Status") == "completed":
        if not call.live:
            raise gone
        call.complete()
    elif form.get("Status") != "canceled":
        raise ApiError(400, 20001, "Status, Twiml or Url is required")


def _redirect(call: LiveCall, form: Mapping[str, str]) -> None:
    if "Twiml" in form and "Url" in form:
        raise ApiError(400, 20001, "Twiml and Url are mutually exclusive")
    if len(form.get("Twiml", "")) > TWIML_LIMIT:
        raise ApiError(400, 20001, f"Twiml is longer than {TWIML_LIMIT} characters")
    if not call.live:
        raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
    call.redirect(url=form.get("Url"), twiml=form.get("Twiml"))
