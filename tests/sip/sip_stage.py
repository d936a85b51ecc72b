"""A server in this process with a SIP line, and what its tests look at."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data.models import CallRecord
from sandbox.brain import Brain
from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.twilio.server import free_port
from tests.e2e.running import Running, running
from tests.support.waiting import until

RTP_PORTS_EACH = 60  # for each worker of pytest-xdist, above those of sandbox.twilio.server.PORTS
GREETS = scripted([ScriptTurn((Say("Hola, soy Carlos."),))])


def rtp_ports() -> range:
    """This worker's own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 32_000 + worker * RTP_PORTS_EACH
    return range(first, first + RTP_PORTS_EACH)


def sip_settings(port: int) -> dict[str, Any]:
    """Calls are taken from 127.0.0.1 alone."""
    ports = rtp_ports()
    return {
        "sip_listen": (f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"),
        "sip_allow": ("127.0.0.1",),
        "sip_rtp_ports": f"{ports.start}-{ports.stop - 1}",
    }


@dataclass
class SipLine:
    here: Running
    port: int

    @property
    def seats_taken(self) -> int:
        return self.here.services.active_calls.capacity.taken

    @property
    def live(self) -> list[str]:
        """Ids of the calls that are talking."""
        return list(self.here.services.active_calls.live)

    async def is_quiet(self) -> None:
        """Wait until no call is left, of any kind; then no port may be taken either."""
        await until(lambda: not self.seats_taken and not self.live)
        await until(lambda: not list(taken(rtp_ports())))

    async def records(self) -> list[CallRecord]:
        """Of all calls so far, once they are kept."""
        await self.is_quiet()
        await self.here.services.record_writer.settled()
        store = self.here.services.store
        heads = (await store.calls()).items
        return [record for head in heads if (record := await store.call(head.id))]


@asynccontextmanager
async def sip_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, brain: Callable[[], Brain] = GREETS, **settings: Any
) -> AsyncIterator[SipLine]:
    port = free_port()
    async with running(home, monkeypatch, brain, **(sip_settings(port) | settings)) as here:
        line = SipLine(here, port)
        yield line
        await line.is_quiet()


def taken(ports: range) -> Iterator[int]:
    """Those that cannot be bound."""
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                yield port
