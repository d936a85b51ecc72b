"""Keeps call records in the store as calls go on: the newest state of each, one write at a time."""

from __future__ import annotations

import asyncio

from loguru import logger

from agent.record import CallLog
from data.errors import DataError
from data.store import Store

RETRY_S = 1.0
TRIES = 3


class Keeper:
    """`changed` never waits and never fails; `settled` waits until what was said last is kept."""

    def __init__(self, store: Store, retry_s: float = RETRY_S) -> None:
        self._store = store
        self._retry_s = retry_s
        self._dirty: dict[str, CallLog] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    def changed(self, log: CallLog) -> None:
        self._dirty[log.id] = log
        if log.id not in self._writers:
            self._writers[log.id] = asyncio.create_task(self._write(log.id), name=f"keep {log.id}")

    async def settled(self) -> None:
        """Wait for every write under way."""
        while self._writers:
            await asyncio.gather(*self._writers.values(), return_exceptions=True)

    async def _write(self, call_id: str) -> None:
        try:
            while (log := self._dirty.pop(call_id, None)) is not None:
                await self._save(log)
        finally:
            del self._writers[call_id]

    async def _save(self, log: CallLog) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                await self._store.save_call(log.record())
            except DataError as error:
                logger.error("call record of {} not kept, try {} of {}: {!r}", log.id, attempt, TRIES, error)
                await asyncio.sleep(self._retry_s)
            else:
                return
