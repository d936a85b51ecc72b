"""ECS task protection: a task that holds calls is not stopped by a scale-in or a deployment.

Source: the ECS task scale-in protection endpoint, PUT $ECS_AGENT_URI/task-protection/v1/state, which every Fargate
task has: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sized
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp
from loguru import logger

from common.log import error_text

STATE_PATH = "/task-protection/v1/state"
EXPIRES_MINUTES = 60  # should this process hang, the task is free again after so long
REFRESH_INTERVAL_S = 15 * 60.0
RETRY_DELAY_S = 5.0
REQUEST_TIMEOUT_S = 5.0


class Calls(Protocol):
    """Whether there are calls: agent.active_calls.Switchboard, or all processes' together."""

    @property
    def live(self) -> Sized: ...
    async def turned(self, *, busy: bool) -> None: ...


class TaskProtection:
    """Asks for protection with the first call, renews it while there are calls, and gives it up after the last."""

    def __init__(
        self, agent_uri: str, calls: Calls, *, refresh_s: float = REFRESH_INTERVAL_S, retry_s: float = RETRY_DELAY_S
    ) -> None:
        self._url = agent_uri.rstrip("/") + STATE_PATH
        self._calls = calls
        self._refresh_s = refresh_s
        self._retry_s = retry_s
        self.protected = False

    async def run(self) -> None:
        """Follow the calls until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)) as http:
            while True:
                wanted = bool(self._calls.live)
                if wanted or self.protected:
                    await self._set(http, wanted)
                await self._pause(wanted)

    async def _pause(self, wanted: bool) -> None:
        """Sleep until the calls begin or end, the protection needs renewing, or a refused request another try."""
        settled = self.protected == wanted
        timeout = (self._refresh_s if wanted else None) if settled else self._retry_s
        try:
            async with asyncio.timeout(timeout):
                await self._calls.turned(busy=not wanted)
        except TimeoutError:
            return

    async def _set(self, http: aiohttp.ClientSession, protect: bool) -> None:
        state: dict[str, object] = {"ProtectionEnabled": protect}
        if protect:
            state["ExpiresInMinutes"] = EXPIRES_MINUTES
        try:
            async with http.put(self._url, json=state) as response:
                body = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            logger.warning("task protection not changed: {}", error_text(error))
            return
        if response.status == 200 and "protection" in body:
            self.protected = protect
        else:
            logger.warning("task protection refused: HTTP {}, {}", response.status, body)


@asynccontextmanager
async def task_protection(agent_uri: str | None, calls: Calls) -> AsyncIterator[None]:
    """Protect the task for as long as the server runs; does nothing outside ECS."""
    if agent_uri is None:
        yield
        return
    following = asyncio.create_task(TaskProtection(agent_uri, calls).run(), name="task protection")
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
