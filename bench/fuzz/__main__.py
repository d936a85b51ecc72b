"""`python -m bench.fuzz`: a million inputs, or as many as asked for. The last line is one JSON object.

Each entry has its share of them. Exit status 1 if an exception came out of an entry that is not of its own: the inputs
that brought it about are written to a file, and `--replay FILE` feeds them again. A run can be had again by its seed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import secrets
import sys
import time
from base64 import b64decode, b64encode
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.fuzz.entries import ENTRIES, a_world
from bench.fuzz.trial import BUDGET_MS, Failure, Report, Step, fuzz, quiet

PROCESSES = 2
SHOWN = 80  # characters of an input


def counts_of(inputs: int, only: str = "") -> dict[str, int]:
    """Each entry's number of inputs, at least one; `only` those with it in their name."""
    chosen = [entry for entry in ENTRIES if only in entry.name]
    total = sum(entry.share for entry in chosen)
    counts = {entry.name: max(1, inputs * entry.share // total) for entry in chosen}
    if chosen:
        counts[chosen[0].name] += max(0, inputs - sum(counts.values()))
    return counts


def parts_of(counts: dict[str, int]) -> list[dict[str, int]]:
    """A fair part of the inputs for each process."""
    return [{name: (count + part) // PROCESSES for name, count in counts.items()} for part in range(PROCESSES)]


def run(seed: int, counts: dict[str, int]) -> Report:
    report = Report()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=quiet) as pool:
        parts = enumerate(parts_of(counts))
        for future in [pool.submit(fuzz, seed, number, part) for number, part in parts]:
            report.add(future.result())
    return report


def shown(step: Step) -> str:
    return step.inputs[-1][:SHOWN].decode("ascii", "backslashreplace")


def summary(report: Report, seed: int) -> dict[str, object]:
    worst = max(report.worst.values(), key=lambda step: step.ms)
    return {
        "inputs": {**dict(report.inputs), "total": report.inputs.total()},
        "foreign_exceptions": report.foreign,
        "worst_step_ms": {"entry": worst.entry, "value": round(worst.ms, 2), "input": shown(worst)},
        "seed": seed,
    }


def write(failure: Failure, seed: int, folder: Path) -> Path:
    """A file that `replay` reads."""
    folder.mkdir(exist_ok=True)
    name = f"{failure.entry}-{failure.where}".replace(" ", "-").replace(":", "-")
    path = folder / f"{name}.json"
    inputs = [b64encode(data).decode() for data in failure.inputs]
    told = {"entry": failure.entry, "what": failure.what, "seed": seed, "inputs": inputs}
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return path


async def replay(told: dict[str, Any]) -> None:
    """Feed the inputs of a failure's file again. Raises what they bring about."""
    entry = next(entry for entry in ENTRIES if entry.name == told["entry"])
    async with a_world() as world:
        feed = entry.make(world)
        for data in map(b64decode, told["inputs"]):
            try:
                if (result := feed(data)) is not None:
                    await result
            except entry.own as error:
                print(f"{type(error).__name__}: {str(error)[:SHOWN]}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="entries with this in their name")
    parser.add_argument("--folder", type=Path, default=Path("fuzz-failures"), help="for what failed")
    parser.add_argument("--replay", type=Path, help="a file of that folder")
    options = parser.parse_args()
    if options.replay:
        asyncio.run(replay(json.loads(options.replay.read_text(encoding="utf-8"))))
        return 0
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    report = run(seed, counts_of(options.inputs, options.only))
    for name, step in report.worst.items():
        over = "  OVER THE BUDGET" if step.ms > BUDGET_MS else ""
        print(f"{name:20} {report.inputs[name]:8} inputs, worst step {step.ms:7.2f} ms of CPU: {shown(step)}{over}")
    for failure in report.failures.values():
        print(f"FOREIGN {failure.entry}: {failure.what} at {failure.where}, in {write(failure, seed, options.folder)}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    print(f"{report.inputs.total()} inputs in {time.monotonic() - began:.0f} s, {cpu_s:.0f} s of CPU")
    print(json.dumps(summary(report, seed)))
    return 1 if report.foreign else 0


if __name__ == "__main__":
    sys.exit(main())
