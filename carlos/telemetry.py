"""What the server measures of itself: its store, its event loop, and how often it tells CloudWatch."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime

from carlos.event_loop import measure_lag, steps_watched
from common import log, metrics
from data.backends.base import Backend, ConditionFailed, Item, Key, Put, Write
from data.errors import Unavailable
from data.tables import TableName

EMF_SECONDS = 30.0
SLOW_S = 0.4  # an operation that is given up after so long was waited for in vain
TOO_LATE = "it did not answer in time"


class MeasuredBackend:
    """A store's backend, timed. A condition that does not hold is an answer, not a failure. `noted` gets what is wrong
    after each operation, None where it was answered."""

    def __init__(self, backend: Backend, noted: Callable[[str | None], None] = lambda fault: None) -> None:
        self.name = backend.name
        self._backend = backend
        self._noted = noted

    async def get(self, table: TableName, pk: str, sk: str) -> Item | None:
        return await self._timed("get", self._backend.get(table, pk, sk))

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        return await self._timed("get_many", self._backend.get_many(table, keys))

    async def query(
        self,
        table: TableName,
        value: str,
        *,
        index: str | None = None,
        low: str | None = None,
        high: str | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        found = self._backend.query(table, value, index=index, low=low, high=high, descending=descending, limit=limit)
        return await self._timed("query", found)

    async def put(self, put: Put) -> None:
        await self._timed("put", self._backend.put(put))

    async def transact(self, writes: Sequence[Write]) -> None:
        await self._timed("transact", self._backend.transact(writes))

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        return await self._timed("add", self._backend.add(table, pk, sk, amount, expires))

    def scan(self, table: TableName) -> AsyncIterator[Sequence[Item]]:
        return self._backend.scan(table)

    async def count(self, table: TableName) -> int:
        return await self._backend.count(table)

    async def replace(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        await self._backend.replace(table, puts, deletes)

    async def check(self) -> Mapping[str, str]:
        return await self._backend.check()

    async def close(self) -> None:
        await self._backend.close()

    async def _timed[T](self, operation: str, work: Awaitable[T]) -> T:
        began, outcome, fault = time.perf_counter(), "failed", None
        try:
            result = await work
            outcome = "done"
            return result
        except ConditionFailed:
            outcome = "condition"
            raise
        except Unavailable as error:
            fault = str(error)
            metrics.STORE_ERRORS.add()
            raise
        except asyncio.CancelledError:
            fault = TOO_LATE
            raise
        finally:
            took_s = time.perf_counter() - began
            metrics.STORE_LATENCY.observe(took_s, operation=operation, outcome=outcome)
            if fault != TOO_LATE or took_s >= SLOW_S:  # who hangs up does not wait for an answer either
                self._noted(fault)


def emf_interval(setting: float | None) -> float:
    """How often metrics are written, in seconds; 0 for never. They are for CloudWatch, which reads no terminal."""
    if setting is not None:
        return setting
    return 0.0 if sys.stdout.isatty() else EMF_SECONDS


@asynccontextmanager
async def telemetry(
    emf_seconds: float, namespace: str = metrics.NAMESPACE, *, watch_steps: bool = False
) -> AsyncIterator[None]:
    """Watch the event loop, and write metrics to stdout every `emf_seconds`; not at all for 0. With `watch_steps` steps
    that take too long are named in the log."""
    tasks = [asyncio.create_task(measure_lag(), name="loop lag")]
    if emf_seconds:
        tasks.append(asyncio.create_task(_emit(emf_seconds, namespace), name="emf"))
    try:
        with steps_watched() if watch_steps else nullcontext():
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if emf_seconds:
            emit(namespace)


def emit(namespace: str = metrics.NAMESPACE) -> None:
    """Write what has been counted since the last call."""
    for line in metrics.emf(time.time_ns() // 1_000_000, namespace):
        log.write_line(line)


async def _emit(every_s: float, namespace: str) -> None:
    while True:
        await asyncio.sleep(every_s)
        emit(namespace)
