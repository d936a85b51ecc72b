"""Each page's job on a full store, in a browser and by keyboard: what is drawn, asked for and sent stays bounded.

The store is a small one that has more of everything than a page shows; `CONSOLE_RECORDS=100000 CONSOLE_CALLS=10000`
takes as many instead. How long all of it takes says `python -m bench.console`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.console import PLACES, RECEIVER, Place
from bench.full_store import Size, fill
from bench.lists import DOCTORS
from common.times import utcnow
from data.open import SQLITE_FILE, open_sqlite
from data.webhooks import Receiver
from tests.console.chromium import Chromium, Page, chromium
from tests.console.desk import Desk, desk_over
from tests.support.waiting import until_answered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SIZE = Size(
    int(os.environ.get("CONSOLE_RECORDS", "4000")),
    int(os.environ.get("CONSOLE_CALLS", "400")),
    letters=130,
    callbacks=130,
)
MOST_ROWS = 60  # in the page, of a table of any length
MOST_ELEMENTS = 2500  # in the page
MOST_REQUESTS = 6  # for records, until a page is drawn
MOST_KB = 1000  # of records, before compression: three pages of a thousand appointments
MOST_TABS = 120  # to anything on a page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    home = tmp_path_factory.mktemp("full")
    await fill(home, SIZE, utcnow(), RECEIVER)
    store = await open_sqlite(home / SQLITE_FILE)
    store.webhooks.receivers = (Receiver(RECEIVER),)
    async with desk_over(store, home) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("full-browser") / "profile") as running:
        yield running


async def enter(browser: Chromium, desk: Desk, hash_: str, drawn: str) -> Page:
    page = await browser.page(f"{desk.url}/{hash_}")
    await page.until(f"document.querySelector({drawn!r})?.checkVisibility()")
    return page


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what is looked for has the focus."""
    for _ in range(MOST_TABS):
        await page.key("Tab")
        if await page.js(f"document.activeElement.matches({selector!r})"):
            return
    raise AssertionError(f"no key leads to {selector}")


async def leave(page: Page) -> None:
    assert [each for each in page.errors if not each.endswith("/line")] == []  # no phone rings at this server
    await page.close()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_a_page_asks_for_and_draws_a_bounded_part_of_a_full_store(
    desk: Desk, browser: Chromium, place: Place
) -> None:
    page = await browser.page("about:blank")
    await page.call("Network.enable")
    await page.goto(f"{desk.url}/{place.hash}")
    await page.until(f"document.querySelector({place.first!r})?.checkVisibility()")
    asked = [url for url in page.asked if "/console/" not in url]
    assert len(asked) - 1 <= MOST_REQUESTS, asked  # beside the page itself
    assert await page.js("document.getElementsByTagName('*').length") <= MOST_ELEMENTS
    sizes = "performance.getEntriesByType('resource').filter(({ initiatorType }) => initiatorType === 'fetch')"
    assert await page.js(f"{sizes}.reduce((sum, each) => sum + each.decodedBodySize, 0)") <= 1000 * MOST_KB
    if place.use is not None:
        await place.use(page)
        assert await page.js("document.getElementsByTagName('*').length") <= MOST_ELEMENTS
        assert await page.js("document.querySelectorAll('.windowed tbody tr').length") <= MOST_ROWS
    await leave(page)


async def test_an_order_is_looked_for_and_opened_by_keyboard(desk: Desk, browser: Chromium) -> None:
    page = await enter(browser, desk, "#/orders", "#orders tbody .link")
    await tab_to(page, "#orders-search")
    await page.write("customer77@")
    await page.until("document.querySelector('#orders tbody .customer')?.textContent.includes('customer77@')")
    await tab_to(page, "#orders tbody .link")
    await page.key("Enter")
    await page.until("document.querySelector('#details').open")
    assert "customer77@email.com" in await page.text("#details")
    await page.key("Escape")
    await page.until("!document.querySelector('#details').open")
    assert await page.js("document.activeElement.matches('#orders tbody .link')")
    await leave(page)


async def test_a_crowded_week_is_told_by_the_hour_and_a_doctors_is_shown_whole(desk: Desk, browser: Chromium) -> None:
    page = await enter(browser, desk, "#/appointments", ".calendar .crowd")
    assert "told by the hour" in await page.text("#appointments")
    begun = await page.js("[...document.querySelectorAll('.crowd b')].map((each) => Number(each.innerText))")
    assert max(begun) > 20, "all of an hour are counted"
    await tab_to(page, ".crowd button")
    await page.key("Enter")
    await page.until("document.activeElement.matches('select.doctor')")
    assert await page.js("document.querySelectorAll('.calendar .day').length") == 1
    await page.js(f"document.activeElement.value = {DOCTORS[3]!r}")
    await page.js("document.activeElement.dispatchEvent(new Event('change'))")
    only = f"[...document.querySelectorAll('.calendar small')].every((each) => each.innerText === {DOCTORS[3]!r})"
    await page.until(f"document.querySelector('.calendar li button') && {only}")
    await page.key("Tab")  # on from the doctor's choice: it has kept the focus
    assert await page.js("document.activeElement.closest('#appointments') !== null")
    await leave(page)


async def test_a_call_is_found_by_its_flag_and_left_again_by_keyboard(desk: Desk, browser: Chromium) -> None:
    page = await enter(browser, desk, "#/calls", "#calls tbody a")
    await tab_to(page, "#calls-flag")
    await page.key("D")
    found = "[...document.querySelectorAll('#calls tbody tr')].every((row) => row.querySelector('.flag.dead_air'))"
    await page.until(f"location.hash.includes('dead_air') && {found}")
    await tab_to(page, "#calls tbody .flag.dead_air")
    await page.key("Enter")
    await page.until("document.activeElement.classList.contains('looked-at')")
    await page.js("document.querySelector('#calls .back').focus()")
    await page.key("Enter")
    await page.until("document.querySelector('#calls-flag')?.value === 'dead_air'")
    await leave(page)


async def test_a_number_of_today_leads_to_its_calls_by_keyboard(desk: Desk, browser: Chromium) -> None:
    page = await enter(browser, desk, "#/today", "#today .columns a")
    await tab_to(page, "#today .columns a")
    await page.key("Enter")
    await page.until("document.querySelector('#calls tbody a')")
    await leave(page)


async def test_a_webhook_that_was_given_up_is_sent_again_by_keyboard(desk: Desk, browser: Chromium) -> None:
    page = await enter(browser, desk, "#/webhooks", "#webhooks tbody button")
    waiting = await desk.store.webhooks.waiting(Receiver(RECEIVER).id)
    await tab_to(page, "#webhooks tbody button")
    await page.key("Enter")

    async def is_revived() -> bool:
        return await desk.store.webhooks.waiting(Receiver(RECEIVER).id) == waiting + 1

    await until_answered(is_revived)
    await page.until("document.activeElement.tagName === 'H1'")
    await leave(page)


async def test_a_question_is_answered_by_keyboard(desk: Desk, browser: Chromium) -> None:
    page = await enter(browser, desk, "#/business", "#questions .primary")
    await tab_to(page, "#questions .primary")
    await page.key("Enter")
    await page.until("document.querySelector('#editor').open")
    await page.write("Sí, atendemos.")
    await tab_to(page, "#editor [type=submit]")
    await page.key("Enter")
    await page.until("!document.querySelector('#editor').open")
    assert any(each.answer == "Sí, atendemos." for each in (await desk.store.facts()).questions)
    await leave(page)
