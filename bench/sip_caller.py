"""`python -m bench.sip_caller`: those of `bench.caller` on a SIP line, PCMU both ways. `target` has `sip`, its port."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from time import monotonic
from typing import Any, cast

import uvloop

from bench.caller import Callers, serve
from bench.line import Line, Script
from sandbox.sip.rtp import PCMU, Packet, Sending
from sandbox.sip.small_phone import SmallPhone

NUMBER = "+5491155550100"


class Sound(asyncio.DatagramProtocol):
    """The RTP of a line."""

    def __init__(self, line: SipLine) -> None:
        self._line = line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line.sound = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._line.hear(data)


class SipLine(Line):
    """A call whose sound is RTP. What it says, and when, is a line's of Media Streams."""

    sound: asyncio.DatagramTransport

    def __init__(self, phone: SmallPhone, script: Script, seed: int) -> None:
        super().__init__("", {}, ("", "", ""), script)
        self._phone, self._sending = phone, Sending(PCMU, seed)
        self._to: tuple[str, int] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def ring(self) -> None:
        """Place the call, and talk once it is answered. Raises ConnectionError where it is refused."""
        await self._loop.create_datagram_endpoint(lambda: Sound(self), local_addr=("127.0.0.1", 0))
        answer = await self._phone.call(NUMBER, self.sound.get_extra_info("sockname")[1], PCMU)
        if answer.status != 200:
            raise ConnectionError(answer.first_line)
        self._to = answer.rtp
        self._set_clock()
        self._tick()

    def hear(self, data: bytes) -> None:
        packet = Packet.decode(data)
        if packet.payload_type == PCMU and self.turns:
            self._hear(packet.payload, monotonic())

    def _send_sound(self, payload: str) -> None:
        self.sound.sendto(self._sending.frame(b64decode(payload)), self._to)

    def stop(self) -> None:
        self._stop_timers()
        self.stopped_at = monotonic()
        self._ending = asyncio.create_task(self._hang_up())

    async def _hang_up(self) -> None:
        await self._phone.hang_up()
        self.over.set_result(None)

    def drop(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self.sound.close()
        self._phone.close()


class SipCallers(Callers):
    async def add(self, script: Script) -> Line:
        remote = f"127.0.0.1:{self.target['sip']}"
        loop = asyncio.get_running_loop()
        _, phone = await loop.create_datagram_endpoint(lambda: SmallPhone(remote), local_addr=("127.0.0.1", 0))
        line = SipLine(phone, script, len(self.lines))
        await line.ring()
        self.lines.append(line)
        return line


def make(target: Mapping[str, Any]) -> Callers:
    return SipCallers(target)


if __name__ == "__main__":
    uvloop.run(serve(make))
