"""`python -m bench.fleet`: is anybody refused while there is capacity, and is a quota ever exceeded?

Loads from 10 to 2,000 calls at once over tasks and Regions, on a virtual clock, each with two tasks that die, a Region
that throttles, one that is out, and a rolling release. In one of them small tasks fill up, unevenly, before the streams
do. Beside it a start with many past calls (bench.startup), and what
a call's record costs to keep (bench.write_units). The last line is a JSON object; the exit code is 1 unless both counts
are 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loguru import logger
from rich.console import Console
from rich.table import Table

from bench.fleet.figures import other_figures
from bench.fleet.score import Loss, Moment, Score
from bench.fleet.town import Load, Town, simulate
from tests.support.virtual_loop import run_virtually


def regions(count: int, streams: int) -> dict[str, int]:
    return {f"region-{number}": streams for number in range(1, count + 1)}


# The load, and for how many simulated seconds. More is offered than a fleet of 100 calls has streams for.
LOADS: Sequence[tuple[Load, float]] = (
    (Load(10, tasks=2, streams=regions(1, 20)), 900),
    (Load(100, tasks=10, streams=regions(5, 20)), 600),
    (Load(400, tasks=34, streams=regions(4, 110)), 300),
    (Load(400, tasks=80, streams=regions(4, 140), seats=6, nodes=6), 300),
    (Load(1000, tasks=84, streams=regions(5, 210)), 180),
    (Load(2000, tasks=168, streams=regions(5, 420)), 120),
)


@dataclass(frozen=True, slots=True)
class Row:
    load: Load
    score: Score
    quota_exceeded: int
    writes_per_s: float
    peak_per_item: float
    history: Sequence[Moment]

    @classmethod
    def of(cls, town: Town, seconds: float) -> Row:
        writes = town.store.writes
        exceeded = sum(region.quota_exceeded for region in town.regions.values())
        peak = max(writes.values(), default=0) / seconds
        return cls(town.load, town.score, exceeded, writes.total() / seconds, peak, town.history)


def run(load: Load, seconds: float, seed: int) -> Row:
    async def simulated() -> Row:
        return Row.of(*await simulate(load, seconds, seed))

    return run_virtually(simulated())


def cells(row: Row) -> list[str]:
    load, score = row.load, row.score
    regions = f"{len(load.streams)} × {max(load.streams.values())}"
    counts = (score.offered, score.answered, score.refused, score.refused_with_capacity, row.quota_exceeded)
    rates = (row.writes_per_s, row.peak_per_item)
    return [
        f"{load.calls:,}",
        f"{load.tasks} × {load.seats}",
        regions,
        *(f"{count:,}" for count in (*counts, score.lost, score.sent_on, score.opened_again)),
        *(f"{rate:.2f}" for rate in rates),
    ]


COLUMNS = (
    "calls",
    "tasks × seats",
    "Regions × streams",
    "offered",
    "answered",
    "refused",
    "refused with capacity",
    "quota exceeded",
    "lost",
    "sent on",
    "opened again",
    "writes/s",
    "peak/s of an item",
)


def losses(rows: Sequence[Row]) -> Table:
    """Why calls were lost."""
    table = Table("calls", "tasks × seats", *Loss, title="lost")
    for row in rows:
        table.add_row(*cells(row)[:2], *(f"{row.score.losses[loss]:,}" for loss in Loss))
    return table


def plot_history(row: Row, path: Path) -> None:
    """Calls, leased streams and the quota against time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4))
    seconds = [moment.at_s for moment in row.history]
    axes.plot(seconds, [moment.calls for moment in row.history], label="calls on the line")
    axes.plot(seconds, [moment.leased for moment in row.history], label="streams leased")
    axes.plot(seconds, [moment.open for moment in row.history], ":", label="streams open")
    axes.axhline(sum(row.load.streams.values()), color="black", linewidth=0.8, label="quota of all Regions")
    axes.set(xlabel="seconds", ylabel="calls, streams", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def plot(rows: Sequence[Row], path: Path) -> None:
    """What became of the calls at each load, and how much was written for it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (shares, writes) = pyplot.subplots(1, 2, figsize=(9, 4))
    labels = [f"{row.load.calls:,}\n{row.load.tasks} × {row.load.seats}" for row in rows]
    below = [0.0] * len(rows)
    for name in ("answered", "refused", "lost"):
        parts = [100 * getattr(row.score, name) / row.score.offered for row in rows]
        shares.bar(labels, parts, bottom=below, label=name)
        below = [sum(pair) for pair in zip(below, parts, strict=True)]
    shares.set(xlabel="calls at once, tasks × seats", ylabel="% of the calls offered")
    shares.legend(loc="lower left")
    loads = [row.load.calls for row in rows]
    writes.loglog(loads, [row.writes_per_s for row in rows], "o-", label="all")
    writes.loglog(loads, [row.peak_per_item for row in rows], "o-", label="the item most written")
    writes.set(xlabel="calls at once", ylabel="writes a second")
    writes.grid(alpha=0.3)
    writes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def result(rows: Sequence[Row], others: dict[str, Any]) -> dict[str, Any]:
    return others | {
        "simulation": {
            "calls": max(row.load.calls for row in rows),
            "refused_with_capacity": sum(row.score.refused_with_capacity for row in rows),
            "quota_exceeded": sum(row.quota_exceeded for row in rows),
            "sent_on": sum(row.score.sent_on for row in rows),
            "lost": {loss: sum(row.score.losses[loss] for row in rows) for loss in Loss},
        }
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=max(load.calls for load, _ in LOADS), help="no more at once")
    parser.add_argument("--past-calls", type=int, default=100_000, help="in the store of the server that is started")
    parser.add_argument("--plot", type=Path, help="where to write a PNG")
    parser.add_argument("--plot-history", type=Path, help="where to write one of the largest load's calls and streams")
    given = parser.parse_args(arguments)
    logger.remove()
    console = Console(stderr=False, width=160)
    rows = []
    for load, seconds in LOADS:
        if load.calls <= given.calls:
            rows.append(run(load, seconds, given.seed))
            console.print(f"{load.calls} calls at once for {seconds:g} s: done", highlight=False)
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)
    console.print(losses(rows))
    if given.plot:
        plot(rows, given.plot)
    if given.plot_history:
        plot_history(rows[-1], given.plot_history)
    told = result(rows, asyncio.run(other_figures(given.past_calls)))
    print(json.dumps(told))  # noqa: T201 - the answer
    simulation = told["simulation"]
    return 1 if simulation["refused_with_capacity"] or simulation["quota_exceeded"] else 0


if __name__ == "__main__":
    sys.exit(main())
