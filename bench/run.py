"""The whole benchmark: rounds of ours, stock, bare, ours, ... and what only ours has."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from bench.machine import describe
from bench.measures import Steps, Talk, barge_ins, grow, load, mb_per_call, ramp, rotation, tools, visits
from bench.report import summarise
from bench.stage import KINDS, Stage, served, stage
from common.times import BUENOS_AIRES
from data.backends.dynamo import DynamoBackend
from data.operators.seed import seed
from data.store import Store
from data.tables import TableName
from sandbox.ministack import CREDENTIALS, REGION, ministack

RESULTS = Path(__file__).parent / "results"
MINISTACK = Path(__file__).parents[1] / ".venv-ministack"
ROTATE_S = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    kinds: tuple[str, ...]
    rounds: int
    levels: tuple[int, ...]  # numbers of calls at which latency is measured
    talk: Talk
    ramp_talk: Talk
    steps: Steps
    visits: int
    barge_s: float
    quick: bool = False  # no rotation and no tools; beginnings, ends and interruptions of ours only


FULL = Plan(KINDS, 2, (1, 10, 25, 40), Talk(12, 3, 2), Talk(5, 3, 2), Steps(20, 5, 160), visits=8, barge_s=30)
QUICK = Plan(
    KINDS,
    1,
    (10,),
    Talk(3.5, 1.8, 1.2, spare_s=0.6),
    Talk(1.5, 1.4, 0.8, 0.03, 0.5),
    Steps(30, 15, 100),
    visits=2,
    barge_s=4,
    quick=True,
)


async def run(plan: Plan, console: Console) -> dict[str, Any]:
    """Measure everything of `plan`."""
    result: dict[str, Any] = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "plan": asdict(plan),
        "runs": [],
    }
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as folder:
        async with stage(Path(folder)) as standing:
            for number in range(plan.rounds):
                for kind in plan.kinds:
                    console.print(f"round {number + 1} of {plan.rounds}: {kind}")
                    result["runs"].append({"round": number + 1} | await _server(standing, kind, plan))
            if not plan.quick and "ours" in plan.kinds:
                console.print("rotation and tools")
                result["extras"] = await _extras(standing)
                if not MINISTACK.exists():
                    console.print("[yellow]no tools on DynamoDB: make bench installs the local AWS they need[/]")
    result["took_s"] = round(monotonic() - began, 1)
    result["summary"] = summarise(result)
    return result


async def _server(stage: Stage, kind: str, plan: Plan) -> dict[str, Any]:
    """One server, from its start to its end."""
    async with served(stage, kind) as server:
        row: dict[str, Any] = {"kind": kind, "ready_s": round(server.ready_s, 2), "idle_mb": round(server.rss_mb, 1)}
        row["visits"] = await visits(stage, server, 0 if plan.quick and kind != "ours" else plan.visits)
        row["levels"], calls = [], 0
        for level in plan.levels:
            await grow(stage, level - calls, plan.talk)
            calls = level
            row["levels"].append(await load(stage, server, plan.talk))
        up = None if len(plan.levels) > 1 else row["levels"][0]
        if up is None:
            await stage.caller.ask("leave")
        row["ramp"] = await ramp(stage, server, plan.ramp_talk, plan.steps, up)
        row["mb_per_call"] = mb_per_call([*row["levels"], *row["ramp"]["steps"]])
        if kind == "ours" or (kind == "stock" and not plan.quick):  # the bare bridge knows no interruption
            row["barge_in"] = await barge_ins(stage, 10, plan.barge_s)
    return row


async def _extras(stage: Stage) -> dict[str, Any]:
    async with served(stage, "ours", BENCH_ROTATE_S=str(ROTATE_S)):
        extras: dict[str, Any] = {"rotation": await rotation(stage)}
    async with served(stage, "ours"):
        extras["tool_ms"] = {"sqlite": await tools(stage, 10)}
    if MINISTACK.exists():
        with ministack("dynamodb") as endpoint:
            async with _seeded(endpoint), served(stage, "ours", STORE="dynamodb", DYNAMODB_ENDPOINT=endpoint):
                extras["tool_ms"]["dynamodb"] = await tools(stage, 10)
    return extras


@asynccontextmanager
async def _seeded(endpoint: str) -> AsyncIterator[None]:
    """The tables that a server without other settings looks for, with the demo records."""
    names = dict(_table_names())
    backend = await DynamoBackend.open(names, region=REGION, endpoint=endpoint, credentials=CREDENTIALS)
    await backend.create_tables()
    store = Store(backend)
    await seed(store, datetime.now(UTC).astimezone(BUENOS_AIRES).date())
    try:
        yield
    finally:
        await store.close()


def _table_names() -> Iterator[tuple[TableName, str]]:
    for table in TableName:
        yield table, f"nova-sonic-server-app-demo-{table}"


def save(result: dict[str, Any], folder: Path = RESULTS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['began'].replace(':', '')}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def bench(plan: Plan, console: Console) -> dict[str, Any]:
    return asyncio.run(run(plan, console))
