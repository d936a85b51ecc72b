"""`python -m bench.flood`: a hostile browser, told what to do on standard input. It sends as fast as it is taken from.

One socket at a time, one kind of attack after the other; a socket that is closed is opened again at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from time import monotonic
from typing import Any

import uvloop

from bench.child import commands, say
from sandbox.browser.client import OriginalClient

ATTACK_S = 2.0  # of one kind, before the next
CONNECT_S = 5.0
BATCH = 64 * 1024  # bytes written before the socket's turn is given up
NICE = 19  # what the callers leave of their core is this one's

TEXT, CLOSE, PING = 0x1, 0x8, 0x9


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One client's frame, masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def event(name: str, **body: Any) -> bytes:
    return frame(json.dumps({"event": {name: body}}).encode())


CLIENT = OriginalClient("")
NAMES = {"promptName": CLIENT.prompt, "contentName": CLIENT.audio}
HANDSHAKE = [frame(json.dumps({"event": each}).encode()) for each in CLIENT.handshake()]
BEFORE_AUDIO = HANDSHAKE[:-1]
TYPED = {"type": "TEXT", "interactive": True, "role": "USER", "textInputConfiguration": {"mediaType": "text/plain"}}


def audio(samples: int) -> bytes:
    return event("audioInput", **NAMES, content=b64encode(bytes(2 * samples)).decode())


def typed() -> Iterator[bytes]:
    for number in count():
        block = {"promptName": CLIENT.prompt, "contentName": f"typed {number}"}
        yield event("contentStart", **block, **TYPED)
        yield event("textInput", **block, content="¿Dónde está mi pedido? " * 40)
        yield event("contentEnd", **block)


def open_blocks() -> Iterator[bytes]:
    """Text blocks that never end, with parts that are next to nothing."""
    for number in count():
        block = {"promptName": CLIENT.prompt, "contentName": f"open {number % 16}"}
        if number < 16:
            yield event("contentStart", **block, **TYPED)
        yield event("textInput", **block, content="a")


@dataclass(frozen=True, slots=True)
class Attack:
    """What is sent first, what is sent again and again, and whether anything is read. Without `flood` the socket is
    cut as soon as it is open."""

    name: str
    opening: Sequence[bytes]
    flood: Callable[[], Iterator[bytes]] | None
    reads: bool = True


ATTACKS = (
    Attack("audio", HANDSHAKE, lambda: cycle([audio(16000)])),
    Attack("crumbs of audio", HANDSHAKE, lambda: cycle([audio(1)])),
    Attack("typed texts", HANDSHAKE, typed),
    Attack("typed texts, nothing read", HANDSHAKE, typed, reads=False),
    Attack("open blocks", BEFORE_AUDIO, open_blocks),
    Attack("open blocks while talking", HANDSHAKE, open_blocks),
    Attack("noise", [], lambda: cycle([frame(b"x" * 60_000)])),
    Attack("deep brackets", [], lambda: cycle([frame(b"[" * 60_000)])),
    Attack("long numbers", [], lambda: cycle([frame(b'{"event":{"ack":{"sequence":' + b"9" * 60_000 + b"}}}")])),
    Attack("receipts", [*BEFORE_AUDIO, event("ackStart"), HANDSHAKE[-1]],
           lambda: (event("ack", sequence=number, bufferedMs=1) for number in count())),
    Attack("pings", HANDSHAKE, lambda: cycle([frame(b"p" * 100, PING)])),
    Attack("hang-ups", HANDSHAKE, None),
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What became of one kind of attack."""

    sockets: int = 0
    refused: int = 0
    messages: int = 0
    sent_mb: float = 0.0
    closed: Counter[str] = field(default_factory=Counter)  # code and reason of the server's closes

    @property
    def told(self) -> dict[str, Any]:
        numbers = {"sockets": self.sockets, "refused": self.refused, "messages": self.messages}
        return numbers | {"sent_mb": round(self.sent_mb, 1), "closed": dict(self.closed)}


async def rage(port: int, seconds: float) -> dict[str, Any]:
    """Attack for so long; what came of each kind."""
    tallies = {attack.name: Tally() for attack in ATTACKS}
    until = monotonic() + seconds
    for attack in cycle(ATTACKS):
        if monotonic() >= until:
            return {name: tally.told for name, tally in tallies.items()}
        await _attack(attack, tallies[attack.name], port, min(until, monotonic() + ATTACK_S))
    raise AssertionError("a cycle has no end")


async def _attack(attack: Attack, tally: Tally, port: int, until: float) -> None:
    while monotonic() < until:
        tally.sockets += 1
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await _upgraded(port)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            tally.refused += 1
            await asyncio.sleep(0.05)
            continue
        reading = asyncio.create_task(_read(reader, tally)) if attack.reads else None
        try:
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(max(0.0, until - monotonic())):
                    await _send(attack, tally, writer, reading)
        finally:
            writer.transport.abort()
            if reading is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)


async def _upgraded(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ["GET / HTTP/1.1", f"Host: localhost:{port}", f"Origin: http://localhost:{port}", "Upgrade: websocket"]
    lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n")[0]:
        writer.transport.abort()
        raise ConnectionError(head.decode("latin-1"))
    return reader, writer


async def _send(attack: Attack, tally: Tally, writer: asyncio.StreamWriter, reading: asyncio.Task[None] | None) -> None:
    """Until the server has had enough; the opening is all of an attack without a flood."""
    writer.write(b"".join(attack.opening))
    await writer.drain()
    if attack.flood is None:
        return
    waiting = bytearray()
    for message in attack.flood():
        waiting += message
        tally.messages += 1
        if len(waiting) < BATCH:
            continue
        if writer.transport.is_closing() or (reading is not None and reading.done()):
            return
        writer.write(waiting)
        tally.sent_mb += len(waiting) / 1e6
        waiting = bytearray()
        await writer.drain()
        await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader, tally: Tally) -> None:
    """To the server's close."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            first, size = await reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await reader.readexactly(8))
            payload = await reader.readexactly(size)
            if first & 0x0F == CLOSE:
                tally.closed[f"{int.from_bytes(payload[:2])} {payload[2:].decode()}".strip()] += 1
                return


async def _serve() -> None:
    async for command in commands():
        say(await rage(command["port"], command["seconds"]))


def main() -> None:
    os.nice(NICE)
    uvloop.run(_serve())


if __name__ == "__main__":
    main()
