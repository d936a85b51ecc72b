"""The pages of calls, days and customers, and long tables, in a browser: on a store, without a line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from common.times import utcnow
from data.call_items import call_items
from data.models import CallRecord, Line, OrderStatus, ToolCall, Turn
from data.open import open_sqlite
from data.records import to_item
from data.store import Store
from data.tables import TableName
from tests.console.chromium import Chromium, Page, chromium
from tests.console.desk import Desk, desk_over
from tests.data.test_store_contract import an_order
from tests.support.seeded import fill

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NOW = utcnow()
MANY_CALLS, MANY_ORDERS = 10_000, 3_000
MOST_ROWS = 60  # in the page, of a table of any length
LONG_NAME = "María de los Ángeles " + "González " * 8

type Shoot = Callable[[Page, str], Awaitable[None]]


def a_call(number: int, minutes_ago: int, tool: str | None = None, **fields: object) -> CallRecord:
    began = NOW - timedelta(minutes=minutes_ago)
    turns = (
        Turn("carlos", "Hola, soy Carlos.", began + timedelta(seconds=2), latency_ms=700),
        Turn("caller", "Quiero un turno.", began + timedelta(seconds=5)),
        Turn("carlos", "Listo, quedó.", began + timedelta(seconds=20), latency_ms=900),
    )
    tools = () if tool is None else (
        ToolCall(tool, "t", True, 3, began + timedelta(seconds=9), {}, {"success": True, "appointmentId": "9"}),
    )  # fmt: skip
    ended = began + timedelta(seconds=30)
    made = CallRecord(f"CA{number}", Line.PHONE, began, "+5491150000001", ended, "completed", turns, tools)
    return replace(made, **fields)  # type: ignore[arg-type]


async def _filled(store: Store) -> None:
    await fill(store, NOW.date())
    await store.save_call(a_call(1, 5, "agendarTurno"))
    await store.save_call(a_call(2, 6, outcome="caller_left", details={"dead_air": [5000]}))
    expires = NOW + timedelta(days=90)
    for start in range(100, MANY_CALLS, 1000):
        calls = [a_call(number, 2000 + number, caller_number=None) for number in range(start, start + 1000)]
        items = [item for call in calls for item in call_items(call, expires) if item["SK"] == "RECORD"]
        await store.backend.replace(TableName.CALLS, items, [])
    orders = [
        replace(an_order(str(number)), customer_name=LONG_NAME, status=OrderStatus.DELIVERED, created_at=NOW)
        for number in range(100, 100 + MANY_ORDERS)
    ]
    await store.backend.replace(TableName.ORDERS, [to_item(order) for order in orders], [])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    home = tmp_path_factory.mktemp("desk")
    store = await open_sqlite(home / "carlos.db")
    await _filled(store)
    async with desk_over(store, home) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("calls") / "profile") as running:
        yield running


async def rows(page: Page, section: str) -> int:
    return len(await page.texts(f"#{section} tbody tr"))


async def test_a_table_of_ten_thousand_calls_has_the_rows_in_view(desk: Desk, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{desk.url}/#/calls")
    await page.until("document.querySelector('#calls tbody tr a')")
    await shoot(page, "calls")
    assert 0 < await rows(page, "calls") < MOST_ROWS
    window = "document.querySelector('.window')"
    scroll = f"(() => {{ const w = {window}; w.scrollTop = w.scrollHeight; return w.scrollHeight; }})()"
    before = await page.js(scroll)
    await page.until(f"{window}.scrollHeight > {before} + 4000")
    await page.js(scroll)
    await page.until(f"{window}.scrollHeight > {before} + 8000")
    assert 0 < await rows(page, "calls") < MOST_ROWS
    assert page.errors == []
    await page.close()


async def test_calls_are_searched_and_a_flag_opens_its_moment(desk: Desk, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{desk.url}/#/calls/find/flag%3Ddead_air")
    await page.until("document.querySelector('#calls tbody .flag')")
    assert await page.js("document.querySelector('#calls-flag').value") == "dead_air"
    assert await rows(page, "calls") == 1
    await page.js("document.querySelector('#calls tbody .flag').focus()")
    await page.key("Enter")
    await page.until("document.querySelector('.looked-at')")
    assert "Quiero un turno." in await page.text(".looked-at")
    assert await page.js("document.activeElement.classList.contains('looked-at')")
    await shoot(page, "call-flag")
    await page.click("#calls .back")
    await page.until("document.querySelector('#calls tbody .flag')")
    await page.click("#calls-disposition")
    await page.js(
        "(() => { const s = document.querySelector('#calls-disposition'); s.value = 'booked';"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    await page.until("document.querySelector('#calls [role=status]')?.innerText === 'Nothing here.'")
    assert page.errors == []
    await page.close()


async def test_the_morning_after_tells_what_was_done_and_leads_to_the_calls(
    desk: Desk, browser: Chromium, shoot: Shoot
) -> None:
    page = await browser.page(f"{desk.url}/#/today")
    await page.until("document.querySelector('#today .figures')")
    await shoot(page, "today")
    assert "Calls\n2" in (await page.text("#today .figures")).replace("\n\n", "\n")
    assert "Booked" in await page.text("#today .columns")
    assert await page.js("document.querySelectorAll('.day-chart rect').length") >= 2
    await page.click("#today .columns a")
    await page.until("document.querySelector('#calls tbody .booked')")
    await page.js("location.hash = '#/today'")
    await page.until("document.querySelector('#today .columns')")
    ended = "#today .columns section:nth-child(2)"
    told = await page.text(f"{ended} a")
    await page.click(f"{ended} a")
    await page.until("document.querySelector('#calls-unserved')?.checked")
    await page.until(f"document.querySelectorAll('#calls tbody tr').length === {told}")
    assert page.errors == []
    await page.close()


async def test_a_customer_is_found_and_erased_after_the_count(desk: Desk, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{desk.url}/#/customer")
    await page.until("document.activeElement.id === 'customer-who'")
    await page.write("elena.martinez@email.com")
    await page.key("Enter")
    await page.until("document.querySelector('#customer-erase')")
    await shoot(page, "customer")
    await page.click("#customer-erase")
    await page.until("document.querySelector('#details').open")
    assert "orders 1, appointments 1, calls 0" in await page.text("#details")
    await page.click("#customer-erase-for-good")
    await page.until("document.querySelector('#customer [role=status]')")
    assert "Erased: orders 1" in await page.text("#customer")
    assert page.errors == []
    await page.close()


async def test_a_long_name_pushes_no_column_off_a_long_list_of_orders(desk: Desk, browser: Chromium) -> None:
    page = await browser.page(f"{desk.url}/#/orders", width=390)
    await page.until("document.querySelector('#orders tbody tr')")
    assert 0 < await rows(page, "orders") < MOST_ROWS
    assert await page.js("document.documentElement.scrollWidth <= innerWidth")
    assert await page.js(
        "document.querySelector('.window').scrollWidth <= document.querySelector('.window').clientWidth"
    )
    assert LONG_NAME.strip() in await page.js("document.querySelector('#orders tbody .customer').title")
    await page.js("document.querySelector('.window').scrollTop = 1e6")
    await page.until("document.querySelector('#orders [role=status]').innerText.includes('2,000')")
    await page.click("#orders-search")
    await page.write("laptop dell")
    await page.until("document.querySelectorAll('#orders tbody tr').length === 1")
    assert page.errors == []
    await page.close()
