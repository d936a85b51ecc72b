"""A phone of ours that signals one call over UDP and repeats nothing: on loopback nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import cast

from sandbox.hang import HANG_S
from sandbox.sip.message import Call, Message
from sandbox.sip.rtp import PCMA

_NUMBERS = count(1)


class SmallPhone(asyncio.DatagramProtocol):
    """`messages` are all that came, in order. A request within the call is answered 200."""

    def __init__(self, remote: str) -> None:
        self._remote = remote
        self._transport: asyncio.DatagramTransport
        self._came = asyncio.Condition()
        self._keeping: set[asyncio.Task[None]] = set()
        self.messages: list[Message] = []
        self.local = ""
        self.placed: Call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        host, port = self._transport.get_extra_info("sockname")
        self.local = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            message = Message.decode(data)
        except ValueError:  # sound, where somebody was told to send it here
            return
        self.messages.append(message)
        if not message.status and message.method != "ACK":
            self.send(message.reply())
        task = asyncio.create_task(self._tell())
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    def error_received(self, exc: Exception) -> None:
        """Nobody is there, which the caller of `until` finds out."""

    async def _tell(self) -> None:
        async with self._came:
            self._came.notify_all()

    def send(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        """To the other end, or elsewhere."""
        host, _, port = self._remote.rpartition(":")
        self._transport.sendto(data, to or (host, int(port)))

    async def until(self, found: Callable[[Message], bool]) -> Message:
        """The first message that is meant. Raises TimeoutError after a hang."""
        async with asyncio.timeout(HANG_S), self._came:
            while (message := next(filter(found, self.messages), None)) is None:
                await self._came.wait()
        return message

    async def final(self, method: str) -> Message:
        """The last word on this phone's own request."""
        return await self.until(lambda message: message.status >= 200 and message.method == method)

    async def asked(self, method: str) -> Message:
        """The other end's request."""
        return await self.until(lambda message: not message.status and message.method == method)

    async def call(self, number: str, rtp_port: int = 9, codec: int = PCMA) -> Message:
        """Place the call, and acknowledge its answer."""
        self.placed = Call.between(self.local, self._remote, number, f"{next(_NUMBERS)}-{self.local}")
        self.send(self.placed.invite(rtp_port, codec))
        answer = await self.final("INVITE")
        self.send(self.placed.answered(answer))
        return answer

    async def hang_up(self) -> Message:
        self.send(self.placed.bye())
        return await self.final("BYE")

    def close(self) -> None:
        self._transport.close()


@asynccontextmanager
async def small_phone(remote: str, host: str = "127.0.0.1") -> AsyncIterator[SmallPhone]:
    """Open as long as the block; `remote` is the other end's address and port."""
    loop = asyncio.get_running_loop()
    _, phone = await loop.create_datagram_endpoint(lambda: SmallPhone(remote), local_addr=(host, 0))
    try:
        yield phone
    finally:
        phone.close()
