"""What the server is meant to reach, held against one result. A benchmark tells it; no test fails by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import ge, le
from typing import Any

from bench.report import Result, latency, median_of, runs_of, summarise

STOCK_LATENCY, STOCK_CALLS = 25, 2  # times better than stock pipecat


@dataclass(frozen=True, slots=True)
class Aim:
    """`measured` is None where the result has no figure for it."""

    text: str
    measured: float | None
    limit: float
    at_least: bool = False

    @property
    def held(self) -> bool | None:
        return None if self.measured is None else bool((ge if self.at_least else le)(self.measured, self.limit))


def aims(result: Result) -> Iterator[Aim]:
    """All of them; times in ms, memory in MB."""
    told = summarise(result)
    ten, forty = latency(result, "ours", 10), latency(result, "ours", 40)
    ours = runs_of(result, "ours")
    stock_ms, stock_calls = latency(result, "stock", 10)["p50"], told["calls_per_core"].get("stock")
    reads = median_of(run["visits"].get("first_read_ms", {}).get("p50") for run in ours)
    yield Aim("added latency at 10 calls, p50 ms", ten["p50"], 6)
    yield Aim("added latency at 10 calls, p99 ms", ten["p99"], 15)
    yield Aim("added latency at 40 calls, p99 ms", forty["p99"], 40)
    yield Aim("added latency at 10 calls, stock / ours", _ratio(stock_ms, ten["p50"]), STOCK_LATENCY, at_least=True)
    yield Aim(
        "calls per core, ours / stock", _ratio(told["calls_per_core"].get("ours"), stock_calls), STOCK_CALLS, True
    )
    yield Aim("memory per call, MB", told["mb_per_call"].get("ours"), 2)
    yield Aim("`start` to the caller's first frame read, p50 ms", reads, 5)
    yield Aim("`start` to the greeting, p50 ms", told["greeting_ms"], 300)
    yield Aim("interruption to `clear`, p99 ms", told["clear_ms_p99"], 5)
    yield Aim("stale frames after `clear`", told["stale_frames"], 0)
    yield Aim("samples lost", told["samples_lost"], 0)


def table(result: Result) -> str:
    """Markdown; a figure that was not measured is a dash."""
    rows = [("aim", "", "measured", "held"), ("---", "---:", "---:", "---")]
    rows += [_row(aim) for aim in aims(result)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _row(aim: Aim) -> tuple[str, str, str, str]:
    limit = f"{'≥' if aim.at_least else '≤'} {aim.limit:g}"
    if aim.measured is None:
        return aim.text, limit, "–", "–"
    return aim.text, limit, f"{aim.measured:g}", "yes" if aim.held else "**no**"


def _ratio(of: Any, to: Any) -> float | None:
    return round(of / to, 1) if of is not None and to else None
