"""Everything that goes to a browser, in one order: texts from whoever has something to tell, audio in its own time."""

from __future__ import annotations

import asyncio
from collections import deque

from loguru import logger
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.line import SinkClosed
from common.log import error_text
from telephony.browser.close_reasons import SLOW

MAX_WAITING_MESSAGES = 1000  # messages that the peer does not take,
MAX_WAITING_CHARACTERS = 1024 * 1024  # or characters in them
FLUSH_TIMEOUT_S = 1.0


class SendQueue:
    """One socket's writer. `put` never waits; `send` waits until all has been written. A peer that is too slow for that
    is told so with a close, as far as it takes one: a server cuts off one that takes nothing (carlos.websocket)."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: deque[str] = deque()
        self._size = 0  # of what waits
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._gone = False
        self._writer = asyncio.create_task(self._write(), name="browser outbox")

    def put(self, *messages: str) -> None:
        if self._gone or not messages:
            return
        if len(self._waiting) >= MAX_WAITING_MESSAGES or self._size >= MAX_WAITING_CHARACTERS:
            logger.warning("a browser takes nothing any more: {} characters wait", self._size)
            self._give_up()
            return
        self._waiting.extend(messages)
        self._size += sum(map(len, messages))
        self._empty.clear()
        self._more.set()

    async def send(self, *messages: str) -> None:
        """Raises WireClosed when the peer is gone."""
        self.put(*messages)
        await self._empty.wait()
        if self._gone:
            raise SinkClosed

    async def close(self, code: int, reason: str) -> None:
        """Write what waits, close the socket, and end; the peer may be gone already, or be slow."""
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await self._empty.wait()
                await self._close(code, reason)
        except TimeoutError:
            logger.info("a browser was too slow to be told why its socket is closed")
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Write no more."""
        self._give_up()
        self._writer.cancel()

    async def _close(self, code: int, reason: str) -> None:
        if WebSocketState.DISCONNECTED in (self._websocket.client_state, self._websocket.application_state):
            return
        try:
            await self._websocket.close(code, reason)
        except (RuntimeError, WebSocketDisconnect) as error:
            logger.debug("a browser was gone before its socket was closed: {}", error_text(error))

    async def _write(self) -> None:
        try:
            while not self._gone:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    await self._websocket.send_text(self._waiting[0])
                    if not self._gone:
                        self._size -= len(self._waiting.popleft())
                self._empty.set()
            await self._close(SLOW.code, SLOW.reason)
        except (RuntimeError, WebSocketDisconnect) as error:
            # Starlette raises RuntimeError for a send after its own close.
            logger.debug("a browser was gone before it was told everything: {}", error_text(error))
        finally:
            self._give_up()

    def _give_up(self) -> None:
        self._gone = True
        self._waiting.clear()
        self._size = 0
        self._more.set()
        self._empty.set()
