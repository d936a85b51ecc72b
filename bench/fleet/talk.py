"""A call's streams, one after another, as its session has them: lost and had again, replaced when they are old."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from agent.sonic.budget import INCIDENT_S
from agent.sonic.errors import SonicError, SonicThrottled
from agent.sonic.regional import CallStreams
from bench.fleet.score import Loss

ROTATE_S = (400.0, 430.0)  # a stream's age when it is replaced
RESERVE_S = 2.0  # for which the old one is kept then
RECONNECT_S = (0.1, 1.0)  # between two tries of a call whose stream is lost


class Talk:
    """`end` is when the caller hangs up, and `has_stream` is called for each that the call had."""

    def __init__(self, streams: CallStreams, end: float, chance: random.Random, has_stream: Callable[[], None]) -> None:
        self._streams = streams
        self._end = end
        self._chance = chance
        self._has_stream = has_stream
        self._loop = asyncio.get_running_loop()
        self._open: list[Any] = []
        self._trouble = Loss.OUT  # why there was no stream at the last try

    async def run(self) -> Loss | None:
        """Return None at the call's end, or why it has no stream: a session gives up after so long, and says so."""
        while True:
            stream = await self._dial_until(self._loop.time() + INCIDENT_S)
            if stream is None:
                return self._trouble
            self._has_stream()
            self._streams.proved()
            if await self._talk(stream):
                return None
            self._streams.failed()

    async def close(self) -> None:
        for stream in list(self._open):
            await self._close(stream)

    async def _talk(self, stream: Any) -> bool:
        """Return True at the call's end, False when the stream is lost."""
        while True:
            rotation = self._loop.time() + self._chance.uniform(*ROTATE_S)
            try:
                async with asyncio.timeout_at(min(self._end, rotation)):
                    await stream.receive()
            except TimeoutError:
                if self._loop.time() >= self._end:
                    return True
            except SonicError:
                await self._close(stream)
                return False
            with suppress(SonicError):
                fresh = await self._dial()
                await asyncio.sleep(RESERVE_S)
                await self._close(stream)
                stream = fresh

    async def _dial_until(self, limit: float) -> Any | None:
        while True:
            try:
                async with asyncio.timeout_at(limit):
                    return await self._dial()
            except (SonicError, TimeoutError):
                self._streams.failed()
            if self._loop.time() >= min(limit, self._end):
                return None
            await asyncio.sleep(self._chance.uniform(*RECONNECT_S))

    async def _dial(self) -> Any:
        try:
            await self._streams.admit()
        except SonicThrottled:
            self._trouble = Loss.NO_LEASE
            raise
        try:
            stream = await self._streams.open("sonic")
        except SonicError as error:
            self._trouble = Loss.THROTTLED if isinstance(error, SonicThrottled) else Loss.OUT
            raise
        self._open.append(stream)
        return stream

    async def _close(self, stream: Any) -> None:
        self._open.remove(stream)
        await stream.close()
