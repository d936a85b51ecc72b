"""A TCP load balancer on loopback, before several servers that are one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Balancer:
    """Each connection goes to the first of `targets`, ports on loopback, and breaks with it. Media streams go to the
    first of `media_targets` instead, if there are any."""

    targets: list[int] = field(default_factory=list)
    media_targets: list[int] = field(default_factory=list)
    port: int = 0
    _sides: dict[asyncio.StreamWriter, bool] = field(default_factory=dict)  # whether it carries a media stream

    @asynccontextmanager
    async def balancing(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Break every connection on both sides, with no close of any kind."""
        for side in list(self._sides):
            side.transport.abort()

    def deregister(self, target: int) -> None:
        """Send it no more requests, over old connections neither; its streams go on."""
        self.targets.remove(target)
        for side, is_media in list(self._sides.items()):
            if not is_media:
                side.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(65536)
        is_media = first.startswith(b"GET /twilio/media")
        targets = self.media_targets if is_media and self.media_targets else self.targets
        try:
            target = await asyncio.open_connection("127.0.0.1", targets[0])
        except ConnectionRefusedError:
            writer.transport.abort()
            return
        target[1].write(first)
        sides = dict.fromkeys((writer, target[1]), is_media)
        self._sides |= sides
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, target[1]))
                tasks.create_task(_pump(target[0], writer))
        finally:
            for side in sides:
                del self._sides[side]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the other side learns of it below
    finally:
        writer.close()
