"""Takes docs/screenshots/call-phone.png: the page of a call that `carlos call` placed at `carlos serve`.

python -m tests.console.picture_of_a_call

The page is seen with a key that may only read, so what is personal is masked. Needs Chromium.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.console.chromium import Page, chromium
from tests.console.conftest import SHOTS
from tests.support.servers import free_port

KEY = "a-key-that-may-only-read"
SCRIPT = "order-status-dni"
HEIGHT = 1760


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        async with serving(home, port):
            base = f"http://localhost:{port}"
            await finished("call", SCRIPT, "--server", base, "--out", str(home), **environment(home, port))
            call = await newest(base)
            async with chromium(home / "profile") as browser:
                page = await browser.page(f"{base}/#/calls/{call}", height=HEIGHT)
                await enter_key(page)
                await page.click(".transcript details summary")
                await page.js("document.activeElement.blur()")
                (SHOTS / "call-phone.png").write_bytes(await page.screenshot())


async def enter_key(page: Page) -> None:
    await page.until("document.querySelector('.trouble .primary')")
    await page.click(".trouble .primary")
    await page.until("document.querySelector('#api-key').open")
    await page.write(KEY)
    await page.key("Enter")
    await page.until("document.querySelector('.timeline')")


def environment(home: Path, port: int) -> dict[str, str]:
    return {
        "CARLOS_HOME": str(home),
        "WS_PORT": str(port),
        "TWILIO_API_BASE": f"http://localhost:{port + 1}",
        "ADMIN_API_KEYS": f"viewer:read:{KEY}",
    }


@asynccontextmanager
async def serving(home: Path, port: int) -> AsyncIterator[None]:
    process = await started("serve", **environment(home, port))
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as http:
            while not await is_ready(http, port):
                await asyncio.sleep(0.2)
        yield
    finally:
        process.terminate()
        await process.wait()


async def is_ready(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://localhost:{port}/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def newest(base: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{base}/calls", headers={"X-Api-Key": KEY}) as answer:
        return str((await answer.json())["data"][0]["id"])


async def started(*words: str, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "carlos.cli", *words, env=os.environ | env, stdout=asyncio.subprocess.DEVNULL
    )


async def finished(*words: str, **env: str) -> None:
    process = await started(*words, **env)
    if code := await process.wait():
        raise SystemExit(f"carlos {words[0]} ended with {code}")


if __name__ == "__main__":
    asyncio.run(main())
