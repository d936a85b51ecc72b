"""`python -m bench.steps`: the steps of the event loop that a call's set-up, greeting and end are made of.

While a step lasts every other call waits, so the longest is what a storm of new calls costs those that talk. The CPU
time of the loop's thread is measured, which others on the machine make hardly longer. The server has asyncio's own loop
for it: uvloop does not tell where a step begins, and takes less for what it does itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.measures import Talk, grow
from bench.stage import served, stage
from bench.stats import summary

WARM_CALLS = 3  # not counted: what a process does once is another question
STAY_S = 1.0
TALK = Talk(10, 3, 2)
SHOWN = 12

type Steps = Mapping[str, Sequence[float]]  # ms of CPU of each step, by name


async def measure(calls: int, per_s: int, beside: int) -> dict[str, Any]:
    """The steps of so many calls, so many of them a second, and of those beside which they come."""
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as folder:
        async with stage(Path(folder)) as standing, served(standing, "ours", BENCH_STEPS="1") as server:
            ring = {"per_s": per_s, "stay_s": STAY_S}
            await standing.caller.ask("storm", seconds=WARM_CALLS / per_s, **ring)
            await grow(standing, beside, TALK)
            await server.lag()
            rang = await standing.caller.ask("storm", seconds=calls / per_s, **ring)
            steps: Steps = (await server.lag())["steps"]
    figures = {name: told(ms, calls) for name, ms in steps.items()}
    return {"calls": calls, "per_s": per_s, "beside": beside, "failed": rang["failed"], "steps": figures}


def told(ms: Sequence[float], calls: int) -> dict[str, Any]:
    return {"a_call": round(len(ms) / calls, 1), "ms_a_call": round(sum(ms) / calls, 2), "ms": summary(ms)}


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: the names whose longest step is longest, first."""
    return "\n".join(_lines(figures["steps"])) + "\n"


def _lines(steps: Mapping[str, Any]) -> Iterator[str]:
    yield "| step | in all | a call | p50 ms | longest ms | together, a call ms |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, row in sorted(steps.items(), key=lambda step: -step[1]["ms"]["max"])[:SHOWN]:
        ms = row["ms"]
        yield f"| `{name}` | {ms['n']} | {row['a_call']} | {ms['p50']} | {ms['max']} | {row['ms_a_call']} |"


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.steps", description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--per-s", type=int, default=4)
    parser.add_argument("--beside", type=int, default=0, help="calls that talk meanwhile")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.calls, options.per_s, options.beside))
    print(table(figures))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
