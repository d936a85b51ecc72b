"""The stand-in's side of HTTP/2, when a client leaves."""

from __future__ import annotations

import asyncio
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection

from sandbox.sonic.http2 import Http2Connection, HttpStream

REQUEST = [(":method", "POST"), (":scheme", "https"), (":authority", "sonic"), (":path", "/")]


class Transport:
    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


class Echo:
    """Answers each piece of a body at once."""

    def __init__(self, stream: HttpStream) -> None:
        self._stream = stream
        self.left = 0
        stream.respond(200, {})

    def data(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.end()

    def end(self) -> None:
        self._stream.end()

    def lost(self) -> None:
        self.left += 1


def test_a_client_that_speaks_and_leaves_in_one_breath_breaks_nothing() -> None:
    echoes: list[Echo] = []

    def accept(stream: HttpStream) -> Echo:
        echoes.append(Echo(stream))
        return echoes[-1]

    connection = Http2Connection(accept, set())
    connection.connection_made(cast(asyncio.Transport, Transport()))
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    for stream in (1, 3):
        client.send_headers(stream, REQUEST)
        client.send_data(stream, b"hola")
    client.reset_stream(1)
    connection.data_received(client.data_to_send())
    assert [echo.left for echo in echoes] == [1, 1], "one was reset, the other answered to its end"
