"""One process's part of a run: conversations with each entry, and what came of them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

from loguru import logger

from bench.fuzz.entries import ENTRIES, Entry, Feed, Foreign, World, a_world

BUDGET_MS = 20.0  # of CPU for a step of the event loop
INPUTS = 20  # in a conversation, at most
COLLECT_EVERY = 2000  # inputs; in between the garbage collector is off, so that no step is charged for another's
BIG = 4096  # bytes of a corpus's file; there are enough others
TRIES = 3  # of a step that seems to be the worst: the least of them counts


@dataclass(frozen=True, slots=True)
class Step:
    """The last of `inputs`, after the others."""

    entry: str
    ms: float  # of CPU
    inputs: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that is not of the entry's own."""

    entry: str
    what: str
    where: str
    inputs: tuple[bytes, ...] = field(repr=False)


@dataclass(slots=True)
class Report:
    """What a process found; `failures` has one of each kind, `foreign` counts them all."""

    inputs: Counter[str] = field(default_factory=Counter)
    foreign: int = 0
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    worst: dict[str, Step] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        self.inputs += other.inputs
        self.foreign += other.foreign
        self.failures = other.failures | self.failures
        for name, step in other.worst.items():
            if name not in self.worst or step.ms > self.worst[name].ms:
                self.worst[name] = step


def quiet() -> None:
    """For a process of its own: what entries and their libraries log is not shown."""
    logger.remove()
    logging.disable()


def fuzz(seed: int, part: int, counts: dict[str, int]) -> Report:
    """So many inputs for each entry. The same seed and part give the same inputs."""
    return asyncio.run(_fuzz(seed, part, counts))


async def _fuzz(seed: int, part: int, counts: dict[str, int]) -> Report:
    report = Report()
    async with a_world() as world:
        for entry in ENTRIES:
            if counts.get(entry.name):
                await _Trial(entry, world, Random(f"{seed} {part} {entry.name}"), report).run(counts[entry.name])
    return report


class _Trial:
    def __init__(self, entry: Entry, world: World, random: Random, report: Report) -> None:
        self._entry = entry
        self._world = world
        self._random = random
        self._report = report
        self._complaints: list[dict[str, Any]] = []
        self._all = [data for _, data in entry.corpus]
        self._weights = [1 if len(data) < BIG else 0.1 for data in self._all]
        self._intact = [data for in_order, data in entry.corpus if in_order]
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: self._complaints.append(context))

    async def run(self, count: int) -> None:
        gc.collect()
        stood = gc.get_freeze_count()  # what another has frozen stays so
        gc.freeze()
        gc.disable()
        done = 0
        try:
            while done < count:
                if done // COLLECT_EVERY != self._report.inputs[self._entry.name] // COLLECT_EVERY:
                    gc.collect()
                self._report.inputs[self._entry.name] = done
                done += await self._conversation(min(count - done, self._random.randint(1, INPUTS)))
        finally:
            self._report.inputs[self._entry.name] = done
            gc.enable()
            if not stood:
                gc.unfreeze()

    async def _conversation(self, length: int) -> int:
        """The number of inputs, those of a conversation that is in order not counted; the first failure ends it."""
        random, feed, inputs = self._random, self._entry.make(self._world), []
        ahead = iter(self._intact)
        begun = random.randrange(len(self._intact) + 1)
        for number in range(length):
            for data in islice(ahead, begun if not number else random.choice((0, 0, 0, 1))):
                inputs.append(data)
                await self._step(feed, inputs)
            data = self._entry.mutate(random, random.choices(self._all, self._weights)[0], self._all)
            inputs.append(data[: self._entry.longest])
            if not await self._step(feed, inputs):
                return number + 1
        if self._entry.ends is not None:
            try:
                self._entry.ends(feed)
            except Exception as error:
                self._fail(error, inputs)
        return length

    async def _step(self, feed: Feed, inputs: Sequence[bytes]) -> bool:
        """False after a failure."""
        ms, error = await self._timed(feed, inputs[-1])
        if error is not None:
            self._fail(error, inputs)
            return False
        worst = self._report.worst.get(self._entry.name)
        if worst is None or ms > worst.ms:
            for _ in range(TRIES - 1):
                ms = min(ms, await self._again(inputs))
            if worst is None or ms > worst.ms:
                self._report.worst[self._entry.name] = Step(self._entry.name, ms, tuple(inputs))
        return True

    async def _timed(self, feed: Feed, data: bytes) -> tuple[float, Exception | None]:
        """CPU of one step, and its failure, unless it is one of the entry's own."""
        self._complaints.clear()
        failure: Exception | None = None
        began = time.thread_time()
        try:
            if inspect.isawaitable(result := feed(data)):
                await result
        except self._entry.own:
            pass
        except Exception as error:
            failure = error
        ms = (time.thread_time() - began) * 1000
        if failure is None and self._complaints:
            told = self._complaints[0]
            failure = told.get("exception") or Foreign(told["message"])
        return ms, failure

    async def _again(self, inputs: Sequence[bytes]) -> float:
        feed, ms = self._entry.make(self._world), 0.0
        for data in inputs:
            ms, _ = await self._timed(feed, data)
        return ms

    def _fail(self, error: Exception, inputs: Sequence[bytes]) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        where = f"{last[0].filename.rpartition('/')[2]}:{last[0].lineno}" if last else "a callback"
        text = repr(error)[:300]
        self._report.foreign += 1
        kind = (self._entry.name, text if isinstance(error, Foreign) else f"{type(error).__name__} {where}")
        self._report.failures.setdefault(kind, Failure(self._entry.name, text, where, tuple(inputs)))
