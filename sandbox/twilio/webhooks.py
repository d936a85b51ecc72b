"""Twilio's HTTP requests to the server: signed, bounded, tried again, and never anywhere but loopback.

Time-outs and retries are those of the URL's connection overrides (`sandbox.twilio.overrides`): without any, a failed
connection is tried once more. Every try of a request has the same I-Twilio-Idempotency-Token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from sandbox.twilio.account import Account, Route
from sandbox.twilio.errors import Code, TwilioFault, WebhookFault, why
from sandbox.twilio.overrides import Failure, Overrides, split
from sandbox.twilio.verbs import Method

FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Reply:
    url: str  # as signed: what relative URLs in the body are relative to
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Callback:
    """A status callback as it was sent, and how the server answered; 0 when it did not."""

    url: str
    params: Mapping[str, str]
    status: int


class Webhooks:
    """An async context manager. Callbacks leave one by one, in the order they were asked for."""

    def __init__(self, account: Account, route: Route, *, callbacks_twice: bool = False) -> None:
        self._account = account
        self._route = route
        self._callbacks: asyncio.Queue[tuple[str, Method, dict[str, str]]] = asyncio.Queue()
        self._times = 2 if callbacks_twice else 1
        self.callbacks: list[Callback] = []

    async def __aenter__(self) -> Self:
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"}
        # A kept connection that dies with its server takes the next POST down: whether the end is noticed first is
        # a matter of luck. So each request has a connection of its own.
        connector = aiohttp.TCPConnector(force_close=True)
        self._http = aiohttp.ClientSession(connector=connector, headers=headers)
        self._sender = asyncio.create_task(self._send_callbacks())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.drain()
        self._sender.cancel()
        await self._http.close()

    def absolute(self, url: str, base: str | None = None) -> str:
        """Resolve a URL of a document against the document's own, or the public base URL."""
        return urljoin(base or self._route.public_base_url.rstrip("/") + "/", url)

    async def request(self, url: str, params: Mapping[str, str], method: Method = "POST") -> Reply:
        """Fetch one document. Raises WebhookFault when there is no 2xx answer in time."""
        status, reply = await self._send(url, params, method)
        if not 200 <= status < 300:
            raise WebhookFault(Code.HTTP_RETRIEVAL_FAILURE, f"{method} {url} answered {status}")
        return reply

    def notify(self, url: str, params: Mapping[str, str], method: Method = "POST") -> None:
        """Send a status callback, after those before it; its answer changes nothing."""
        self._callbacks.put_nowait((url, method, dict(params)))

    async def drain(self) -> None:
        """Wait until every callback asked for has been answered or has failed."""
        await self._callbacks.join()

    async def _send_callbacks(self) -> None:
        while True:
            url, method, params = await self._callbacks.get()
            for _ in range(self._times):
                await self._send_callback(url, params, method)
            self._callbacks.task_done()

    async def _send_callback(self, url: str, params: dict[str, str], method: Method) -> None:
        try:
            status, _ = await self._send(url, params, method)
        except TwilioFault:
            status = 0
        self.callbacks.append(Callback(url, params, status))

    async def _send(self, url: str, params: Mapping[str, str], method: Method) -> tuple[int, Reply]:
        """The last answer of one request and its retries. Raises WebhookFault when there is none in time."""
        url, overrides = split(url)
        if method == "GET":
            url = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}" if params else url
        token = str(uuid4())
        try:
            async with asyncio.timeout(overrides.total_s):
                for _ in range(overrides.retries):
                    tried = await self._try(url, params, method, overrides, token)
                    if tried.failure is None or not overrides.retry(tried.failure):
                        return tried.answer()
                return (await self._try(url, params, method, overrides, token)).answer()
        except TimeoutError as error:
            raise WebhookFault(Code.HTTP_CONNECTION_FAILURE, f"{method} {url}: no answer in time") from error

    async def _try(
        self, url: str, params: Mapping[str, str], method: Method, overrides: Overrides, token: str
    ) -> Tried:
        form = params if method == "POST" else {}
        target, host = self._route.reach(url)
        signature = self._account.sign(url, form)
        headers = {"Host": host, "X-Twilio-Signature": signature, "I-Twilio-Idempotency-Token": token}
        body = urlencode(form).encode() if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = FORM
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=overrides.connect_s, sock_read=overrides.read_s)
        try:
            async with self._http.request(
                method, URL(target, encoded=True), data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                reply = Reply(url, response.content_type, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Tried("ct", fault=_connection(f"{method} {url}: {why(error)}"))
        except (aiohttp.ClientError, TimeoutError) as error:
            return Tried("rt", fault=_connection(f"{method} {url}: {why(error)}"))
        failure: Failure | None = "5xx" if response.status >= 500 else "4xx" if response.status >= 400 else None
        return Tried(failure, response.status, reply)


@dataclass(frozen=True, slots=True)
class Tried:
    """How one try went: an answer, or a fault."""

    failure: Failure | None
    status: int = 0
    reply: Reply | None = None
    fault: WebhookFault | None = None

    def answer(self) -> tuple[int, Reply]:
        if self.reply is None:
            raise self.fault or _connection("no answer")
        return self.status, self.reply


def _connection(detail: str) -> WebhookFault:
    return WebhookFault(Code.HTTP_CONNECTION_FAILURE, detail)
