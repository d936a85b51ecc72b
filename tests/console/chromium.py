"""Headless Chromium over the DevTools protocol: as much of it as a person at a page does and sees.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from sandbox.hang import HANG_S
from tests.support.waiting import bounded, until_answered

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows", "--force-color-profile=srgb", "--lang=en-GB",
    "--remote-debugging-port=0", "--remote-allow-origins=*",
    # What moves is drawn sixty times a second, and a process is begun for a tab that is never opened.
    "--force-prefers-reduced-motion", "--disable-features=SpareRendererForSitePerProcess",
)  # fmt: skip
LISTENING = re.compile(r"DevTools listening on (ws://\S+)")
KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37,
    "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip
TEXTS = {"Enter": "\r", " ": " "}
# The middle of what is shown there, once it has stayed what and where it is for two frames: scrolling to it, or an
# answer that has just come, may still have the page draw it anew, and what is pressed then is not what is released.
MIDDLE = """async (selector) => {
  const frame = () => new Promise(requestAnimationFrame);
  let before, place;
  for (let still = 0; still < 2; ) {
    const found = document.querySelector(selector);
    if (!found) return null;
    found.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = found.getBoundingClientRect();
    const now = [x + width / 2, y + height / 2];
    still = found === before && now.every((each, index) => each === place[index]) ? still + 1 : 0;
    [before, place] = [found, now];
    await frame();
  }
  return place;
}"""
MAX_MESSAGE = 64 * 1024 * 1024

WIDTH, HEIGHT = 1280, 900


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class PageError(Exception):
    """A script in the page threw, or something did not become true in time."""


class Chromium:
    """One browser process; `page` opens a tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._reader = asyncio.create_task(self._read(), name="devtools")

    async def page(self, url: str, *, width: int = WIDTH, height: int = HEIGHT, microphone: str = "granted") -> Page:
        """A new tab with a profile of its own, loaded. The person has `granted` or `denied` it the microphone."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        permission = {"name": "microphone"}
        await self.call("Browser.setPermission", permission=permission, setting=microphone, browserContextId=context)
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"], target["targetId"])
        for domain in ("Page", "Runtime", "Log"):
            await page.call(f"{domain}.enable")
        await page.resize(width, height)
        await page.goto(url)
        return page

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        await self._socket.send(json.dumps(message))
        return await asyncio.wait_for(answer, HANG_S)

    async def close(self) -> None:
        self._reader.cancel()
        await self._socket.close()

    async def _read(self) -> None:
        try:
            await self._take_messages()
        finally:
            for answer in self._waiting.values():
                answer.cancel("the browser is gone")

    async def _take_messages(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if (answer := self._waiting.pop(message.get("id", 0), None)) is not None and not answer.done():
                if "error" in message:
                    answer.set_exception(PageError(message["error"]["message"]))
                else:
                    answer.set_result(message["result"])
            elif page := self._pages.get(message.get("sessionId", "")):
                page.notice(message["method"], message["params"])


class Page:
    """One tab. `errors` gathers what a developer's console would show in red; `asked`, after `Network.enable`,
    the URL of each request; `dialogs` the kinds of the dialogs that came up, each of which was accepted."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        self._accepting: set[asyncio.Task[Any]] = set()
        self._browser = browser
        self._session = session
        self._target = target
        self._loaded = asyncio.Event()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **params)

    def notice(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Page.javascriptDialogOpening":
                self.dialogs.append(params["type"])
                accepting = asyncio.create_task(self.call("Page.handleJavaScriptDialog", accept=True))
                self._accepting.add(accepting)
                accepting.add_done_callback(self._accepting.discard)
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert", "warning"):
                self.errors.append(" ".join(str(each.get("value", each)) for each in params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                entry = params["entry"]
                self.errors.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")

    async def goto(self, url: str) -> None:
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), HANG_S)

    async def reload(self) -> None:
        self._loaded.clear()
        await self.call("Page.reload")
        await asyncio.wait_for(self._loaded.wait(), HANG_S)

    async def close(self) -> None:
        await self._browser.call("Target.closeTarget", targetId=self._target)

    # What the page knows.

    async def js(self, expression: str) -> Any:
        """The value of an expression, awaited if it is a promise. Raises PageError."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if details := answer.get("exceptionDetails"):
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is truthy. Raises PageError."""
        try:
            await until_answered(lambda: self.js(f"Boolean({expression})"))
        except TimeoutError:
            seen = await self.js("document.querySelector('main').innerText")
            raise PageError(f"never: {expression}\n{seen}\n{self.errors}") from None

    async def text(self, selector: str) -> str:
        """What is shown there; nothing for what is hidden."""
        found = f"document.querySelector({json.dumps(selector)})"
        return str(await self.js(f"{found}?.checkVisibility() ? {found}.innerText : ''"))

    async def texts(self, selector: str) -> list[str]:
        return list(await self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText)"))

    # What a person does.

    async def click(self, selector: str) -> None:
        """Press the mouse in the middle of what is shown there. Raises PageError when it is not there."""
        x, y = await self.place(selector)
        for kind in ("mousePressed", "mouseReleased"):
            await self.mouse(kind, x, y)

    async def place(self, selector: str) -> tuple[float, float]:
        """The middle of what is shown there, in pixels. Raises PageError when it is not there."""
        where = await self.js(f"({MIDDLE})({json.dumps(selector)})")
        if not where:
            raise PageError(f"nothing to click at {selector}")
        return where[0], where[1]

    async def mouse(self, kind: str, x: float, y: float) -> None:
        """`mousePressed` or `mouseReleased`, with the left button."""
        await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def key(self, name: str, times: int = 1) -> None:
        """Press a key of `KEYS`, or one that writes its own character."""
        code, text = KEYS.get(name, ord(name[0].upper())), TEXTS.get(name, name if name not in KEYS else "")
        for _ in range(times):
            down = {"key": name, "windowsVirtualKeyCode": code, "text": text}
            await self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **down)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    async def write(self, text: str) -> None:
        await self.call("Input.insertText", text=text)

    # What a person sees.

    async def resize(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def prefer(self, **features: str) -> None:
        """Media features, such as prefers_color_scheme="dark"."""
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        await self.call("Emulation.setEmulatedMedia", features=named)

    async def screenshot(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def chromium(profile: Path, flags: Sequence[str] = ()) -> AsyncIterator[Chromium]:
    """A browser with an empty profile, ended at the end."""
    program = find_chromium()
    assert program is not None
    folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)  # it leaves its own there
    process = await asyncio.create_subprocess_exec(
        program, *FLAGS, f"--user-data-dir={profile}", *flags, "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"TMPDIR": folder.name},
    )  # fmt: skip
    assert process.stderr is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        async with bounded():
            while not (found := LISTENING.search((await process.stderr.readline()).decode(errors="replace"))):
                if process.stderr.at_eof():
                    raise PageError(f"{program} did not start")
        drain = asyncio.create_task(process.stderr.read())
        options: dict[str, Any] = {"compression": None, "proxy": None, "ping_interval": None, "open_timeout": HANG_S}
        async with connect(found[1], max_size=MAX_MESSAGE, **options) as socket:
            browser = Chromium(socket)
            try:
                yield browser
            finally:
                await browser.close()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if drain is not None:
            await drain
        folder.cleanup()
