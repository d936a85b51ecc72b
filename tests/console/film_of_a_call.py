"""Films docs/screenshots/call.gif: a recorded caller rings `carlos serve`, as the console sees it live.

python -m tests.console.film_of_a_call

Twice as fast as it was. Needs Chromium, the speech packages, and a machine with nothing else to do.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.console.chromium import Page, chromium
from tests.console.conftest import SHOTS
from tests.support.servers import carlos_serve, free_port, printed
from tests.support.waiting import until_answered

SCRIPT = "order-status-dni"
WIDTH, HEIGHT = 860, 600
EVERY_S, SPEED = 0.5, 2
LAST_MS = 4000  # the last picture stays
COLOURS = 48
DOWN = "document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight"


async def frames(page: Page, caller: asyncio.subprocess.Process) -> list[Image.Image]:
    """A picture every half second, until the caller has hung up and a while longer."""
    taken: list[Image.Image] = []
    over = asyncio.create_task(caller.wait())
    while not over.done():
        await page.js(DOWN)
        taken.append(Image.open(io.BytesIO(await page.screenshot())))
        await asyncio.wait([over], timeout=EVERY_S)
    await page.until("!document.querySelector('#calls .danger')")
    await page.js(DOWN)
    return [*taken, Image.open(io.BytesIO(await page.screenshot()))]


def film(taken: list[Image.Image], file: Path) -> None:
    """Pictures that are like the one before only make that one last."""
    shown: list[Image.Image] = []
    lasting: list[int] = []
    for picture in taken:
        if shown and picture.convert("RGB").tobytes() == shown[-1].tobytes():
            lasting[-1] += round(EVERY_S / SPEED * 1000)
        else:
            shown.append(picture.convert("RGB"))
            lasting.append(round(EVERY_S / SPEED * 1000))
    lasting[-1] = LAST_MS
    few = [each.quantize(COLOURS, dither=Image.Dither.NONE) for each in shown]
    few[0].save(file, save_all=True, append_images=few[1:], duration=lasting, loop=0, optimize=True)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        environment = {
            "CARLOS_HOME": str(home),
            "WS_PORT": str(port),
            "TWILIO_API_BASE": f"http://localhost:{port + 1}",
        }
        base = f"http://localhost:{port}"
        async with carlos_serve(environment) as server, chromium(home / "profile") as browser:
            await printed(server, "stop")
            page = await browser.page(f"{base}/#/calls", width=WIDTH, height=HEIGHT)
            call = ["call", SCRIPT, "--server", base, "--out", str(home / "out"), "--mute"]
            caller = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "carlos.cli",
                *call,
                env=os.environ | environment,
                stdout=asyncio.subprocess.DEVNULL,
            )
            live = "document.querySelector('ul.live a')?.getAttribute('href')"
            where = await until_answered(lambda: page.js(live))
            await page.js(f"location.hash = {json.dumps(where)}")
            film(await frames(page, caller), SHOTS / "call.gif")
            server.terminate()
            await server.wait()


if __name__ == "__main__":
    asyncio.run(main())
