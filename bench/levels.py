"""`carlos bench --lines 30,40,48,60,80`: what more and more lines in one process hear, and what a storm adds at 40.

Three servers, one after another: Carlos, whose callers' frames go in pairs while the loop is busy (common.loop_load);
Carlos, whose callers' frames never wait for another; stock pipecat, with 10 and 20 lines first, as far as it holds.
Some three and a half minutes, two cores.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from bench.child import started
from bench.machine import describe
from bench.measures import NOISE_LIMIT, RAMP_PIECES, Talk, grow, holds, load
from bench.stage import LOAD_CORE, Served, Stage, served, stage
from bench.stats import summary
from common.loop_load import CALM_WINDOWS, LEVELS, WINDOW_S

TALK = Talk(6, 3, 2)
STORM_LINES = 40  # that talk while new calls come
STORM = {"per_s": 20, "seconds": 6.0, "stay_s": 1.0}
STOCK_LINES = (10, 20)  # before those that are asked for
MAX_LINES = 160  # that callers and Sonic carry on their core

type Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A server to be measured; `to_the_end` with more lines than it holds, too."""

    name: str
    kind: str
    environment: Mapping[str, str]
    to_the_end: bool = True
    settle_s: float = 0.0  # after new lines, until the load of their set-up is no part of the level any more

    def lines(self, asked: Sequence[int]) -> list[int]:
        return sorted(asked if self.to_the_end else {*STOCK_LINES, *asked})


KINDS = (
    Kind("Carlos, pairs by load", "ours", {}, settle_s=LEVELS * CALM_WINDOWS * WINDOW_S),
    Kind("Carlos, no pairs in", "ours", {"BENCH_PAIRS_IN": "never"}),
    Kind("stock pipecat", "stock", {}, to_the_end=False),
)


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of lines that an option names, as "30,40,80", from few to many. Raise ValueError."""
    try:
        found = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise ValueError(f"{text!r} is no list of numbers like 30,40,80") from None
    if not all(1 <= number <= MAX_LINES for number in found):
        raise ValueError(f"1 to {MAX_LINES} lines can be measured on one core")
    return found


async def measure(lines: Sequence[int], console: Console) -> Figures:
    """A row for each server and number of lines, and one for each storm."""
    began = monotonic()
    rows: list[Figures] = []
    storms: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as folder:
        async with stage(Path(folder)) as standing:
            for kind in KINDS:
                async for row in _measured(standing, kind, lines):
                    (storms if "new_calls" in row else rows).append(row)
                    console.print(f"{row['server']}, {row['lines']} lines: gaps p99 {row['gap_ms'].get('p99', '–')} ms")
    return {
        "machine": describe(),
        "rows": rows,
        "storms": storms,
        "held": {kind.name: most_held(kind, rows) for kind in KINDS},
        "quiet": all(row["use"]["others_on_core"] <= NOISE_LIMIT for row in (*rows, *storms)),
        "took_s": round(monotonic() - began, 1),
    }


async def _measured(standing: Stage, kind: Kind, lines: Sequence[int]) -> AsyncIterator[Figures]:
    """The rows of one server, from its start to its end."""
    async with served(standing, kind.kind, **kind.environment) as server:
        up = 0
        for wanted in kind.lines(lines):
            await grow(standing, wanted - up, TALK)
            await asyncio.sleep(kind.settle_s)
            up = wanted
            named: Figures = {"server": kind.name, "lines": wanted}
            figures = await load(standing, server, TALK, RAMP_PIECES)
            yield named | _without_samples(figures)
            if not (kind.to_the_end or holds(figures, kind.kind)):
                break
            if wanted == STORM_LINES and kind.to_the_end:
                yield named | _without_samples(await _beside_a_storm(standing, server))
        await standing.caller.ask("leave")


def _without_samples(figures: Figures) -> Figures:
    """Without the moments of first reads, which only tell of visits."""
    return {**figures, "lag_ms": {name: value for name, value in figures["lag_ms"].items() if name != "first_reads"}}


async def _beside_a_storm(standing: Stage, server: Served) -> Figures:
    """The lines that talk, while new calls come from another process of callers."""
    async with started("bench.caller", core=LOAD_CORE, log=standing.folder / "bench.log") as ringing:
        await ringing.ask("dial", target=server.target)
        talked, rang = await asyncio.gather(load(standing, server, TALK, RAMP_PIECES), ringing.ask("storm", **STORM))
    return dict(talked) | {
        "new_calls": rang["calls"],
        "not_greeted": rang["calls"] - len(rang["greeting_ms"]),
        "greeting_ms": summary(rang["greeting_ms"]),
    }


def most_held(kind: Kind, rows: Sequence[Figures]) -> int:
    """The most lines that were held, and all fewer, too."""
    held = 0
    for row in rows:
        if row["server"] == kind.name:
            if not holds(row, kind.kind):
                break
            held = row["lines"]
    return held


type Columns = tuple[tuple[str, Callable[[Figures], object]], ...]

COLUMNS: Columns = (
    ("server", lambda row: row["server"]),
    ("lines", lambda row: row["lines"]),
    ("added p50 / p99 ms", lambda row: _pair(row["added_latency_ms"])),
    ("gap p99 ms", lambda row: row["gap_ms"].get("p99", "–")),
    ("unanswered", lambda row: row["unanswered"]),
    ("samples lost", lambda row: row["lost_out"]["samples"]),
    ("% of a core", lambda row: row["use"]["cpu"]),
    ("busy, % of the time", lambda row: round(100 * row["lag_ms"].get("busy_share", 0.0))),
    ("others, %", lambda row: row["use"]["others_on_core"]),
    ("callers late p99 ms", lambda row: row["caller_late_ms"].get("p99", "–")),
)
STORM_COLUMNS: Columns = (
    *COLUMNS,
    ("new calls", lambda row: row["new_calls"]),
    ("not greeted in 1 s", lambda row: row["not_greeted"]),
    ("greeted p50 / p99 ms", lambda row: _pair(row["greeting_ms"])),
)


def _pair(figures: Mapping[str, Any]) -> str:
    return f"{figures.get('p50', '–')} / {figures.get('p99', '–')}"


def table(result: Figures) -> str:
    """Markdown: a row a server and number of lines, another table for the storms, and what was held."""
    text = "\n".join(_lines(COLUMNS, result["rows"])) + "\n"
    if result["storms"]:
        text += f"\nbeside {STORM['per_s']} new calls a second:\n\n"
        text += "\n".join(_lines(STORM_COLUMNS, result["storms"])) + "\n"
    text += "\nheld: " + ", ".join(f"{name} {lines}" for name, lines in result["held"].items()) + "\n"
    return text + ("" if result["quiet"] else "\nothers used the server's core: these figures say little\n")


def _lines(columns: Columns, rows: Sequence[Figures]) -> Iterator[str]:
    yield "| " + " | ".join(title for title, _ in columns) + " |"
    yield "|---|" + " ---: |" * (len(columns) - 1)
    for row in rows:
        yield "| " + " | ".join(str(value(row)) for _, value in columns) + " |"


def bench(lines: Sequence[int], console: Console) -> Figures:
    """Measure, with every single delay left out of the result: their percentiles are in it."""
    result = asyncio.run(measure(lines, console))
    for row in (*result["rows"], *result["storms"]):
        row.pop("latencies")
    return result
