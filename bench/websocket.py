"""`python -m bench.websocket`: CPU time of one message in and one out, uvicorn's WebSocket beside ours, no network."""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64encode
from typing import Any

from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from carlos.websocket import FastWebSocket

ROUNDS, MESSAGES = 7, 4000
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class NoTransport(asyncio.Transport):
    """Takes everything. What pausing costs in system calls is not in the figures."""

    def write(self, data: Any) -> None: ...
    def close(self) -> None: ...
    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def media_message() -> str:
    """20 ms of the caller's audio, as Twilio sends it."""
    payload = b64encode(os.urandom(160)).decode()
    media = {"track": "inbound", "chunk": "123", "timestamp": "2460", "payload": payload}
    return json.dumps({"event": "media", "sequenceNumber": "124", "media": media, "streamSid": f"MZ{'0' * 32}"})


def client_frame(text: str) -> bytes:
    payload, mask = text.encode(), os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((0x81, 0xFE)) + len(payload).to_bytes(2) + mask + masked


async def microseconds(protocol: type[WebSocketsSansIOProtocol]) -> float:
    """For one message in and one out; the best of `ROUNDS`."""
    over = asyncio.Event()
    best = float("inf")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal best
        await receive()
        await send({"type": "websocket.accept"})
        message = media_message()
        frame = client_frame(message)
        for _ in range(ROUNDS):
            began = time.process_time()
            for _ in range(MESSAGES):
                connection.data_received(frame)
                await receive()
                await send({"type": "websocket.send", "text": message})
            best = min(best, (time.process_time() - began) / MESSAGES * 1e6)
        over.set()

    config = Config(app, log_config=None, ws_per_message_deflate=False, lifespan="off")
    config.load()
    connection = protocol(config, ServerState(), {})
    connection.connection_made(NoTransport())
    connection.data_received(UPGRADE)
    await over.wait()
    connection.stop_keepalive()
    return best


def main() -> None:
    figures = {kind.__name__: asyncio.run(microseconds(kind)) for kind in (WebSocketsSansIOProtocol, FastWebSocket)}
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
