"""The console at a server that wants a key for everything, a browser's conversation too."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.sonic.script import Say, ScriptTurn
from tests.console.chromium import Chromium, Page, chromium
from tests.console.served import Served, patient, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEYS = {"owner": "a-key-for-the-console-only", "reader": "a-key-to-read-with"}
GREETING = "Hola, soy Carlos. [FINAL]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        keys = f"owner:read+write+calls:{KEYS['owner']},reader:read:{KEYS['reader']}"
        brain = patient([ScriptTurn((Say(GREETING),))])
        home = tmp_path_factory.mktemp("home")
        async with served(home, patch, brain, admin_api_keys=keys, browser_tokens=True) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    async with chromium(tmp_path_factory.mktemp("keys") / "profile", flags) as running:
        yield running


async def give(page: Page, key: str) -> None:
    await page.until("document.querySelector('#api-key').open")
    await page.write(key)
    await page.key("Enter")


async def test_a_conversation_asks_for_a_key_once_and_fetches_a_token_each_time(
    server: Served, browser: Chromium
) -> None:
    page = await browser.page(f"{server.url}/")
    await page.click("#call")
    await page.until("document.querySelector('#api-key').open")
    assert await page.text("#alert") == "This server wants an API key to talk from a browser."
    await give(page, "a-key-of-nobody")
    await page.until("document.querySelector('#alert').textContent.includes('does not know that API key')")
    await give(page, KEYS["reader"])
    await page.until("document.querySelector('#alert').textContent.includes('lacks the scope write')")
    await give(page, KEYS["owner"])
    for _ in range(2):
        await page.until("carlos.session?.state === 'live'")
        assert not await page.js("document.querySelector('#api-key').open")
        await page.until("document.querySelector('#transcript').textContent.includes('Hola, soy Carlos.')")
        await page.click("#call")
        await page.until("carlos.session.state === 'ended'")
        await page.click("#call")
    await page.close()


async def test_no_key_and_a_wrong_key_are_told_apart_in_both_languages(server: Served, browser: Chromium) -> None:
    page = await browser.page(f"{server.url}/#/orders")
    await page.until("document.querySelector('.trouble .primary')")
    assert "An API key is needed" in await page.text(".trouble")
    await page.click(".trouble .primary")
    await give(page, "a-key-of-nobody")
    await page.until("document.querySelector('.trouble')?.textContent.includes('does not know it')")
    await page.click("#language")
    assert "este servidor no la conoce" in await page.text(".trouble")
    await page.click(".trouble .primary")
    await give(page, KEYS["reader"])
    await page.until("document.querySelector('#orders .sheet')")
    await page.close()
