"""The API's description as a page, in a browser that knows no host but this one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.description import operations
from api.openapi import described
from tests.console.chromium import WIDTH, Chromium, Page, chromium
from tests.console.served import Served, patient, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEY = "a-key-for-the-description"
NO_INTERNET = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"
LEAST_CONTRAST = 4.5  # of text and its background: https://www.w3.org/TR/WCAG21/#contrast-minimum

CONTRASTS = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const light = (color) => {
    const [r, g, b] = color.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const color = rgba(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, behind(element.parentElement));
  };
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
    const said = element.value || words.map((node) => node.textContent).join("");
    if (!said || !element.checkVisibility({visibilityProperty: true})) continue;
    const under = behind(element), ink = over(rgba(getComputedStyle(element).color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < LEAST) found[`${element.tagName}.${element.className}: ${said.slice(0, 30)}`] = ratio;
  }
  return found;
})()""".replace("LEAST", str(LEAST_CONTRAST))
NEEDS_A_NAME = {
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "radio",
    "region",
    "navigation",
    "DisclosureTriangle",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        async with served(
            tmp_path_factory.mktemp("home"), patch, patient([]), admin_api_keys=f"writer:read+write:{KEY}"
        ) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("docs") / "profile", [NO_INTERNET]) as running:
        yield running


async def opened(browser: Chromium, server: Served, hash_: str = "", width: int = WIDTH) -> Page:
    """The page; no key is needed to read it."""
    page = await browser.page("about:blank", width=width)
    await page.call("Network.enable")
    await page.goto(f"{server.url}/docs{hash_}")
    await page.until("document.querySelector('#operations details.model')")
    assert page.errors == []
    return page


async def give_key(page: Page) -> None:
    await page.click("#key-input")
    await page.write(KEY)
    await page.key("Enter")
    await page.until("document.querySelector('#key-state').innerText === 'in use'")


async def test_every_route_of_the_server_is_listed_and_nothing_is_asked_of_anybody_else(
    server: Served, browser: Chromium
) -> None:
    page = await opened(browser, server)
    schema = await page.js("fetch('/openapi.json').then((answer) => answer.json())")
    assert sorted(schema["paths"]) == sorted(described().openapi()["paths"]), "api.openapi.described lacks a router"
    routes = sorted((method, path) for path, method, _ in operations(schema))
    for place in ("#routes a", "#operations > section > .operation:not(.model) > summary"):
        told = [await page.texts(f"{place} .method"), await page.texts(f"{place} code")]
        assert sorted((method.lower(), path) for method, path in zip(*told, strict=True)) == routes
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith(f"{server.url}/")] == []
    await page.close()


async def test_a_route_is_found_opened_tried_without_and_with_a_key_and_shown_as_code(
    server: Served, browser: Chromium
) -> None:
    page = await opened(browser, server)
    await page.click("#filter")
    await page.write("get order_id")
    assert await page.js("[...document.querySelectorAll('#routes a')].filter((e) => e.checkVisibility()).length") == 1
    await page.click("#routes a[href='#get-orders-order_id']")
    box = "#get-orders-order_id"
    await page.until(f"document.querySelector('{box} pre.sample') && document.activeElement.closest('{box}')")
    assert "HTMLSpanElement" not in await page.text(box)
    assert "A key needs the scope read" in (await page.text(f"{box} .told")).replace("\n", " ")
    assert f"{server.url}/orders/1" in await page.text(f"{box} pre.sample")
    await page.js(f"void (document.querySelector('{box} input[name=order_id]').value = '')")
    await page.click(f"{box} button[type=submit]")
    assert await page.js("document.activeElement.name") == "order_id"  # it must be there
    await page.write("3")
    assert f"{server.url}/orders/3" in await page.text(f"{box} pre.sample")
    await page.key("Enter")
    await page.until(f"document.querySelector('{box} .status')?.innerText.startsWith('401')")
    await page.until(f"document.querySelector('{box} .answer pre')?.innerText.includes('key_missing')")
    await give_key(page)
    await page.click(f"{box} button[type=submit]")
    await page.until(f"document.querySelector('{box} .status')?.innerText.startsWith('200')")
    assert 'etag: "1"' in (await page.text(f"{box} .answer")).lower()
    await page.until(f"document.querySelector('{box} .answer pre')?.innerText.includes('\"id\": \"3\"')")
    await page.click(f"{box} input[value=Python]")
    sample = await page.text(f"{box} pre.sample")
    assert "httpx.request(" in sample
    assert KEY not in sample
    assert [error for error in page.errors if "401" not in error] == []
    await page.close()


async def test_a_body_is_there_to_be_changed_and_its_fields_and_errors_are_told(
    server: Served, browser: Chromium
) -> None:
    page = await opened(browser, server, "#post-orders")
    await give_key(page)
    box = "#post-orders"
    await page.until(f"document.querySelector('{box} textarea')")
    example = json.loads(await page.js(f"document.querySelector('{box} textarea').value"))
    assert example["customerName"] == "María González"
    await page.click(f"{box} form details summary")
    await page.until(f"document.querySelector('{box} form .fields')")
    assert "customerEmail" in await page.text(f"{box} form .fields")
    assert "409" in await page.text(f"{box} .failures")
    await page.click(f"{box} button[type=submit]")
    await page.until(f"document.querySelector('{box} .status')?.innerText.startsWith('201')")
    assert page.errors == []
    await page.close()


async def test_nothing_is_replaced_before_somebody_has_said_which_version(server: Served, browser: Chromium) -> None:
    page = await opened(browser, server, "#put-facts")
    box = "#put-facts"
    await page.until(f"document.querySelector('{box} textarea')")
    assert await page.js(f"document.querySelector('{box} [name=if-match]').value") == ""
    await page.click(f"{box} button[type=submit]")
    assert await page.js("document.activeElement.name") == "if-match"
    assert await page.js(f"document.querySelector('{box} .answer').childElementCount") == 0
    await page.close()


async def everything_open(page: Page) -> None:
    """Each box that opens, until there is no other."""
    await page.js("""(async () => {
      for (;;) {
        const closed = [...document.querySelectorAll("details:not([open])")];
        if (!closed.length) return;
        for (const each of closed) each.open = true;
        await new Promise((resolve) => setTimeout(resolve)); // toggle is told in a task of its own
        await new Promise((resolve) => requestAnimationFrame(() => resolve()));
      }
    })()""")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_stands_out_and_every_control_has_a_name(server: Served, browser: Chromium, scheme: str) -> None:
    page = await opened(browser, server)
    await page.prefer(prefers_color_scheme=scheme)
    await everything_open(page)
    assert await page.js(CONTRASTS) == {}
    tree: list[dict[str, Any]] = (await page.call("Accessibility.getFullAXTree"))["nodes"]
    controls = [node for node in tree if not node["ignored"] and node["role"]["value"] in NEEDS_A_NAME]
    assert len(controls) > 100
    assert [node for node in controls if not node.get("name", {}).get("value")] == []
    ids = await page.js("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    await page.close()


async def test_it_fits_a_telephone(server: Served, browser: Chromium) -> None:
    page = await opened(browser, server, width=390)
    await everything_open(page)
    assert await page.js("document.documentElement.scrollWidth") <= 390
    await page.close()


async def test_a_script_from_elsewhere_would_not_pass_here(server: Served, browser: Chromium) -> None:
    page = await opened(browser, server)
    refused = await page.js("""new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.blockedURI));
        document.head.append(Object.assign(document.createElement('script'), {src: 'https://cdn.example/a.js'}));
    })""")
    assert refused == "https://cdn.example/a.js"
    await page.close()
