"""`python -m bench.hostile`: what ten calls notice of one browser that sends whatever it can. The last line is a JSON
object, and the exit code is 1 where they notice something.

The same ten calls are measured without it, with it, and without it again: a machine that is busy with something else
is so in all three. Calls take memory of their own as they last, so they are watched alone for as long as with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop
from loguru import logger
from rich.console import Console

from bench.child import started
from bench.measures import Talk, grow
from bench.stage import LOAD_CORE, Served, Stage, served, stage
from bench.stats import summary

CALLS = 10
HOSTILE_S = 60.0
QUIET_S = 20.0  # after
TALK = Talk(seconds=0.0, period_s=3.0, answer_s=2.0)
WARM_UP_S = 12.0  # the first turns of ten calls cost memory of their own
SAMPLE_S = 0.5  # between readings of the server's memory
LIMIT_S = 240.0

RSS_MB = 10.0  # that the browser may cost the server
GAP_MS, GAP_SHARE = 5.0, 0.25  # by which the 99th percentile of the calls' gaps may be worse, whichever is more


async def hostile(seconds: float, quiet_s: float, console: Console) -> dict[str, Any]:
    """Measure; ends by itself, with everything it started."""
    with tempfile.TemporaryDirectory(prefix="carlos-hostile-") as name:
        folder = Path(name)
        async with (
            asyncio.timeout(LIMIT_S),
            stage(folder) as stood,
            started("bench.flood", core=LOAD_CORE, log=folder / "flood.log") as browser,
            served(stood, "ours", BROWSER_TOKENS="false") as server,
        ):
            await grow(stood, CALLS, TALK)
            await asyncio.sleep(WARM_UP_S)
            console.print(f"{CALLS} calls alone for {seconds:g} s, with the browser for as long, and alone again")
            before = await _watched(stood, server, seconds)
            raging = asyncio.create_task(browser.ask("rage", port=server.target["port"], seconds=seconds))
            during = await _watched(stood, server, seconds)
            attacks = await raging
            after = await _watched(stood, server, quiet_s)
            await stood.caller.ask("leave")
    return verdict(before, during, after) | {"attacks": attacks}


async def _watched(stage: Stage, server: Served, seconds: float) -> dict[str, Any]:
    """What happened on the calls in these seconds, and what the server took for it."""
    await server.lag()
    begin, memory = server.read(), [server.rss_mb]
    measuring = asyncio.create_task(stage.caller.ask("measure", seconds=seconds, settle_s=TALK.settle_s, audio=False))
    while not measuring.done():
        await asyncio.wait((measuring,), timeout=SAMPLE_S)
        memory.append(server.rss_mb)
    seen, told = await measuring, await server.lag()
    return {
        "alive": seen["alive"],
        "turns": seen["turns"],
        "unanswered": seen["turns"] - len(seen["latency_ms"]),
        "gaps": seen["gaps_ms"],
        "stall_ms": summary(seen["stall_ms"]),
        "added_latency_ms": summary(seen["latency_ms"]),
        "caller_late_ms": summary(seen["late_ms"]),
        "lag_ms": {name: told[name] for name in ("p99", "max", "own", "tasks")},
        "rss_mb": {"min": round(min(memory), 1), "max": round(max(memory), 1), "last": round(memory[-1], 1)},
        "use": server.use_since(begin),
    }


def verdict(before: dict[str, Any], during: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    for each in (before, during, after):
        each["gap_ms"] = summary(each.pop("gaps"))
    quiet, with_it = max(each["gap_ms"]["p99"] for each in (before, after)), during["gap_ms"]["p99"]
    alone, beside = (each["rss_mb"]["max"] - each["rss_mb"]["min"] for each in (before, during))
    growth = beside - alone
    alive = min(each["alive"] for each in (before, during, after))
    return {
        "calls": CALLS,
        "alive": alive,
        "unanswered": during["unanswered"],
        "gap_p99_ms": {"without": quiet, "with": with_it},
        "rss_growth_mb": round(growth, 1),
        "held": {
            "calls": alive == CALLS and during["unanswered"] == 0,
            "gaps": with_it <= quiet + max(GAP_MS, GAP_SHARE * quiet),
            "memory": growth <= RSS_MB,
        },
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "before": before,
        "during": during,
        "after": after,
    }


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.hostile", description="Ten calls beside a hostile browser.")
    parser.add_argument("--seconds", type=float, default=HOSTILE_S, help="of the browser; 60 by default, 75 at most")
    parser.add_argument("--quiet", type=float, default=QUIET_S, help="seconds after it")
    options = parser.parse_args()
    logger.remove()
    console = Console(stderr=True, highlight=False)
    result = uvloop.run(hostile(min(options.seconds, 75.0), min(options.quiet, 30.0), console))
    print(json.dumps(result))
    sys.exit(0 if all(result["held"].values()) else 1)


if __name__ == "__main__":
    main()
