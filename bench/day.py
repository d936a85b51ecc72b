"""`make day`: a scripted day of calls whose truth is known, against what the owner is told of it the morning after.

Each caller of `bench.day_calls` is told to the product's own objects: the toolbox on a store with the sample business,
the transcript, the floor that measures silence, the record writer. Then the day is read as the console reads it, over
REST: the list of calls, a search for each disposition and each flag, the day's counters. Every figure is compared with
the script.

Webhooks tell a receiver of all of it; the process that sends is killed in the middle, and another one goes on.

The last line is a JSON object. The exit code is 1 unless every call came to what it is known to have come to, flags are
right in 95 of 100 cases, both ways, and each event reached the receiver, once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
from fastapi import FastAPI
from loguru import logger

from agent.record_writer import CallRecordWriter
from api.application import guard, mount, record_routers
from bench.day_calls import SCRIPTS, Caller, DayClock, Truth
from bench.day_webhooks import FAILS_FIRST, count, seeded, tells
from bench.webhook_receiver import WebhookReceiver, receiving
from common.settings import Settings
from common.times import BUENOS_AIRES
from common.webhooks import new_secret
from data.call_flags import Flag
from data.dispositions import Disposition
from data.models import Line
from data.open import SQLITE_FILE, open_sqlite
from data.operators.seed import seed
from data.store import Store

CALLS = 200
BEGINS = datetime(2026, 11, 23, 8, 30, tzinfo=BUENOS_AIRES)  # a Monday
LEAST = 0.95


@dataclass
class Told:
    """What the owner is told, by call."""

    calls: dict[str, dict[str, Any]]
    found: dict[str, frozenset[str]]  # what was searched for -> the calls that were found
    day: dict[str, Any]


@dataclass
class Verdict:
    wrong: list[str] = field(default_factory=list)  # a sentence each
    calls_wrong: set[str] = field(default_factory=set)
    right: int = 0  # flags
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    def note(self, call_id: str, sentence: str) -> None:
        self.calls_wrong.add(call_id)
        self.wrong.append(f"{call_id[-4:]}: {sentence}")


async def hold(store: Store, clock: DayClock, calls: int, seed_: int) -> dict[str, Truth]:
    """Hold the calls one after the other, all scripts in turn in an order drawn from the seed; return what is known."""
    chance, writer = random.Random(seed_), CallRecordWriter(store)  # noqa: S311 - an order
    scripts = [SCRIPTS[number % len(SCRIPTS)] for number in range(calls)]
    chance.shuffle(scripts)
    known: dict[str, Truth] = {}
    for number, script in enumerate(scripts, 1):
        line = Line.BROWSER if number % 8 == 0 and script.__name__ not in ("wants_a_call",) else Line.PHONE
        caller = Caller(store, writer, clock, number, line)
        known[caller.id] = await script(caller)
        clock.advance(chance.uniform(1, 60))
    await writer.settled()
    return known


async def read(store: Store, clock: DayClock, home: Path) -> Told:
    """The day as the console reads it."""
    app, settings = FastAPI(), Settings(_env_file=None, carlos_home=home, rate_limit_per_minute=100_000)
    mount(app, record_routers(settings, store, clock=clock))
    guard(app, settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8081") as http:
        calls = await _all(http, {})
        searches = [("disposition", str(each)) for each in Disposition] + [("flag", str(each)) for each in Flag]
        found = {value: frozenset(await _all(http, {name: value})) for name, value in searches}
        day = BEGINS.date().isoformat()
        stats = (await http.get("/stats", params={"from": day, "to": day})).json()["data"]
    return Told(calls, found, stats["total"])


async def _all(http: httpx.AsyncClient, asked: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor: dict[str, str] = {}
    while True:
        answer = await http.get("/calls", params={**asked, "limit": "50", **cursor})
        answer.raise_for_status()
        found |= {call["id"]: call for call in answer.json()["data"]}
        if "x-next-cursor" not in answer.headers:
            return found
        cursor = {"cursor": answer.headers["x-next-cursor"]}


def judge(known: Mapping[str, Truth], told: Told) -> Verdict:
    """Each call, each search and the day's sums against what is known."""
    verdict = Verdict()
    for call_id, truth in known.items():
        call = told.calls.get(call_id)
        if call is None:
            verdict.note(call_id, "not in the list")
            continue
        if (call["disposition"], call["done"]) != (truth.disposition, dict(truth.done)):
            verdict.note(call_id, f"{call['disposition']} {call['done']}, not {truth.disposition} {dict(truth.done)}")
        flags = {each["flag"] for each in call["flags"]}
        _count_flags(verdict, call_id, truth, flags)
        for value in {*Disposition, *Flag}:
            expected = value in flags if isinstance(value, Flag) else value in {truth.disposition, *truth.done}
            if (call_id in told.found[value]) is not expected:
                verdict.note(call_id, f"a search for {value} is wrong")
    _judge_day(verdict, known, told.day)
    return verdict


def _count_flags(verdict: Verdict, call_id: str, truth: Truth, flags: set[str]) -> None:
    verdict.right += len(flags & truth.flags)
    verdict.false += len(flags - truth.flags)
    verdict.missed += len(truth.flags - flags)
    if flags != truth.flags:
        verdict.wrong.append(f"{call_id[-4:]}: flags {sorted(flags)}, not {sorted(truth.flags)}")


def _judge_day(verdict: Verdict, known: Mapping[str, Truth], day: Mapping[str, Any]) -> None:
    sums: Counter[str] = Counter()
    for truth in known.values():
        sums.update(truth.done)
    dispositions = Counter(truth.disposition for truth in known.values())
    wanted = {"calls": len(known), "dispositions": dict(dispositions), "done": dict(sums)}
    for name, value in wanted.items():
        if day[name] != value:
            verdict.note("day", f"{name}: {day[name]}, not {value}")


async def run(calls: int, seed_: int, home: Path) -> tuple[dict[str, Any], Verdict]:
    clock = DayClock(BEGINS)
    store = await open_sqlite(home / SQLITE_FILE, clock)
    try:
        await seed(store, BEGINS.date())
        of_old = await seeded(store)
        async with receiving(WebhookReceiver(new_secret(), list(FAILS_FIRST))) as receiver:
            tells(store, receiver.url)
            known = await hold(store, clock, calls, seed_)
            if clock() >= BEGINS.replace(hour=0) + timedelta(days=1):
                raise RuntimeError("the day is too short for so many calls")
            verdict = judge(known, await read(store, clock, home))
            deliveries = await count(store, clock(), home, receiver, known, of_old)
    finally:
        await store.close()
    return {
        "calls": len(known),
        "dispositions_wrong": len(verdict.calls_wrong),
        "flags_precision": round(verdict.precision, 4),
        "flags_recall": round(verdict.recall, 4),
        "webhooks_missed": deliveries.missed,
        "webhooks_doubled": deliveries.doubled,
    }, verdict


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.day", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="Keep the day's store here, for the console: CARLOS_HOME.")
    options = parser.parse_args()
    logger.remove()
    with tempfile.TemporaryDirectory(prefix="carlos-day-") as folder:
        result, verdict = asyncio.run(run(options.calls, options.seed, options.home or Path(folder)))
    for sentence in verdict.wrong[:40]:
        print(sentence, file=sys.stderr)
    print(json.dumps(result))
    is_right = result["dispositions_wrong"] == 0 and min(verdict.precision, verdict.recall) >= LEAST
    sys.exit(0 if is_right and not (result["webhooks_missed"] or result["webhooks_doubled"]) else 1)


if __name__ == "__main__":
    main()
