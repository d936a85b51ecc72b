"""A browser that reads slower than it is told costs no more than its budget."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from starlette.websockets import WebSocket, WebSocketState

from agent.line import SinkClosed
from telephony.browser.send_queue import FLUSH_TIMEOUT_S, MAX_WAITING_CHARACTERS, MAX_WAITING_MESSAGES, SendQueue
from tests.support.virtual_loop import run_virtually


class Slow:
    """Takes a message when it is let to."""

    client_state = application_state = WebSocketState.CONNECTED

    def __init__(self) -> None:
        self.reads = asyncio.Semaphore(0)
        self.taken: list[str] = []
        self.closed: tuple[int, str] | None = None

    async def send_text(self, text: str) -> None:
        await self.reads.acquire()
        self.taken.append(text)

    async def close(self, code: int, reason: str) -> None:
        self.closed = code, reason


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_a_slow_reader_is_dropped_and_told_so(size: int) -> None:
    async def run() -> None:
        send_queue = SendQueue(cast(WebSocket, socket := Slow()))
        most = 0
        for _ in range(3 * MAX_WAITING_MESSAGES):
            send_queue.put("x" * size)
            await asyncio.sleep(0)
            most = max(most, send_queue._size)
        assert most < MAX_WAITING_CHARACTERS + max(size, 1)
        assert (len(send_queue._waiting), send_queue._size) == (0, 0)
        with pytest.raises(SinkClosed):
            await send_queue.send("more")
        socket.reads.release()
        await asyncio.wait({send_queue._writer})
        assert len(socket.taken) == 1, "the one under way"
        assert socket.closed == (1008, "too_slow")

    run_virtually(run())


def test_closing_a_browser_that_takes_nothing_is_bounded() -> None:
    async def run() -> float:
        send_queue = SendQueue(cast(WebSocket, Slow()))
        send_queue.put("farewell")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await send_queue.close(1000, "done")
        await asyncio.wait({send_queue._writer})
        return loop.time() - began

    assert run_virtually(run()) == pytest.approx(FLUSH_TIMEOUT_S)


def test_a_writer_that_fails_leaves_nobody_waiting() -> None:
    class Broken(Slow):
        async def send_text(self, text: str) -> None:
            raise WebSocketBroken

    class WebSocketBroken(RuntimeError):
        pass

    async def run() -> None:
        with pytest.raises(SinkClosed):
            await SendQueue(cast(WebSocket, Broken())).send("hola")

    run_virtually(run())
