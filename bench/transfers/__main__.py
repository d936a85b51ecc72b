"""`python -m bench.transfers`: every ending of a transfer, before and after proof, with and without a kill -9.

The servers are processes of their own; Twilio's double, the people, the callers and the Sonic stand-in are this one.
When a process dies is drawn from a seed. The last line is a JSON object; the exit code is 1 unless all held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from loguru import logger
from rich.console import Console
from rich.table import Table

from bench.transfers.endings import Run, runs
from bench.transfers.trial import trial
from bench.transfers.verdict import Row, together
from sandbox.twilio.errors import ServerUnavailable

JOBS = 9  # calls at a time
LIMIT_S = 540.0  # of all of them: what has not ended by then is not run


async def run_all(planned: Sequence[Run], jobs: int, console: Console) -> list[Row]:
    """Hold the calls, some at a time, and tell of each as it ends. Those that failed to run are left out."""
    places, starting, rows = asyncio.Semaphore(jobs), asyncio.Semaphore(1), list[Row]()

    async def one(run: Run) -> None:
        async with places:
            with tempfile.TemporaryDirectory(prefix="carlos-transfers-", ignore_cleanup_errors=True) as folder:
                try:
                    rows.append(await trial(run, Path(folder), starting))
                except ServerUnavailable as error:
                    console.print(f"not run: {run.ending.name}: {error}", markup=False)
                else:
                    console.print(f"{len(rows)}/{len(planned)} {told(rows[-1])}")

    try:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            for run in planned:
                group.create_task(one(run))
    except TimeoutError:
        console.print(f"after {LIMIT_S:.0f} s the rest is not run")
    return sorted(rows, key=lambda row: planned.index(row.run))


def told(row: Row) -> str:
    killed = f"killed {row.run.death}" if row.run.death else "nobody killed"
    return f"{row.run.ending.name}, {_proof(row)}, {killed}: {_result(row)}"


def table(rows: Sequence[Row]) -> Table:
    shown = Table("the person", "proof", "kill -9", "the caller hears", "DNI asked", "silence", "result", box=None)
    for row in rows:
        killed = f"{row.run.death}, +{row.run.delay_s:.1f} s" if row.run.death else "-"
        silence = f"{row.silence_s:.1f} s, {row.silence_in}"
        shown.add_row(row.run.ending.name, _proof(row), killed, row.heard, str(row.dni_asked), silence, _result(row))
    return shown


def _proof(row: Row) -> str:
    return "before" if row.run.proven else "none"


def _result(row: Row) -> str:
    return ", ".join(row.wrong) or str(row.run.ending.result)


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.transfers", description="Every ending of a transfer.")
    parser.add_argument("--jobs", type=int, default=JOBS, help="calls at a time")
    parser.add_argument("--only", default="", help="endings whose name has this in it")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of when processes die")
    options = parser.parse_args()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"seed {options.seed}")
    logger.remove()
    began = monotonic()
    planned = [run for run in runs(options.seed) if options.only in run.ending.name]
    rows = asyncio.run(run_all(planned, options.jobs, console))
    Console(width=200, highlight=False).print(table(rows))
    for row in rows:
        for words in row.unfounded:
            console.print(f"not in the store: {words}")
    summary = together(rows, len(planned), monotonic() - began)
    print(json.dumps(summary))
    sys.exit(1 if summary["wrong"] or summary["not_run"] else 0)


if __name__ == "__main__":
    main()
