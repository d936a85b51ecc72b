"""One typed conversation: the socket, what is typed, and how it ends.

A person types when he likes, and interrupts. A script's next line waits until Carlos has answered the one before.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Origin

from carlos.talk.conversation import Conversation
from carlos.talk.terminal import Lines, Screen

HANG_UP = "/colgar"
CONNECT_S = 10.0
CLOSE_S = 5.0  # for the server to answer a goodbye
ANSWER_S = 30.0  # that a script waits for an answer
LULL_S = 1.0  # without a word: after a tool, Carlos goes on at once
ENDED_WELL = (1000, 1001)


class TalkError(Exception):
    """There can be no conversation; the text says why, and what to do."""


async def talk(
    url: str, lines: Lines, screen: Screen, leave: asyncio.Event, *, key: str | None = None, waits: bool = False
) -> int:
    """Converse with the server at `url` until either side ends it, or `leave` is set. Return the command's status.

    `key` is an API key, where the server asks for tokens; `waits` makes the next line wait for the answer.
    Raise TalkError where nobody answers.
    """
    base = urlsplit(url)
    query = urlencode({"token": await asyncio.to_thread(_token, url, key)}) if key else ""
    socket_url = urlunsplit(("wss" if base.scheme == "https" else "ws", base.netloc, "/", query, ""))
    try:
        origin = Origin(f"{base.scheme}://{base.netloc}")
        socket = await connect(socket_url, origin=origin, proxy=None, open_timeout=CONNECT_S)
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise TalkError(f"No Carlos answers at {url} ({error}). Start him with `make run`.") from error
    async with socket:
        return await Session(socket, lines, screen, waits=waits).run(leave)


class Session:
    def __init__(self, socket: ClientConnection, lines: Lines, screen: Screen, *, waits: bool) -> None:
        self._socket = socket
        self._lines = lines
        self._screen = screen
        self._waits = waits
        self._conversation = Conversation()
        self._news = asyncio.Event()

    async def run(self, leave: asyncio.Event) -> int:
        await self._send(self._conversation.opening())
        reading = asyncio.create_task(self._read(), name="talk reads")
        typing = asyncio.create_task(self._type(), name="talk types")
        leaving = asyncio.create_task(leave.wait(), name="talk leaves")
        try:
            await asyncio.wait((reading, typing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await self._send(self._conversation.ending())
                async with asyncio.timeout(CLOSE_S):
                    await reading
        except TimeoutError:
            self._screen.note("The server did not answer the goodbye.")
        finally:
            for task in (reading, typing, leaving):
                task.cancel()
            await asyncio.gather(reading, typing, leaving, return_exceptions=True)
        return self._told_how_it_ended()

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._socket:
                for line in self._conversation.show(message):
                    self._screen.show(line)
                self._news.set()

    async def _type(self) -> None:
        while True:
            if self._waits:
                await self._answered()
            line = await self._lines.get()
            if line is None or line == HANG_UP:
                return
            await self._send(self._conversation.typed(line))

    async def _answered(self) -> None:
        """Wait until Carlos has answered and adds nothing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                while self._conversation.answering or await self._goes_on():
                    self._news.clear()
                    await self._news.wait()

    async def _goes_on(self) -> bool:
        self._news.clear()
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._news.wait(), LULL_S)
        return False

    async def _send(self, messages: tuple[str, ...]) -> None:
        with suppress(ConnectionClosed):  # the reader sees it, and how
            for message in messages:
                await self._socket.send(message)

    def _told_how_it_ended(self) -> int:
        code = self._socket.close_code
        if code is None or code in ENDED_WELL:
            self._screen.note("The conversation is over.")
            return 0
        reason = self._socket.close_reason or "without a reason"
        self._screen.note(f"The server ended the conversation: {reason} ({code}).")
        return 1


def _token(url: str, key: str) -> str:
    request = Request(f"{url}/browser/tokens", method="POST", headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with urlopen(request, timeout=CONNECT_S) as response:  # noqa: S310 - http or https, seen by the command
            return str(json.load(response)["data"]["token"])
    except (URLError, ValueError, KeyError) as error:
        raise TalkError(f"{url} gives no token for a conversation: {error}") from error
