"""Spent stream tokens that outlast the store: a call rings while it is down, and is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from loguru import logger

from common.tasks import TaskSet
from data.errors import DataError
from telephony.stream_tokens import SpentInMemory, SpentNonces

SPEND_LIMIT_S = 1.0  # how long a stream's start waits for the store
AGAIN_S = 2.0  # between tries to spend a nonce that the store did not take


class OutlastingNonces:
    """`SpentNonces` in a store, with those of this process before it.

    A token that comes here is good by its signature and its time. Where the store does not say in time whether it was
    spent before, it is taken for unspent and spent in the store as soon as that answers, until the token expires.
    What is left while the store is down: somebody who has read a caller's token and Twilio's signed request may use
    both within the token's minute, in another process than the caller's, and for that call alone.
    """

    def __init__(
        self,
        shared: SpentNonces,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Unix seconds."""
        self._shared = shared
        self._here = SpentInMemory(clock)
        self._clock = clock
        self._tasks = TaskSet()

    async def consume_nonce(self, nonce: str, expires: datetime) -> bool:
        """Never raises what is the store's."""
        if not await self._here.consume_nonce(nonce, expires):
            return False
        is_first = await self._ask(nonce, expires)
        if is_first is None:
            logger.warning("a stream token is taken for unspent: the store does not say")
            self._tasks.create(self._spend_later(nonce, expires), "spend a stream token")
        return is_first is not False

    async def close(self) -> None:
        """Spend no more: a server that ends takes no calls, and the tokens live for a minute."""
        await self._tasks.cancel()

    async def _spend_later(self, nonce: str, expires: datetime) -> None:
        while datetime.fromtimestamp(self._clock(), UTC) < expires:
            await asyncio.sleep(AGAIN_S)
            if await self._ask(nonce, expires) is not None:  # False: by the try that was given up, most likely
                return

    async def _ask(self, nonce: str, expires: datetime) -> bool | None:
        """Return None where the store does not say."""
        try:
            async with asyncio.timeout(SPEND_LIMIT_S):
                return await self._shared.consume_nonce(nonce, expires)
        except (DataError, TimeoutError) as error:
            logger.debug("the store does not spend a token: {!r}", error)
            return None
