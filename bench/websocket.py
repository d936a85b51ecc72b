"""A caller's messages on a WebSocket of uvicorn's and on ours, over a pair of sockets in one process."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def media_message() -> str:
    """20 ms of the caller's audio, as Twilio sends it."""
    payload = b64encode(os.urandom(160)).decode()
    media = {"track": "inbound", "chunk": "123", "timestamp": "2460", "payload": payload}
    return json.dumps({"event": "media", "sequenceNumber": "124", "media": media, "streamSid": f"MZ{'0' * 32}"})


def client_frame(text: str) -> bytes:
    payload, mask = text.encode(), os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((0x81, 0xFE)) + len(payload).to_bytes(2) + mask + masked


class Talk:
    """A socket that is open: its server's end as the application has it, its client's as a socket."""

    def __init__(self, client: socket.socket, receive: Any) -> None:
        self._client, self._receive = client, receive
        self._frame = client_frame(media_message())

    async def take(self, messages: int) -> None:
        for _ in range(messages):
            self._client.send(self._frame)
            await self._receive()


@asynccontextmanager
async def talking(protocol: type[WebSocketsSansIOProtocol]) -> AsyncIterator[Talk]:
    begun: asyncio.Future[Talk] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        begun.set_result(Talk(client, receive))
        await over.wait()

    config = Config(app, log_config=None, ws_per_message_deflate=False, lifespan="off", interface="asgi3")
    config.load()
    client, server = socket.socketpair()
    with client:
        connection = protocol(config, ServerState(), {})
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, server)
        connection.data_received(UPGRADE)
        try:
            yield await begun
        finally:
            connection.stop_keepalive()
            over.set()
            await asyncio.gather(*connection.tasks)
            transport.close()
