"""`python -m tests.scenarios.rehearse [name ...]`: every scenario through the whole server, judged by what came of it.

The words are handed to the stand-in as they are written; both wires, the line's audio, the tools and the store are
real. Each core has a process of its own. A line is printed when a call is over, with the whole conversation where it
went wrong; the last line is one JSON object:

    {"scenarios", "passed", "wrong_writes", "leaks", "turns_p50", "hostile", "left_out", "seconds"}

`wrong_writes` counts changes of the store that the scenario does not ask for, `leaks` personal data told to somebody
who had not proven that they are his, `turns_p50` is the median of the caller's turns, and `left_out` counts the
scenarios that need a tool which does not exist. Fails unless all passed, with no wrong write and no leak.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import pytest

from tests.scenarios.expectations import check
from tests.scenarios.harm import leaks, wrong_writes
from tests.scenarios.runner import place
from tests.scenarios.scenario import Scenario, load_scenarios

AT_ONCE = 8  # in a process that has a core to itself


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    why: str = ""  # it did not go as it is written, with the conversation
    wrong_writes: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    turns: int = 0  # of the caller's

    @property
    def passed(self) -> bool:
        return not (self.why or self.wrong_writes or self.leaks)

    def __str__(self) -> str:
        found = [*(f"wrong write: {each}" for each in self.wrong_writes), *(f"leak: {each}" for each in self.leaks)]
        return "\n    ".join((f"{'passed' if self.passed else 'FAILED'}  {self.name}", *found, *self.why.splitlines()))


def main(names: Sequence[str]) -> int:
    """0 if every scenario passed; 2 for a name that there is not."""
    scenarios = load_scenarios()
    if unknown := set(names) - {each.name for each in scenarios}:
        print(f"no such scenario: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [each for each in scenarios if not names or each.name in names]
    possible = [each for each in chosen if each.can_be_placed]
    began = monotonic()
    verdicts = _rehearsed(possible)
    summary = summary_of(verdicts) | {
        "hostile": sum(each.hostile for each in possible),
        "left_out": len(chosen) - len(possible),
        "seconds": round(monotonic() - began),
    }
    print(json.dumps(summary))
    return 0 if all(each.passed for each in verdicts) else 1


def summary_of(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "scenarios": len(verdicts),
        "passed": sum(each.passed for each in verdicts),
        "wrong_writes": sum(len(each.wrong_writes) for each in verdicts),
        "leaks": sum(len(each.leaks) for each in verdicts),
        "turns_p50": median_low(each.turns for each in verdicts) if verdicts else 0,
    }


def _rehearsed(scenarios: Sequence[Scenario]) -> list[Verdict]:
    """The verdicts, each core's share of them by a process of its own."""
    cores = min(os.cpu_count() or 1, len(scenarios)) or 1
    shares = [scenarios[core::cores] for core in range(cores)]
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as processes:
        done = as_completed([processes.submit(_share, share) for share in shares])
        return [verdict for share in done for verdict in share.result()]


def _share(scenarios: Sequence[Scenario]) -> list[Verdict]:
    with TemporaryDirectory(prefix="carlos-rehearsal-") as home, pytest.MonkeyPatch.context() as patch:
        return asyncio.run(_placed(scenarios, Path(home), patch))


async def _placed(scenarios: Sequence[Scenario], homes: Path, patch: pytest.MonkeyPatch) -> list[Verdict]:
    capacity = asyncio.Semaphore(AT_ONCE)

    async def judged(scenario: Scenario) -> Verdict:
        async with capacity:
            (home := homes / scenario.name).mkdir()
            verdict = await _verdict(scenario, home, patch)
            print(verdict, flush=True)
            return verdict

    return await asyncio.gather(*map(judged, scenarios))


async def _verdict(scenario: Scenario, home: Path, patch: pytest.MonkeyPatch) -> Verdict:
    result = await place(scenario, home, patch)
    turns = sum(turn.role == "caller" for turn in result.record.turns)
    try:
        check(result)
        why = ""
    except AssertionError as wrong:
        why = str(wrong)
    return Verdict(scenario.name, why, tuple(wrong_writes(result)), tuple(leaks(result)), turns)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
