"""20 ms of audio written and 80 ms read on the exchange under a Sonic stream, both of its ends in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection

from agent.sonic.wire.http2 import STREAM, Exchange

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
    def close(self) -> None: ...

    abort = close


def exchanging(*, past_h2: bool = True) -> tuple[Exchange, NoTransport]:
    """An exchange with both bodies open, on a service whose windows are wide."""
    exchange, transport = Exchange(ping_s=None, past_h2=past_h2), NoTransport()
    server = H2Connection(H2Configuration(client_side=False))
    server.initiate_connection()
    server.increment_flow_control_window(WIDE)
    transport.take = server.receive_data
    exchange.connection_made(cast(asyncio.Transport, transport))
    exchange.request(HEAD)
    server.increment_flow_control_window(WIDE, STREAM)
    server.send_headers(STREAM, [(":status", "200")])
    exchange.data_received(server.data_to_send())
    transport.take = lambda data: None
    exchange.on_data = lambda data: None
    return exchange, transport
