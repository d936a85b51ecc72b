"""A session of the stand-in without sockets: what it would send, in memory."""

from __future__ import annotations

import asyncio

from agent.sonic.events import ServiceEvent


class Wire:
    def __init__(self) -> None:
        self.sent: list[ServiceEvent] = []
        self.refusals: list[str] = []
        self.ended = asyncio.Event()

    def emit(self, event: ServiceEvent) -> None:
        self.sent.append(event)

    def refuse(self, kind: str, message: str) -> None:
        self.refusals.append(message)

    def end(self) -> None:
        self.ended.set()


async def settled(rounds: int = 1000) -> None:
    """Let tasks do all that waits for no clock and no client: this many turns of the loop."""
    for _ in range(rounds):
        await asyncio.sleep(0)
