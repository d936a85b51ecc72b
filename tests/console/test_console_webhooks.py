"""The page of webhooks: receivers, their last attempts, and what was given up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from common.times import utcnow
from common.webhooks import new_secret
from data.store import Change
from data.webhooks import Delivery, Receiver, ReceiverState
from tests.console.chromium import Chromium, Page, chromium
from tests.console.served import Served, patient, served
from tests.data.test_store_contract import an_order

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

type Shoot = Callable[[Page, str], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        async with served(tmp_path_factory.mktemp("home"), patch, patient([])) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("webhooks") / "profile", []) as running:
        yield running


async def lost(server: Served) -> Receiver:
    """Two events that were given up, and a receiver that is off. No sender runs: nothing changes by itself."""
    webhooks, here = server.services.store.webhooks, Receiver(f"https://example.com/{new_secret()}")
    webhooks.receivers = (here,)
    for number in ("901", "902"):
        await server.services.store.commit(Change(None, an_order(number)))
    for letter in await webhooks.due(here.id, 10):
        await webhooks.bury(letter, 10, "HTTP 500")
    now = utcnow()
    tries = [
        Delivery("msg_1", "order.changed", now - timedelta(minutes=4), 204, 1, 83),
        Delivery("msg_2", "call.ended", now - timedelta(minutes=3), None, 1, 15000, "no answer in time"),
        Delivery("msg_2", "call.ended", now - timedelta(minutes=2), 410, 2, 41, "HTTP 410"),
    ]
    state = replace(ReceiverState(here.id), disabled_at=now).with_recent(tries)
    await webhooks.keep_state(state)
    return here


async def test_nothing_to_show_is_said(server: Served, browser: Chromium) -> None:
    server.services.store.webhooks.receivers = ()
    page = await browser.page(f"{server.url}/#/webhooks")
    await page.until("document.querySelectorAll('#webhooks .hint').length === 2")
    assert "WEBHOOK_URLS is empty" in await page.text("#webhooks")
    assert page.errors == []
    await page.close()


async def test_what_was_given_up_is_tried_again_or_deleted_with_the_keyboard(
    server: Served, browser: Chromium, shoot: Shoot
) -> None:
    here = await lost(server)
    store = server.services.store
    page = await browser.page(f"{server.url}/#/webhooks")
    await page.until("document.querySelectorAll('#webhooks > .sheet tbody tr').length === 2")
    text = await page.text("#webhooks")
    for told in ("https://example.com", "no answer in time", "Taken (204)", "HTTP 410", "HTTP 500", "902"):
        assert told in text
    await shoot(page, "webhooks")
    await page.resize(390, 844)
    assert await page.js("document.documentElement.scrollWidth <= innerWidth"), "no page scrolls sideways"
    await shoot(page, "webhooks-390")
    await page.prefer(prefers_color_scheme="dark")
    await shoot(page, "webhooks-390-dark")
    await page.js("document.querySelector('#webhooks [data-t=\"webhooks.retry\"]').focus()")
    await page.key("Enter")
    await page.until("document.querySelectorAll('#webhooks > .sheet tbody tr').length === 1")
    assert await page.js("document.activeElement.tagName") == "H1"
    assert [letter.about for letter in await store.webhooks.due(here.id, 10)] == ["902"]
    await page.js("document.querySelector('#webhooks [data-t=\"webhooks.delete\"]').focus()")
    await page.key("Enter")
    assert len((await store.webhooks.dead()).items) == 1, "it is asked for twice"
    assert await page.js("document.activeElement.textContent") == "Really delete"
    await page.key("Enter")
    await page.until("!document.querySelector('#webhooks > .sheet')")
    assert (await store.webhooks.dead()).items == ()
    await page.click("#webhooks [data-t='webhooks.enable']")
    await page.until("document.querySelector('#webhooks .pill.ok')")
    await page.click("#language")
    assert "Receptores" in await page.text("#webhooks")
    assert page.errors == []
    await page.close()
