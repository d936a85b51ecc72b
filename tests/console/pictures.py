"""Pictures of the console's pages, of one scripted day of calls: `python -m tests.console.pictures FOLDER [--all]`.

The day is that of `make day`, and the browser believes that it is its evening. By default a picture of each page as the
docs show it; `--all` takes every page in both languages, light and dark, wide and narrow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

from fastapi import FastAPI
from loguru import logger

from agent.active_calls import ActiveCalls
from api.application import guard, mount, record_routers
from api.console import console_routes
from api.docs_page import docs_routes
from api.live import live_routes
from bench.day import BEGINS, CALLS, run
from common.settings import Settings
from data import webhooks
from data.events import Event
from data.open import SQLITE_FILE, open_sqlite
from data.store import Store
from data.tables import TableName
from data.webhooks import Letter, Receiver
from tests.console.chromium import Page, chromium
from tests.support.servers import free_port, loopback, serving

OFFICE = Receiver("https://office.example/events")
EVENING = BEGINS.replace(hour=20, minute=15)
# The hash of a page, what is there when it is drawn, and what is clicked then.
PAGES = {
    "talk": ("#/talk", "#talk:not([hidden])", ""),
    "today": ("#/today", "#today .figures", ""),
    "calls": ("#/calls", "#calls tbody tr a", ""),
    "call": ("#/calls/{call}", "#calls .transcript li", ""),
    "customer": ("#/customer/{number}", "#customer section", ""),
    "orders": ("#/orders", "#orders tbody tr", ""),
    "order": ("#/orders", "#orders tbody tr .link", "#orders tbody tr .link"),
    "appointments": ("#/appointments", "#appointments .sheet", ""),
    "business": ("#/business", "#business form", ""),
    "callbacks": ("#/callbacks", "#callbacks .callbacks li", ""),
    "webhooks": ("#/webhooks", "#webhooks h2", ""),
}


@dataclass(frozen=True, slots=True)
class Look:
    language: str = "en"
    light: str = "light"
    width: int = 1280

    @property
    def height(self) -> int:
        return 844 if self.width < 600 else 900


EVERY = [Look(*each) for each in product(("en", "es"), ("light", "dark"), (1280, 390))]
# As the docs show them, beside the plain ones.
CHOSEN = {"today-390": ("today", Look(width=390)), "calls-es-dark": ("calls", Look("es", "dark"))}


@asynccontextmanager
async def evening(home: Path) -> AsyncIterator[tuple[str, str, str]]:
    """A server on the day's store: its address, the id of a call with a flag and the number of a customer."""
    await run(CALLS, 1, home)
    store = await open_sqlite(home / SQLITE_FILE, lambda: EVENING)
    await _tell(store)
    flagged = next(head.record for head in (await store.calls(flag="dead_air")).items if head.record.caller_number)
    settings = Settings(_env_file=None, carlos_home=home, rate_limit_per_minute=100_000)
    app, port = FastAPI(docs_url=None, redoc_url=None), free_port()
    mount(app, [live_routes(ActiveCalls(1)), *record_routers(settings, store, clock=lambda: EVENING)])
    for router in (console_routes("speech"), docs_routes()):
        app.include_router(router)
    guard(app, settings)
    with loopback(port) as listener:
        async with serving(app, listener):
            yield f"http://localhost:{port}", flagged.id, str(flagged.caller_number)
    await store.close()


async def _tell(store: Store) -> None:
    """The day's webhooks under the address of an office, which did not take two of some days before."""
    (kept,) = await store.backend.query(TableName.CALLS, webhooks.PK, low=webhooks.RECEIVER, high="RECEIVER$")
    state = await store.webhooks.state(str(kept["SK"]).removeprefix(webhooks.RECEIVER))
    store.webhooks.receivers = (OFFICE,)
    await store.webhooks.keep_state(replace(state, receiver=OFFICE.id, version=0))
    for type_, about in (("order.changed", "3"), ("appointment.changed", "2")):
        event = Event(type_, about, EVENING - timedelta(days=4), {"id": about, "version": 2})
        await store.backend.replace(TableName.CALLS, [put.item for put in store.webhooks.writes(event)], [])
        await store.webhooks.bury(Letter.of(event, OFFICE), 10, "HTTP 503")


def clock_of(moment: datetime) -> str:
    """A script by which a page believes in another time."""
    return (
        f"(() => {{ const real = Date, ahead = {moment.timestamp() * 1000:.0f} - real.now();"
        " Date = class extends real { constructor(...a) { a.length ? super(...a) : super(real.now() + ahead); }"
        " static now() { return real.now() + ahead; } }; })()"
    )


async def take(page: Page, address: str, place: tuple[str, str, str], look: Look, file: Path) -> None:
    where, drawn, clicked = place
    await page.resize(look.width, look.height)
    await page.prefer(prefers_color_scheme=look.light, prefers_reduced_motion="reduce")
    await page.goto("about:blank")
    await page.goto(f"{address}/{where}")
    await page.js(f"localStorage.setItem('carlos.language', {json.dumps(look.language)})")
    await page.reload()
    await page.until(f"document.querySelector({json.dumps(drawn)})")
    if clicked:
        await page.click(clicked)
        await page.until("document.querySelector('dialog[open]')")
    file.write_bytes(await page.screenshot())  # noqa: ASYNC240 - nobody waits for it


async def pictures(folder: Path, only: list[str], *, every: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="carlos-pictures-") as home:
        async with evening(Path(home)) as (address, call, number), chromium(Path(home) / "profile") as browser:
            page = await browser.page("about:blank")
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=clock_of(EVENING + timedelta(seconds=1)))
            wanted = [(name, name, Look()) for name in PAGES] + [(file, *each) for file, each in CHOSEN.items()]
            if every:
                looks = product(PAGES, EVERY)
                wanted = [(f"{name}-{look.language}-{look.light}-{look.width}", name, look) for name, look in looks]
            for file, name, look in wanted:
                if only and not any(each in file for each in only):
                    continue
                where, drawn, clicked = PAGES[name]
                there = where.format(call=call, number=number.replace("+", "%2B"))
                await take(page, address, (there, drawn, clicked), look, folder / f"{file}.png")
            errors = [each for each in page.errors if not each.endswith("/line")]  # no phone rings at this server
            assert errors == [], errors


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.console.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="those with any of these in their name")
    options = parser.parse_args()
    logger.remove()
    options.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(pictures(options.folder, options.only, every=options.all))


if __name__ == "__main__":
    main()
