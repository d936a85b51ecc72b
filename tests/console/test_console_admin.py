"""The pages for admins, at a server that wants a key and checks Twilio's signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.console.chromium import Chromium, Page, chromium
from tests.console.served import Served, patient, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEY = "a-key-for-the-console-only"

type Shoot = Callable[[Page, str], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        keys = {"admin_api_keys": f"owner:read+write+calls:{KEY}", "twilio_auth_token": "secret"}
        async with served(home, patch, patient([]), takes="speech", **keys) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    flags = ["--use-fake-device-for-media-stream"]
    async with chromium(tmp_path_factory.mktemp("admin") / "profile", flags) as running:
        yield running


async def enter(browser: Chromium, server: Served, section: str) -> Page:
    """A tab that was asked for the key, and given it."""
    page = await browser.page(f"{server.url}/#/{section}")
    await page.until("document.querySelector('.trouble .primary')")
    await page.click(".trouble .primary")
    await page.until("document.querySelector('#api-key').open")
    await page.write(KEY)
    await page.key("Enter")
    await page.until(f"document.querySelector('#{section} .sheet, #{section} .live')")
    assert [error for error in page.errors if "401" not in error] == []
    page.errors.clear()
    return page


async def test_orders_are_listed_searched_and_opened(server: Served, browser: Chromium, shoot: Shoot) -> None:
    page = await enter(browser, server, "orders")
    assert len(await page.texts("#orders tbody tr")) == 7
    await shoot(page, "orders")
    await page.click("#orders-search")
    await page.write("gonzalez")
    assert len(await page.texts("#orders tbody tr")) == 1
    assert "María González" in await page.text("#orders tbody")
    await page.click("#orders tbody .link")
    assert "Mouse inalámbrico Logitech" in await page.text("#details")
    await shoot(page, "order")
    await page.key("Escape")
    assert not await page.js("document.querySelector('#details').open")
    assert page.errors == []
    await page.close()


async def test_a_list_that_comes_in_pages_is_fetched_as_it_is_looked_at(
    server: Served, browser: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.orders.MAX_PAGE_RECORDS", 5)
    page = await enter(browser, server, "orders")
    await page.until("document.querySelectorAll('#orders tbody tr').length === 7")
    assert "7 of 7" in await page.text("#orders [role=status]")
    await page.close()


async def test_appointments_are_shown_by_week_and_day_at_their_hour(
    server: Served, browser: Chromium, shoot: Shoot
) -> None:
    page = await enter(browser, server, "appointments")
    assert len(await page.texts(".calendar .day")) == 7
    await shoot(page, "appointments")
    found: list[str] = []
    for _ in range(3):
        found += await page.texts(".calendar li b")
        shown = await page.js("document.querySelector('.calendar').dataset.from")
        await page.click("button[aria-label=Later]")
        await page.until(f"document.querySelector('.calendar')?.dataset.from > {shown!r}")
    assert sorted(found) == ["09:00", "10:00", "10:30", "11:00", "13:00", "14:30", "15:00", "16:00"]
    await page.click("button[aria-label=Earlier]")
    await page.click("input[name=span][value=day]")
    await page.until("document.querySelectorAll('.calendar .day').length === 1")
    assert page.errors == []
    await page.close()


async def test_a_stand_in_is_told_in_both_languages(server: Served, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{server.url}/")
    await page.click("#standin summary")
    assert "it hears Spanish with Whisper base" in await page.text("#standin")
    assert "costs no money here, and time" in await page.text("#standin")
    assert "the stand-in's times" in await page.text("#standin-latency")
    await shoot(page, "talk-stand-in")
    await page.click("#language")
    assert "escucha con Whisper base" in await page.text("#standin")
    assert "no cuesta plata sino tiempo" in await page.text("#standin")
    await page.close()


async def test_calls_say_so_while_there_are_none(server: Served, browser: Chromium) -> None:
    page = await enter(browser, server, "calls")
    assert "Nobody is on the line." in await page.text("#calls")
    assert page.errors == []
    await page.close()


async def test_a_route_that_is_not_there_is_told_and_can_be_tried_again(server: Served, browser: Chromium) -> None:
    page = await enter(browser, server, "orders")
    async with server.away():
        await page.click(".refresh")
        await page.until("document.querySelector('.trouble')")
        assert "cannot be reached" in await page.text(".trouble")
    await page.click(".trouble .quiet")
    await page.until("document.querySelector('#orders tbody tr')")
    await page.close()


async def test_the_phone_line_explains_that_only_twilio_may_call(server: Served, browser: Chromium) -> None:
    page = await browser.page(f"{server.url}/")
    await page.click("input[value=phone]")
    await page.click("#call")
    await page.until("carlos.session?.state === 'ended'")
    assert "Twilio only" in await page.text("#alert")
    await page.close()
