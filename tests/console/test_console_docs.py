"""The API's description as a page, in a browser that knows no host but this one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.console.chromium import Chromium, Page, chromium
from tests.console.served import Served, patient, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEY = "a-key-for-the-description"
NO_INTERNET = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        async with served(
            tmp_path_factory.mktemp("home"), patch, patient([]), admin_api_keys=f"reader:read:{KEY}"
        ) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("docs") / "profile", [NO_INTERNET]) as running:
        yield running


async def opened(browser: Chromium, server: Served) -> Page:
    """The page, once the key was given; the browser's console is then empty."""
    page = await browser.page("about:blank")
    await page.call("Network.enable")
    await page.goto(f"{server.url}/docs")
    await page.until("document.querySelector('#about').innerText.includes('API key')")
    assert [error for error in page.errors if "401" not in error] == []
    page.errors.clear()
    await page.click("#key input")
    await page.write(KEY)
    await page.key("Enter")
    await page.until("document.querySelector('#operations details')")
    return page


async def test_every_operation_is_listed_and_nothing_is_asked_of_anybody_else(
    server: Served, browser: Chromium
) -> None:
    page = await opened(browser, server)
    described = await page.js(
        f"fetch('/openapi.json', {{headers: {{'X-Api-Key': {KEY!r}}}}}).then((answer) => answer.json())"
    )
    operations = [(method, path) for path, methods in described["paths"].items() for method in methods]
    assert ("post", "/orders") in operations
    listed = [
        (method, path)
        for method, path in zip(
            await page.js("[...document.querySelectorAll('summary .method')].map((e) => e.textContent)"),
            await page.texts("summary code"),
            strict=True,
        )
    ]
    assert sorted(listed) == sorted(operations)
    assert page.errors == []
    assert {f"{server.url}/{path}" for path in ("docs", "docs/docs.js", "docs/docs.css", "openapi.json")} <= set(
        page.asked
    )
    assert [url for url in page.asked if not url.startswith(f"{server.url}/")] == []
    await page.close()


async def test_an_operation_is_tried_from_the_page(server: Served, browser: Chromium) -> None:
    page = await opened(browser, server)
    blocks = "[...document.querySelectorAll('details')]"
    await page.js(f"void ({blocks}.find((e) => e.innerText.includes('/orders/{{order_id}}')).id = 'one')")
    await page.click("#one summary")
    await page.click("#one input[name=order_id]")
    await page.write("3")
    await page.key("Enter")
    await page.until("document.querySelector('#one pre').innerText.includes('ETag')")
    answer = await page.text("#one pre")
    assert answer.startswith("200")
    assert '"id": "3"' in answer
    assert page.errors == []
    await page.close()


async def test_a_script_from_elsewhere_would_not_pass_here(server: Served, browser: Chromium) -> None:
    page = await opened(browser, server)
    refused = await page.js("""new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.blockedURI));
        document.head.append(Object.assign(document.createElement('script'), {src: 'https://cdn.example/a.js'}));
    })""")
    assert refused == "https://cdn.example/a.js"
    await page.close()
