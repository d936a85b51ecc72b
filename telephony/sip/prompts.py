"""What a caller is told without Carlos, and the keys that he presses meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from agent.line import CallerDigit, LineEvent, MarkBack
from telephony.sip.media import Media
from telephony.sip.sentences import at_8_khz


class Prompts:
    """`telephony.sip.media.MediaObserver` until `end`. `over` is set when the caller is gone."""

    def __init__(self, media: Media, over: asyncio.Event) -> None:
        self._media = media
        self._over = over
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._said = asyncio.Event()
        self._pressed = asyncio.Event()
        media.observer = self

    async def play(self, name: str) -> None:
        """Say a recording; return when it was heard, or the caller is gone."""
        await self.say(at_8_khz(name))

    async def say(self, pcm: bytes) -> None:
        """The same of PCM at 8 kHz."""
        self._said.clear()
        self._media.play(pcm)
        self._media.mark("said")
        await first(self._said.wait(), self._over.wait())

    async def ask(self, pcm: bytes, seconds: float) -> str:
        """Say PCM until it was heard or a key is pressed; return the key, as `key` does."""
        await first(self.say(pcm), self._pressed.wait())
        return await self.key(seconds)

    async def key(self, seconds: float) -> str:
        """Return the first key that was pressed since the beginning, or is within so many seconds; empty for none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._keys.get()
        return ""

    def end(self) -> None:
        self._media.observer = None
        self._media.clear()

    def press(self, digit: str) -> None:
        self._keys.put_nowait(digit)
        self._pressed.set()

    def happened(self, event: LineEvent) -> None:
        if isinstance(event, MarkBack):
            self._said.set()
        elif isinstance(event, CallerDigit):
            self.press(event.digit)

    def heard_nothing(self, seconds: float) -> None:
        """Who is told something need not speak."""


async def first(*waits: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> None:
    """Return when the first of them is done."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
