"""Twilio's HTTP requests to the server: signed, bounded, and never anywhere but loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from sandbox.twilio.account import Account, Route
from sandbox.twilio.errors import Code, TwilioFault, WebhookFault
from sandbox.twilio.verbs import Method

TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)  # seconds; twilio.com/docs/usage/webhooks
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

    def __init__(self, account: Account, route: Route) -> None:
        self._account = account
        self._route = route
        self._callbacks: asyncio.Queue[tuple[str, Method, dict[str, str]]] = asyncio.Queue()
        self.callbacks: list[Callback] = []

    async def __aenter__(self) -> Self:
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"}
        # A kept connection that dies with its server takes the next POST down: whether the end is noticed first is
        # a matter of luck. So each request has a connection of its own.
        connector = aiohttp.TCPConnector(force_close=True)
        self._http = aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, headers=headers)
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
            try:
                status, _ = await self._send(url, params, method)
            except TwilioFault:
                status = 0
            self.callbacks.append(Callback(url, params, status))
            self._callbacks.task_done()

    async def _send(self, url: str, params: Mapping[str, str], method: Method) -> tuple[int, Reply]:
        if method == "GET":
            url = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}" if params else url
        form = params if method == "POST" else {}
        target, host = self._route.reach(url)
        headers = {"Host": host, "X-Twilio-Signature": self._account.sign(url, form)}
        body = urlencode(form).encode() if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = FORM
        try:
            async with self._http.request(
                method, URL(target, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                return response.status, Reply(url, response.content_type, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WebhookFault(Code.HTTP_CONNECTION_FAILURE, f"{method} {url}: {error!r}") from error
