"""Streams opened before they are needed: a ringing call's TCP and TLS are done when its media stream starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from loguru import logger

from agent.sonic.errors import SonicError
from agent.sonic.session import Opener, Stream
from common.tasks import TaskSet

KEEP_S = 30.0  # less than Sonic's 55 s without events; a call that rings longer opens its stream itself


class StreamPreconnector:
    """Opens a stream for each announced call, and hands it over once. `ahead` False: it opens none, since a call's
    media may come to another process than the one that was told of it."""

    def __init__(
        self, opener_of: Callable[[str], Opener], model_id: str, keep_s: float = KEEP_S, *, ahead: bool = True
    ) -> None:
        self._opener_of = opener_of
        self._ahead = ahead
        self._model_id = model_id
        self._keep_s = keep_s
        self._opening: dict[str, asyncio.Task[Stream]] = {}
        self._closing = TaskSet()

    def prepare(self, call_id: str) -> None:
        """Begin to open a stream for a call that rings; it is closed unless `opener_for` takes it in time."""
        if not self._ahead or call_id in self._opening:
            return
        self._opening[call_id] = asyncio.create_task(
            self._opener_of(call_id).open(self._model_id), name=f"sonic stream ahead for {call_id}"
        )
        asyncio.get_running_loop().call_later(self._keep_s, self.forget, call_id)

    def forget(self, call_id: str) -> None:
        """Close the stream of a call that will not come."""
        if (opening := self._opening.pop(call_id, None)) is not None:
            self._closing.create(_close(opening), f"close of the stream ahead for {call_id}")

    def opener_for(self, call_id: str) -> Opener:
        """Return an opener whose first stream is the one that was prepared, if any."""
        opening, opener = self._opening.pop(call_id, None), self._opener_of(call_id)
        return opener if opening is None else _Prepared(opening, opener)

    async def close(self) -> None:
        """Close the streams that no call took."""
        for call_id in list(self._opening):
            self.forget(call_id)
        await self._closing.wait()


class _Prepared:
    def __init__(self, opening: asyncio.Task[Stream], opener: Opener) -> None:
        self._opening: asyncio.Task[Stream] | None = opening
        self._opener = opener

    async def open(self, model_id: str) -> Stream:
        opening, self._opening = self._opening, None
        return await (opening if opening is not None else self._opener.open(model_id))


async def _close(opening: asyncio.Task[Stream]) -> None:
    try:
        stream = await opening
    except SonicError as error:
        logger.debug("a stream opened ahead was not needed, and failed: {}", error)
    else:
        await stream.close()
