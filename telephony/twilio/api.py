"""Twilio's REST API: the account, its numbers, messages, and what the control of live calls sends (rest.py).

https://www.twilio.com/docs/usage/requests-to-twilio and /twilios-response: forms in, JSON out, HTTP basic
authentication; an error is `{"code": 21610, "message": ..., "status": 400}`. The API knows no idempotency key.

    TwilioError         `code` is Twilio's, if it gave one
    ├── NotAsked        Twilio was not reached: nothing was done
    ├── Refused         Twilio said no: nothing was done
    └── Unanswered      the request was sent and no answer came: it may have been carried out
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from common.settings import Settings

API_ROOT = "/2010-04-01"
TIMEOUT_S = 3.0  # for one request; below TOOL_TIME_LIMIT_S, so that a tool can still say what came of it
MAX_ANSWER_BYTES = 1_000_000  # a page of 50 numbers has some 60,000


class TwilioError(Exception):
    """The text is for operators: it may quote a number, and goes to no log. `reason` is a word for records."""

    code: int | None = None

    @property
    def reason(self) -> str:
        return type(self).__name__.lower()


class NotAsked(TwilioError):
    """No connection."""


class Unanswered(TwilioError):
    """No answer, or none that can be read."""


class Refused(TwilioError):
    """An answer of HTTP 300 or above."""

    def __init__(self, status: int, code: int | None, message: str) -> None:
        super().__init__(f"HTTP {status}{f', error {code}' if code else ''}: {message or 'no reason given'}")
        self.status = status
        self.code = code

    @property
    def reason(self) -> str:
        return str(self.code or f"HTTP {self.status}")


def explained(error: TwilioError) -> str:
    """Return what went wrong, and what an operator can do about it."""
    match error:
        case Refused(status=401):
            return (
                f"{error}. TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not this account's: see the Console's home page"
            )
        case NotAsked():
            return f"{error}: look at the network, and at TWILIO_API_BASE"
        case Refused(status=404):
            return f"{error}. This account has nothing of that name"
        case _:
            return str(error)


class TwilioApi:
    """One account. Its HTTP session is opened at the first use; `close` it at the end, or use `async with`."""

    def __init__(self, account_sid: str, auth_token: str, api_base: str, timeout_s: float = TIMEOUT_S) -> None:
        self._authorization = aiohttp.encode_basic_auth(account_sid, auth_token)
        self._account = f"{api_base.rstrip('/')}{API_ROOT}/Accounts/{quote(account_sid, safe='')}"
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_settings(cls, settings: Settings, timeout_s: float = TIMEOUT_S) -> Self | None:
        """None without an account and a token."""
        if not settings.twilio_account_sid or not settings.twilio_auth_token:
            return None
        token = settings.twilio_auth_token[0].get_secret_value()
        return cls(settings.twilio_account_sid, token, settings.twilio_api_base, timeout_s)

    async def get(self, resource: str = "", **query: str) -> Mapping[str, Any]:
        """Return a resource of the account, by default the account itself. Raise TwilioError."""
        return await self._request("GET", resource, params=query)

    async def post(self, resource: str, fields: Mapping[str, str], sid: str = "") -> Mapping[str, Any]:
        """Create a resource of the account, or change the one with a `sid`, and return it. Raise TwilioError."""
        return await self._request("POST", resource, sid, data=fields)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _request(self, method: str, resource: str, sid: str = "", **what: Any) -> Mapping[str, Any]:
        status, told = await self.send(method, resource, sid, **what)
        if status >= 300:
            code, message = told.get("code"), told.get("message")
            raise Refused(status, code if isinstance(code, int) else None, str(message or "")[:300])
        if not told:
            raise Unanswered("Twilio's answer is no JSON object")
        return told

    async def send(self, method: str, resource: str, sid: str = "", **what: Any) -> tuple[int, Mapping[str, Any]]:
        """Return HTTP's status and the answer's JSON object, empty where it is none; `what` are aiohttp's `params` and
        `data`. Raise NotAsked or Unanswered."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        path = "/".join(quote(part, safe="") for part in (resource, sid) if part)
        url = f"{self._account}/{path}.json" if path else f"{self._account}.json"
        headers = {"Authorization": self._authorization}
        try:
            async with self._session.request(method, url, headers=headers, allow_redirects=False, **what) as response:
                body = await _bounded(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotAsked("Twilio cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unanswered("Twilio did not answer") from error
        return response.status, _object(body)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return b""
    return bytes(body)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
