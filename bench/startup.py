"""`python -m bench.startup`: what a start costs beside many past calls, and a page of them.

A real `carlos serve` on a SQLite store that holds `--past-calls` calls of eight exchanges. What counts is CPU time,
from exec to the line that says where to go, with all that the process did by then; and the page as a client waits for
it. The last line is a JSON object: `{"ready_cpu_s", "past_calls", "list_page_ms"}`. Exit status 1 says that a start
took more CPU than `READY_CPU_S`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic

import aiohttp
from loguru import logger
from rich.console import Console

from bench.machine import Reading
from bench.stage import without_calls
from bench.write_units import HEARD, SAID, TOOLS
from common.times import utcnow
from data.backends.encoding import encode
from data.backends.sqlite import SqliteBackend
from data.call_items import call_items, head_item
from data.models import CallRecord, Line, ToolCall, Turn
from data.open import SQLITE_FILE, open_sqlite
from data.tables import TTL_ATTRIBUTE, TableName
from sandbox.twilio.server import free_port
from tests.support.servers import carlos_serve, printed

READY_CPU_S = 3.0  # the aim
PAGES = 40
EXCHANGES = 8
_KEEP = timedelta(days=90)
_BETWEEN = timedelta(seconds=30)  # two calls' begins


async def fill(home: Path, count: int) -> None:
    """`count` calls, the newest an hour ago, and one without an end."""
    store = await open_sqlite(home / SQLITE_FILE)
    assert isinstance(store.backend, SqliteBackend)
    await store.close()
    await asyncio.to_thread(_insert, home / SQLITE_FILE, count)


def _insert(path: Path, count: int) -> None:
    """In one transaction, in the order of the keys, without a journal: it is made anew where this is cut short."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO {TableName.CALLS} VALUES (?, ?, ?, ?)", _rows(count))  # noqa: S608 - an enum
        db.execute("COMMIT")


def _rows(count: int) -> Iterator[tuple[str, str, str, int]]:
    newest = utcnow() - timedelta(hours=1)
    story = [(item["SK"], encode(item)) for item in call_items(_call("ID", 0), newest + _KEEP)[1:]]
    for number in range(count):
        call_id = f"CA{number:032x}"
        began = newest - _BETWEEN * (count - number)
        call = replace(_call(call_id, number), started_at=began, ended_at=began + timedelta(minutes=3))
        if number == count - 1:
            call = replace(call, ended_at=None, outcome=None)
        head = head_item(call, began + _KEEP)
        pk, expires = str(head["PK"]), int(head[TTL_ATTRIBUTE])
        yield pk, str(head["SK"]), encode(head), expires
        yield from ((pk, sk, body.replace("CALL#ID", pk), expires) for sk, body in story)


def _call(call_id: str, number: int) -> CallRecord:
    now = utcnow()
    turns = [Turn("carlos", SAID, now, latency_ms=640)]
    for _ in range(EXCHANGES):
        turns += [Turn("caller", HEARD, now), Turn("carlos", SAID, now, latency_ms=740)]
    tools = tuple(ToolCall(name, "use-1", True, 12, now, arguments, result) for name, arguments, result in TOOLS)
    usage = {"input_speech": 9600, "input_text": 2400, "output_speech": 7200, "output_text": 640}
    return CallRecord(
        call_id,
        Line.PHONE,
        now,
        f"+54911{number % 10**8:08d}",
        now,
        "completed",
        tuple(turns),
        tools,
        details={"usage": usage, "faults": [], "process": "ip-10-0-1-23:1", "greeting_ms": 640},
        version=6,
    )


async def _pages_ms(port: int) -> list[float]:
    took: list[float] = []
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        for _ in range(PAGES):
            began = monotonic()
            async with http.get("/calls?limit=50") as answer:
                body = await answer.read()
            took.append(1000 * (monotonic() - began))
            if answer.status != 200 or not json.loads(body)["data"]:
                raise RuntimeError(f"{answer.status} {body[:200]!r}")
    return sorted(took)


async def measure(past_calls: int, console: Console) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="carlos-startup-") as name:
        home = Path(name)
        console.print(f"writing {past_calls} calls")
        began = monotonic()
        await fill(home, past_calls)
        size = (home / SQLITE_FILE).stat().st_size
        console.print(f"{size / 1e6:.0f} MB in {monotonic() - began:.0f} s; starting the server")
        port = free_port()
        async with carlos_serve(without_calls(home, port)) as process:
            await printed(process)
            ready_cpu_s = Reading.of(process.pid).process_s
            pages_ms = await _pages_ms(port)
    return {
        "ready_cpu_s": round(ready_cpu_s, 2),
        "past_calls": past_calls,
        "list_page_ms": round(pages_ms[len(pages_ms) // 2], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.startup", description=__doc__)
    parser.add_argument("--past-calls", type=int, default=100_000)
    options = parser.parse_args()
    logger.remove()
    result = asyncio.run(measure(options.past_calls, Console(stderr=True, highlight=False)))
    print(json.dumps(result))
    sys.exit(0 if result["ready_cpu_s"] <= READY_CPU_S else 1)


if __name__ == "__main__":
    main()
