"""What the server tells of a call: its live events and its record.

`GET /calls/{CallSid}/events` is a text/event-stream that ends with the call; `GET /calls/{CallSid}` answers
`{"success": true, "data": {...}}`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import aiohttp

from sandbox.twilio.errors import ServerUnavailable, why

KNOWN_WITHIN_S = 15.0  # from dialling to the webhook that makes the call known
ENDED_WITHIN_S = 5.0  # from hanging up to the record's outcome
RETRY_S = 0.1


class CallFeed:
    """An async context manager on one server. Every failure is ServerUnavailable, in words for a person."""

    def __init__(self, base_url: str, api_key: str | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"X-API-Key": api_key} if api_key else {}

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._http = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def events(self, call_sid: str) -> AsyncIterator[dict[str, Any]]:
        """Everything the server tells of the call, from its beginning to its end."""
        url = f"{self._base_url}/calls/{call_sid}/events"
        try:
            async with await self._open(url) as response:
                async for line in response.content:
                    if line.startswith(b"data:"):
                        yield json.loads(line.removeprefix(b"data:"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ServerUnavailable(f"{url}: {why(error)}") from error

    async def record(self, call_sid: str) -> dict[str, Any]:
        """The call's record, as soon as it has an outcome; after a while, as it is."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + ENDED_WITHIN_S
        while True:
            record = await self._record(call_sid)
            if record.get("outcome") is not None or loop.time() >= give_up:
                return record
            await asyncio.sleep(RETRY_S)

    async def _open(self, url: str) -> aiohttp.ClientResponse:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + KNOWN_WITHIN_S
        while True:
            response = await self._http.get(url)
            if response.status == 200:
                return response
            response.release()
            if response.status != 404 or loop.time() >= give_up:
                raise ServerUnavailable(f"no live events of the call: {url} answered {response.status}")
            await asyncio.sleep(RETRY_S)

    async def _record(self, call_sid: str) -> dict[str, Any]:
        url = f"{self._base_url}/calls/{call_sid}"
        try:
            async with self._http.get(url) as response:
                if response.status != 200:
                    raise ServerUnavailable(f"no record of the call: {url} answered {response.status}")
                return dict((await response.json())["data"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
            raise ServerUnavailable(f"{url}: {why(error)}") from error
