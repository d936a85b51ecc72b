"""`python -m bench.exchange`: CPU time of 20 ms of audio written and 80 ms read on HTTP/2, h2 alone beside ours.

Both ends are in memory: TLS and system calls are not in the figures.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived

from agent.sonic.wire.http2 import STREAM, Exchange
from agent.sonic.wire.plain_data import data_frame

ROUNDS, FRAMES = 7, 4000
WRITTEN, READ = 1300, 5400  # bytes of an event with 20 ms at 16 kHz, and with 80 ms at 24 kHz
HEAD = [(":method", "POST"), (":scheme", "https"), (":authority", "sonic"), (":path", "/")]
WIDE = 2**31 - 1 - 65_535


class NoTransport:
    """Takes everything, to `take` while that is set."""

    def __init__(self) -> None:
        self.take: Callable[[bytes], Any] = lambda data: None

    def write(self, data: bytes) -> None:
        self.take(data)

    def get_extra_info(self, name: str) -> None: ...
    def set_write_buffer_limits(self, high: int) -> None: ...


class H2Alone:
    """What `Exchange` would do if h2 did everything."""

    def __init__(self, http: H2Connection, transport: NoTransport) -> None:
        self._http = http
        self._transport = transport

    def write(self, data: bytes) -> None:
        if len(data) <= min(self._http.local_flow_control_window(STREAM), self._http.max_outbound_frame_size):
            self._http.send_data(STREAM, data)
            self._transport.write(self._http.data_to_send())

    def data_received(self, data: bytes) -> bytes:
        return b"".join(event.data or b"" for event in self._http.receive_data(data) if isinstance(event, DataReceived))


def answering_server() -> H2Connection:
    """A service whose windows are wide."""
    server = H2Connection(H2Configuration(client_side=False))
    server.initiate_connection()
    server.increment_flow_control_window(WIDE)
    return server


def answered(server: H2Connection) -> bytes:
    """What it says to a request: 200, and a wide window for its body."""
    server.increment_flow_control_window(WIDE, STREAM)
    server.send_headers(STREAM, [(":status", "200")])
    return server.data_to_send()


def h2_alone() -> H2Alone:
    client, server = H2Connection(H2Configuration(client_side=True)), answering_server()
    client.initiate_connection()
    client.increment_flow_control_window(WIDE)
    client.send_headers(STREAM, HEAD)
    client.increment_flow_control_window(WIDE, STREAM)
    server.receive_data(client.data_to_send())
    client.receive_data(answered(server))
    return H2Alone(client, NoTransport())


def exchanging() -> tuple[Exchange, NoTransport]:
    """Ours, with both bodies open."""
    exchange, transport, server = Exchange(), NoTransport(), answering_server()
    transport.take = server.receive_data
    exchange.connection_made(cast(asyncio.Transport, transport))
    exchange.request(HEAD)
    exchange.data_received(answered(server))
    transport.take = lambda data: None
    exchange.on_data = lambda data: None
    return exchange, transport


def microseconds(work: Callable[[bytes], object], data: bytes) -> float:
    """For one call; the best of `ROUNDS`."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(FRAMES):
            work(data)
        best = min(best, (time.process_time() - began) / FRAMES * 1e6)
    return round(best, 2)


async def measure() -> dict[str, dict[str, float]]:
    kinds: tuple[tuple[str, H2Alone | Exchange], ...] = (("h2 alone", h2_alone()), ("ours", exchanging()[0]))
    frame = data_frame(STREAM, bytes(READ))
    return {
        name: {
            "written_us": microseconds(exchange.write, bytes(WRITTEN)),
            "read_us": microseconds(exchange.data_received, frame),
        }
        for name, exchange in kinds
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
