"""The sound of one phone: a recorded caller's speech every 20 ms, and all that comes back. Somebody else signals."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sandbox.sip.rtp import FRAME, FRAME_S, NAMES, SILENCE, Reception, Sending, as_ulaw
from sandbox.twilio.stream import Caller

LATE_S = 0.1  # later than that its own clock has stood, and it does not hurry to make up for it
BUFFER_BYTES = 4 * 1024 * 1024  # as much as the system grants: a process that stands for seconds loses no packet


class RtpPhone(asyncio.DatagramProtocol):
    """A socket for a call's sound. It speaks once it has heard something, to where that came from."""

    def __init__(self, caller: Caller, codec: int, seed: int) -> None:
        self.received = Reception()
        self.sent = 0  # packets
        self.port = 0
        self._caller, self._sending = caller, Sending(codec, seed)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._to: tuple[str, int] | None = None
        self._playout = bytearray()
        self._keys: deque[bytes] = deque()
        self._tick_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.left = asyncio.Event()  # the caller has hung up

    async def open(self, host: str = "127.0.0.1") -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        listener.setblocking(False)
        listener.bind((host, 0))
        await self._loop.create_datagram_endpoint(lambda: self, sock=listener)
        self.port = int(listener.getsockname()[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        packet = self.received.feed(data, self._loop.time())
        if packet is not None and packet.payload_type in NAMES:
            self._playout += as_ulaw(packet)
        if self._to is None:
            self._tick_at = self._loop.time()
            self._tick()
        self._to = addr

    def error_received(self, exc: Exception) -> None:
        """The other end has closed its port: signalling says so, too."""

    def _tick(self) -> None:
        if self._to is not None and self._transport is not None:
            self._transport.sendto(self._next(), self._to)
            self.sent += 1
        now = self._loop.time()
        self._tick_at = self._tick_at + FRAME_S if now - self._tick_at < LATE_S else now
        self._timer = self._loop.call_at(self._tick_at, self._tick)

    def _next(self) -> bytes:
        act = self._caller.listen(self._heard())
        if act.hang_up:
            self.left.set()
        if act.digit:
            self._keys += self._sending.key(act.digit)
        return self._keys.popleft() if self._keys else self._sending.frame(act.sound)

    def _heard(self) -> bytes:
        """The next 20 ms of what came."""
        heard = bytes(self._playout[:FRAME])
        del self._playout[:FRAME]
        return heard.ljust(FRAME, SILENCE)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def rtp_phone(caller: Caller, codec: int, seed: int) -> AsyncIterator[RtpPhone]:
    """Open as long as the block."""
    phone = RtpPhone(caller, codec, seed)
    await phone.open()
    try:
        yield phone
    finally:
        phone.close()
