"""`python -m bench.console`: how soon the console's pages show something, and how long they hold the browser up.

A real `carlos serve` on a SQLite store with 100,000 orders, as many appointments and 10,000 calls; headless Chromium,
without anything in its cache, opens each page and then uses it by keyboard. `first` is from the navigation's start to
the frame that shows the first of the page's own records; `longest` the longest task of the browser's main thread while
the page was opened, and `use` while it was used (https://w3c.github.io/longtasks/, which begin at 50 ms). The last line
is a JSON object. Exit status 1 says that an aim was missed, on a machine that had nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from loguru import logger
from rich.console import Console

from bench.full_store import Size, fill
from bench.machine import CORES
from bench.stage import without_calls
from common.times import utcnow
from common.webhooks import new_secret
from data.open import SQLITE_FILE
from sandbox.twilio.server import free_port
from tests.console.chromium import Chromium, Page, chromium
from tests.support.servers import carlos_serve, printed
from tests.support.waiting import until_answered

FIRST_MS = 1000.0  # the aim for the first content
TASK_MS = 200.0  # the aim for the longest task
ROUNDS = 3
RECEIVER = "http://127.0.0.1:9/events"

type Use = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Place:
    """A page: its hash, what of its records is to be seen first, and what somebody does there."""

    name: str
    hash: str
    first: str
    use: Use | None = None


async def _to_the_end(page: Page) -> None:
    """Three times to the end of a long table, each of which fetches more as long as there is more."""
    table = "document.querySelector('main section:not([hidden]) .window')"
    await page.js(f"{table}.focus()")
    for _ in range(3):
        before = await page.js(f"{table}.scrollHeight")
        is_all = f"{table}.querySelector('table').getAttribute('aria-rowcount') !== '-1'"

        async def is_further(come: str = f"{table}.scrollHeight > {before} || {is_all}") -> bool:
            await page.key("End")  # again: it does nothing while the table still glides to where the end was
            return bool(await page.js(come))

        await until_answered(is_further)


async def _search_orders(page: Page) -> None:
    await _to_the_end(page)
    await page.js("document.querySelector('#orders-search').focus()")
    for letter in "customer77@":
        await page.key(letter)
    await page.until("document.querySelector('#orders tbody .customer')?.textContent.includes('customer77@')")


async def _search_all_orders(page: Page) -> None:
    """For what no order has: every page of them is fetched; and then by one letter more, over all of them."""
    for letter in "qz":
        await page.js("document.querySelector('#orders-search').focus()")
        await page.key(letter)
        await page.until("/^0 of [^s]*$/.test(document.querySelector('#orders .hint[role=status]').innerText)")


async def _find_calls(page: Page) -> None:
    await _to_the_end(page)
    await page.js("document.querySelector('#calls-flag').focus()")
    await page.key("D")  # "Dead air", the first that begins so
    await page.until("document.querySelector('#calls-flag').value && document.querySelector('#calls tbody .flag')")


async def _next_week(page: Page) -> None:
    shown = await page.js("document.querySelector('.calendar').dataset.from")
    await page.js("document.querySelector('button[aria-label=Later]').focus()")
    await page.key("Enter")
    await page.until(f"document.querySelector('.calendar')?.dataset.from > {shown!r}")


async def _in_spanish(page: Page) -> None:
    """Every word of a page anew."""
    await page.js("document.querySelector('#language').focus()")
    await page.key("Enter")
    await page.until("document.documentElement.lang.startsWith('es')")


PLACES = (
    Place("orders", "#/orders", "#orders tbody .link", _search_orders),
    Place("orders, all of them", "#/orders", "#orders tbody .link", _search_all_orders),
    Place("appointments, a week", "#/appointments", "#appointments .calendar li button", _next_week),
    Place("calls", "#/calls", "#calls tbody a", _find_calls),
    Place("calls with a flag", "#/calls/find/flag%3Ddead_air", "#calls tbody .flag", _to_the_end),
    Place("a call", f"#/calls/CA{1:032x}", "#calls .transcript li", _in_spanish),
    Place("today and 30 days", "#/today", "#today .figures dd", _in_spanish),
    Place("a customer by e-mail", "#/customer/customer77%40email.com", "#customer tbody td", _in_spanish),
    Place("a customer by phone", "#/customer/%2B5491100000007", "#customer tbody td", _in_spanish),
    Place("call-backs", "#/callbacks", "#callbacks .callbacks li", _in_spanish),
    Place("webhooks", "#/webhooks", "#webhooks tbody td", _in_spanish),
    Place("business and questions", "#/business", "#questions li", _in_spanish),
)


def _watching(first: str) -> str:
    """A script that keeps the long tasks, and when the frame was on the screen that has the `first` of something."""
    return (
        "(() => { const seen = (window.seen = { tasks: [], first: null });"
        " new PerformanceObserver((list) => { for (const task of list.getEntries())"
        " seen.tasks.push([task.startTime, task.duration]); }).observe({ type: 'longtask', buffered: true });"
        " const looking = new MutationObserver(() => {"
        f" if (!document.querySelector({json.dumps(first)})?.checkVisibility()) return;"
        " looking.disconnect(); requestAnimationFrame(() => setTimeout(() => (seen.first = performance.now()))); });"
        " looking.observe(document, { childList: true, subtree: true }); })()"
    )


async def _opened(browser: Chromium, url: str, place: Place) -> dict[str, Any]:
    """What opening a page came to, in a profile of its own."""
    page = await browser.page("about:blank")
    try:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=_watching(place.first))
        await page.goto(f"{url}/{place.hash}")
        await page.until("window.seen.first !== null")
        found: dict[str, Any] = await page.js(
            "(() => { const got = performance.getEntriesByType('resource');"
            " return { first_ms: seen.first, requests: got.length,"
            " kb: got.reduce((sum, each) => sum + each.transferSize, 0) / 1000,"
            " elements: document.getElementsByTagName('*').length,"
            " longest_ms: Math.max(0, ...seen.tasks.map(([, took]) => took)) }; })()"
        )
        if place.use is not None:
            await page.js("void (seen.tasks = [])")
            await place.use(page)
            found["use_longest_ms"] = await page.js("Math.max(0, ...seen.tasks.map(([, took]) => took))")
        if page.errors:
            raise RuntimeError(f"{place.name}: {page.errors}")
        return found
    finally:
        await page.close()


async def _measured(browser: Chromium, url: str, place: Place, rounds: int) -> dict[str, Any]:
    """The median of the times, the worst of the tasks."""
    opened = [await _opened(browser, url, place) for _ in range(rounds)]
    worst = {"longest_ms", "use_longest_ms", "elements"}
    return {name: round((max if name in worst else median)(each[name] for each in opened)) for name in opened[0]}


def _environment(home: Path, port: int) -> dict[str, str]:
    webhooks = {"WEBHOOK_URLS": RECEIVER, "WEBHOOK_SECRETS": new_secret(), "WEBHOOK_PRIVATE": "true"}
    return without_calls(home, port) | webhooks


async def measure(size: Size, rounds: int, names: list[str], kept: Path | None, console: Console) -> dict[str, Any]:
    load_average = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="carlos-console-", ignore_cleanup_errors=True) as name:
        home, port, began = kept or Path(name) / "home", free_port(), monotonic()
        if not (home / SQLITE_FILE).exists():
            console.print(f"writing {size.records} orders, as many appointments, and {size.calls} calls")
            home.mkdir(parents=True, exist_ok=True)
            await fill(home, size, utcnow(), RECEIVER)
            console.print(f"in {monotonic() - began:.0f} s")
        pages: dict[str, dict[str, Any]] = {}
        async with carlos_serve(_environment(home, port)) as process, chromium(Path(name) / "profile") as browser:
            await printed(process)
            for place in PLACES:
                if not names or any(each in place.name for each in names):
                    console.print(place.name)
                    pages[place.name] = await _measured(browser, f"http://localhost:{port}", place, rounds)
    return {
        "records": size.records,
        "calls": size.calls,
        "pages": pages,
        "worst_first_ms": max(page["first_ms"] for page in pages.values()),
        "worst_task_ms": max(max(page["longest_ms"], page.get("use_longest_ms", 0)) for page in pages.values()),
        "load_average": round(load_average, 2),
        "noisy": load_average > 0.5 * len(CORES),
    }


def table(result: dict[str, Any]) -> str:
    """As docs/console.md has it."""
    heads = {
        "first_ms": "first content, ms",
        "longest_ms": "longest task, ms",
        "use_longest_ms": "in use, ms",
        "requests": "requests",
        "kb": "kB",
        "elements": "elements",
    }
    lines = [["page", *heads.values()], ["---"] * (len(heads) + 1)]
    lines += [[name, *(str(page.get(key, "–")) for key in heads)] for name, page in result["pages"].items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.console", description=__doc__)
    parser.add_argument("--records", type=int, default=Size().records, help="orders, and as many appointments")
    parser.add_argument("--calls", type=int, default=Size().calls)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="each page is opened so often")
    parser.add_argument("--home", type=Path, help="keep the store in this folder, and take the one that is there")
    parser.add_argument("--only", nargs="*", default=[], help="pages with any of these in their name")
    options = parser.parse_args()
    logger.remove()
    console = Console(stderr=True, highlight=False)
    size = Size(options.records, options.calls)
    result = asyncio.run(measure(size, options.rounds, options.only, options.home, console))
    print(table(result))
    print(json.dumps(result))
    held = result["worst_first_ms"] <= FIRST_MS and result["worst_task_ms"] <= TASK_MS
    sys.exit(0 if held or result["noisy"] else 1)


if __name__ == "__main__":
    main()
