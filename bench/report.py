"""What a benchmark's figures say: the summary, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.measures import NOISE_LIMIT, holds
from bench.stage import KINDS
from bench.stats import spread, summary

SUMMARY_CALLS = 10  # where added latency is compared
NAMES = {"ours": "Carlos", "stock": "stock pipecat 1.14", "bare": "bare FastAPI bridge"}

type Result = dict[str, Any]


def summarise(result: Result) -> dict[str, Any]:
    """The figures that are promised, in one object."""
    kinds = [kind for kind in KINDS if any(run["kind"] == kind for run in result["runs"])]
    ours = [run for run in result["runs"] if run["kind"] == "ours"]
    clears = [run["barge_in"] for run in ours if "barge_in" in run]
    return {
        "added_latency_ms": {kind: latency(result, kind, SUMMARY_CALLS) for kind in kinds},
        "calls_per_core": {kind: median_of(run["ramp"]["held"] for run in runs_of(result, kind)) for kind in kinds},
        "mb_per_call": {kind: median_of(run["mb_per_call"] for run in runs_of(result, kind)) for kind in kinds},
        "clear_ms_p99": max((row["clear_ms"].get("p99", 0.0) for row in clears), default=None),
        "stale_frames": sum(row["stale_frames"] for row in clears),
        "samples_lost": sum(samples_lost(run) for run in ours)
        + result.get("extras", {}).get("rotation", {}).get("lost", 0),
        "greeting_ms": median_of(run["visits"]["greeting_ms"].get("p50") for run in ours),
        "ready_s": median_of(run["ready_s"] for run in ours),
        "noise": noise(result),
    }


def samples_lost(run: Result) -> int:
    """Of greetings, first words, answers and bursts, at every number of calls that the server holds."""
    steps = [figures for figures in (*run["levels"], *run["ramp"]["steps"]) if holds(figures, run["kind"])]
    lost = sum(figures["lost_out"]["samples"] + figures["lost_in"]["samples"] for figures in steps)
    return int(lost + run["visits"]["lost_at_start"] + run["visits"]["lost_of_greeting"])


def noise(result: Result) -> dict[str, Any]:
    """What others did on the server's core meanwhile; figures of a busy machine are no figures."""
    others = [figures["use"]["others_on_core"] for run in result["runs"] for figures in loads_of(run)]
    late = [figures["caller_late_ms"].get("p99", 0.0) for run in result["runs"] for figures in loads_of(run)]
    return {
        "others_on_core": spread(others, 1),
        "caller_late_p99_ms": spread(late, 1),
        "quiet": bool(others) and sorted(others)[len(others) // 2] <= NOISE_LIMIT,
    }


def loads_of(run: Result) -> list[Result]:
    return [*run["levels"], *run["ramp"]["steps"]]


def runs_of(result: Result, kind: str) -> list[Result]:
    return [run for run in result["runs"] if run["kind"] == kind]


def latency(result: Result, kind: str, calls: int) -> dict[str, Any]:
    figures = summary([value for row in _at(result, kind, calls) for value in row["latencies"]])
    return {name: figures.get(name) for name in ("p50", "p99")}


def _at(result: Result, kind: str, calls: int) -> list[Result]:
    return [row for run in runs_of(result, kind) for row in run["levels"] if row["calls"] == calls]


def median_of(values: Any) -> Any:
    return spread([value for value in values if value is not None]).get("median")


# The table.


def table(result: Result) -> str:
    """Markdown: a row a measure, a column a server, medians of the rounds with their spread."""
    kinds = [kind for kind in KINDS if runs_of(result, kind)]
    head = ["measure", *(NAMES[kind] for kind in kinds)]
    rows = [head, ["---", *("---:" for _ in kinds)], *_rows(result, kinds)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _rows(result: Result, kinds: Sequence[str]) -> Iterator[list[str]]:
    for calls in result["plan"]["levels"]:
        yield [f"added latency, {calls} calls, p50 / p99 ms", *(_pair(result, kind, calls) for kind in kinds)]
    for label, path in (
        ("calls per core", ("ramp", "held")),
        ("memory per call, MB", ("mb_per_call",)),
        ("memory without a call, MB", ("idle_mb",)),
        ("webhook to `start`, p50 ms", ("visits", "set_up_ms", "p50")),
        ("`start` to the caller's first frame read, p50 ms", ("visits", "first_read_ms", "p50")),
        ("`start` to the caller's first frame at Sonic, p50 ms", ("visits", "first_frame_ms", "p50")),
        ("`start` to the greeting, p50 ms", ("visits", "greeting_ms", "p50")),
        ("`stop` to the end of the Sonic stream, p50 ms", ("visits", "tear_down_ms", "p50")),
        ("samples of 8 kHz lost at the start, in all", ("visits", "lost_at_start")),
        ("interruption to `clear`, p99 ms", ("barge_in", "clear_ms", "p99")),
        ("stale frames after `clear`", ("barge_in", "stale_frames")),
        ("process start to ready, s", ("ready_s",)),
    ):
        yield [label, *(_spread_of(runs_of(result, kind), path) for kind in kinds)]
    for calls in result["plan"]["levels"]:
        for label, path in (
            ("samples lost of an answer, worst", ("lost_out", "worst")),
            ("% of a core", ("use", "cpu")),
            ("event loop lag, p99 ms", ("lag_ms", "p99")),
        ):
            yield [f"{label}, {calls} calls", *(_spread_of(_at(result, kind, calls), path) for kind in kinds)]
    for label, figure in _extras(result):
        yield [label, *(figure if kind == "ours" else "–" for kind in kinds)]


def _extras(result: Result) -> Iterator[tuple[str, str]]:
    """What is measured on ours alone."""
    extras = result.get("extras", {})
    if rotation := extras.get("rotation"):
        yield f"samples lost over {rotation['streams'] - 1} rotations", str(rotation["lost"])
    for store, figures in extras.get("tool_ms", {}).items():
        yield f"a tool's round trip on {store}, p50 / p99 ms", f"{figures.get('p50')} / {figures.get('p99')}"


def _pair(result: Result, kind: str, calls: int) -> str:
    figures = latency(result, kind, calls)
    return f"{figures['p50']} / {figures['p99']}" if figures["p50"] is not None else "–"


def _spread_of(rows: Sequence[Result], path: Sequence[str]) -> str:
    values = [value for row in rows if (value := dig(row, path)) is not None]
    if not values:
        return "–"
    found = spread(values)
    return f"{found['median']:g}" + (f" ({found['min']:g}–{found['max']:g})" if found["min"] != found["max"] else "")


def dig(row: Any, path: Sequence[str]) -> float | None:
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return None if row is None else float(row)
