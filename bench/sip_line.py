"""`python -m bench.sip_line`: the SIP line beside the Twilio line, on one server in one run.

Callers who talk alike, first ten on each line, then more and more until the sound breaks. Latency is what is added
between a caller's first loud packet and the answer's, Sonic answering at once; a jitter buffer is part of it. A line's
calls a core are the most that it held, as `carlos bench` judges them. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from bench.child import started
from bench.machine import describe
from bench.measures import NOISE_LIMIT, Steps, Talk, grow, load, ramp
from bench.stage import LOAD_CORE, Served, Stage, served, stage
from sandbox.twilio.server import free_port

TALK = Talk(6, 3, 2)
CALLS = 10
RTP_PORTS = 800
LINES = ("twilio", "sip")

type Figures = dict[str, Any]


async def measure(most: int) -> Figures:
    """A row for each line; `most` calls at most are tried."""
    began = monotonic()
    sip, first = free_port(), free_port()
    settings = {
        "SIP_LISTEN": f"udp:127.0.0.1:{sip}",
        "SIP_ALLOW": "127.0.0.1",
        "SIP_RTP_PORTS": f"{first}-{first + RTP_PORTS}",
    }
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as folder:
        log = Path(folder) / "bench.log"
        async with (
            stage(Path(folder)) as standing,
            started("bench.sip_caller", core=LOAD_CORE, log=log) as ringing,
            served(standing, "ours", **settings) as server,
        ):
            await ringing.ask("dial", target={"sip": sip})
            stages = dict(zip(LINES, (standing, replace(standing, caller=ringing)), strict=True))
            rows = [{"line": name, **await _measured(stages[name], server, most)} for name in LINES]
    return {
        "machine": describe(),
        "rows": rows,
        "quiet": all(row["at_ten"]["use"]["others_on_core"] <= NOISE_LIMIT for row in rows),
        "took_s": round(monotonic() - began),
    }


async def _measured(standing: Stage, server: Served, most: int) -> Figures:
    """One line's figures at ten calls, and the most that it holds."""
    await standing.sonic.ask("be", mode="answer", answer_s=TALK.answer_s, greeting_s=0.5, keep=False)
    await grow(standing, CALLS, TALK)
    at_ten = await load(standing, server, TALK)
    held: Figures = {"held": CALLS, "at_least": True, "steps": []}
    if most > CALLS:
        held = await ramp(standing, server, TALK, Steps(CALLS, CALLS // 2, most), at_ten)
    else:
        await standing.caller.ask("leave")
    for figures in (at_ten, *held["steps"]):
        figures.pop("latencies", None)
        figures["lag_ms"].pop("first_reads", None)
    return {"at_ten": at_ten, "held": held["held"], "at_least": held["at_least"]}


COLUMNS = (
    ("line", lambda row: row["line"]),
    ("added p50 / p99 ms", lambda row: _pair(row["at_ten"]["added_latency_ms"])),
    ("gap p99 ms", lambda row: row["at_ten"]["gap_ms"].get("p99", "–")),
    ("unanswered", lambda row: row["at_ten"]["unanswered"]),
    ("samples lost in", lambda row: row["at_ten"]["lost_in"]["samples"]),
    ("samples lost out", lambda row: row["at_ten"]["lost_out"]["samples"]),
    ("% of a core", lambda row: row["at_ten"]["use"]["cpu"]),
    ("calls a core", lambda row: f"{'≥ ' if row['at_least'] else ''}{row['held']}"),
    ("others, %", lambda row: row["at_ten"]["use"]["others_on_core"]),
)  # fmt: skip


def _pair(figures: Mapping[str, Any]) -> str:
    return f"{figures.get('p50', '–')} / {figures.get('p99', '–')}"


def table(result: Figures) -> str:
    """Markdown: a row a line."""
    rows: list[Sequence[object]] = [[title for title, _ in COLUMNS], ["---"] + ["---:"] * (len(COLUMNS) - 1)]
    rows += [[value(row) for _, value in COLUMNS] for row in result["rows"]]
    text = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows) + "\n"
    return text + ("" if result["quiet"] else "\nothers used the server's core: these figures say little\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sip_line", description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=80, help="calls on a line; 10 measures no more than those")
    result = asyncio.run(measure(parser.parse_args().most))
    print(f"{CALLS} calls on each line:\n\n{table(result)}")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
