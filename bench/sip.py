"""`python -m bench.sip`: the SIP line beside the Twilio line, in one run: added latency, CPU and calls a core."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.machine import describe
from bench.measures import Steps, Talk, grow, load, ramp
from bench.stage import Stage, served, stage

LINES = ("ours", "sip")  # Twilio's line, and SIP's
CALLS = 10
TALK = Talk(6, 3, 2)
RAMP_TALK, STEPS = Talk(4, 3, 2), Steps(20, 5, 120)
_ROUNDS = 2


async def measure(standing: Stage, kind: str, *, ramps: bool) -> dict[str, Any]:
    """One server's figures."""
    async with served(standing, kind) as server:
        await grow(standing, CALLS, TALK)
        figures = await load(standing, server, TALK)
        figures.pop("latencies")
        row: dict[str, Any] = {"line": kind, "at": figures}
        if ramps:
            row["held"] = (await ramp(standing, server, RAMP_TALK, STEPS, figures))["held"]
        return row


async def run(rounds: int, *, ramps: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as folder:
        async with stage(Path(folder)) as standing:
            rows = [await measure(standing, kind, ramps=ramps) for _ in range(rounds) for kind in LINES]
    return {"machine": describe(), "rows": rows}


def told(row: dict[str, Any]) -> str:
    at = row["at"]
    latency, gap = at["added_latency_ms"], at["gap_ms"]
    line = (
        f"{row['line']:5} {at['calls']} calls: added latency p50/p99 {latency.get('p50')}/{latency.get('p99')} ms,"
        f" gaps p99 {gap.get('p99')} ms, {at['use']['cpu']} % of a core, lost {at['lost_out']['samples']} samples"
    )
    return line + (f", {row['held']} calls a core" if "held" in row else "")


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    result = asyncio.run(run(1 if quick else _ROUNDS, ramps=not quick))
    for row in result["rows"]:
        print(told(row))
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
