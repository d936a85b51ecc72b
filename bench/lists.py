"""`python -m bench.lists`: what a page costs at 100,000 orders and appointments, and what calls beside it notice.

The server keeps its records in SQLite. Pages are timed alone; then some calls talk, first beside nothing and after
that beside somebody who asks for one page after another. The last line is a JSON object. Where others use the server's
core, which makes it `noisy`, no aim is judged by its exit status.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

import aiohttp
from rich.console import Console

from bench.measures import NOISE_LIMIT, Talk, grow, load
from bench.stage import Served, served, stage
from bench.stats import summary
from common.times import BUENOS_AIRES
from data.backends.base import Item
from data.models import Appointment, AppointmentStatus, Order, OrderItem, OrderStatus
from data.open import SQLITE_FILE, open_sqlite
from data.records import to_item
from data.tables import TableName

PAGE_MS = 50.0  # the aim for a page of 100
LATE_MS = 20.0  # the aim for the server's event loop, beside a reader
ROUNDS = 10
TALK = Talk(8, 3, 2)
DOCTORS = tuple(f"Dra. Ana López {number}" for number in range(20))
FIRST = datetime(2026, 1, 5, 8, tzinfo=BUENOS_AIRES)
A_DAY = 400  # appointments
_CHUNK = 5000

PAGES = {
    "orders": "/orders?limit=100",
    "orders, the whole default page": "/orders",
    "orders of a status": "/orders?status=shipped&limit=100",
    "orders of a customer": "/orders?email=customer77@email.com",
    "orders of a week": "/orders?from=2026-02-02&to=2026-02-08&limit=100",
    "appointments": "/appointments?limit=100",
    "appointments of a day": "/appointments?date=2026-03-04",
    "appointments of a doctor": f"/appointments?doctor={quote(DOCTORS[3])}&from=2026-03-04&limit=100",
}


async def fill(home: Path, count: int, first: datetime = FIRST) -> None:
    """`count` orders and as many appointments, from `first` on: an order a minute, `A_DAY` appointments a day."""
    store = await open_sqlite(home / SQLITE_FILE)
    try:
        for table, items in (
            (TableName.ORDERS, _orders(count, first)),
            (TableName.APPOINTMENTS, _appointments(count, first)),
        ):
            while chunk := [item for _, item in zip(range(_CHUNK), items, strict=False)]:
                await store.backend.replace(table, chunk, [])
        await store.raise_counter(Order, count)
        await store.raise_counter(Appointment, count)
    finally:
        await store.close()


def _orders(count: int, first: datetime) -> Iterator[Item]:
    for number in range(count):
        made, email = first + timedelta(minutes=number), f"customer{number % 9973}@email.com"
        items = (OrderItem("Mouse inalámbrico", 2, 2999, "Óptico", "1"), OrderItem("Cable USB", 1, 1250, "", "2"))
        status = list(OrderStatus)[number * 7 % 5]
        yield to_item(Order(str(number), "María González", email, items, status, made, made, version=1))


def _appointments(count: int, first: datetime) -> Iterator[Item]:
    for number in range(count):
        day, place = divmod(number, A_DAY)
        start = first + timedelta(days=day, minutes=30 * (place // len(DOCTORS)))
        doctor, email = DOCTORS[place % len(DOCTORS)], f"patient{number % 9973}@email.com"
        status = list(AppointmentStatus)[number * 7 % 4]
        yield to_item(Appointment(str(number), "Juan Pérez", email, doctor, start, 30, status=status, version=1))


@asynccontextmanager
async def _asking(server: Served) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.target['port']}") as http:
        yield http


async def _page(http: aiohttp.ClientSession, path: str) -> tuple[float, int]:
    """How many milliseconds it took, and how many records came."""
    began = monotonic()
    async with http.get(path) as answer:
        body = await answer.read()
    took = 1000 * (monotonic() - began)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return took, len(json.loads(body)["data"])


async def _pages(server: Served) -> dict[str, Any]:
    async with _asking(server) as http:
        figures: dict[str, Any] = {}
        for name, path in PAGES.items():
            before = server.read()
            rounds = [await _page(http, path) for _ in range(ROUNDS)]
            cpu_ms = 1000 * (server.read().process_s - before.process_s) / ROUNDS
            took = summary([took for took, _ in rounds])
            figures[name] = {"records": rounds[0][1], "ms": took, "cpu_ms": round(cpu_ms, 1)}
        return figures


async def _read_on(server: Served, took: list[float]) -> None:
    """One page after another, as fast as they come."""
    async with _asking(server) as http:
        while True:
            for path in PAGES.values():
                took.append((await _page(http, path))[0])


def _calls(figures: dict[str, Any]) -> dict[str, Any]:
    wanted = ("calls", "alive", "turns", "unanswered", "added_latency_ms", "gap_ms", "stall_ms", "caller_late_ms")
    lag = {name: figures["lag_ms"].get(name) for name in ("n", "p50", "p99", "max")}
    return {name: figures[name] for name in wanted} | {"loop_late_ms": lag, "use": figures["use"]}


async def measure(count: int, calls: int, console: Console) -> dict[str, Any]:
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="carlos-lists-") as name:
        folder = Path(name)
        console.print(f"writing {count} orders and as many appointments")
        await fill(folder / "home", count)
        settings = {"CARLOS_HOME": str(folder / "home"), "RATE_LIMIT_PER_MINUTE": "1000000", "EMF_SECONDS": "0"}
        async with stage(folder) as standing, served(standing, "ours", LOGLEVEL="ERROR", **settings) as server:
            console.print("pages")
            pages = await _pages(server)
            console.print(f"{calls} calls beside nothing")
            await grow(standing, calls, TALK)
            idle = _calls(await load(standing, server, TALK))
            console.print(f"{calls} calls beside one page after another")
            took: list[float] = []
            reader = asyncio.create_task(_read_on(server, took))
            beside = _calls(await load(standing, server, TALK))
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await standing.caller.ask("leave")
    worst = max(page["ms"]["p50"] for page in pages.values() if page["records"] <= 100)
    others = max(each["use"]["others_on_core"] for each in (idle, beside))
    held = worst <= PAGE_MS and beside["loop_late_ms"]["p99"] <= LATE_MS and beside["unanswered"] == 0
    return {
        "records": 2 * count,
        "pages": pages,
        "worst_page_of_100_ms": worst,
        "calls_beside_nothing": idle,
        "calls_beside_pages": beside,
        "pages_beside_calls_ms": summary(took),
        "held": held,
        "noisy": others > NOISE_LIMIT,
        "took_s": round(monotonic() - began, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.lists", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="orders, and as many appointments")
    parser.add_argument("--calls", type=int, default=5)
    options = parser.parse_args()
    result = asyncio.run(measure(options.records, options.calls, Console(stderr=True, highlight=False)))
    print(json.dumps(result))
    sys.exit(0 if result["held"] or result["noisy"] else 1)


if __name__ == "__main__":
    main()
