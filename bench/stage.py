"""The processes of one benchmark: callers and Sonic on one core, a server on the other, and this one as a guest."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from bench.child import Child, started
from bench.machine import Reading, core_number, pin, pinned, rss_mb, thread_count, use_between
from sandbox.twilio.server import free_port

SERVER_CORE, LOAD_CORE = core_number(0), core_number(1)
READY_S = 60.0
NICE = 10
KINDS = ("ours", "stock", "bare")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDBENCH", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
ACCOUNT = "AC" + "0" * 32


def without_calls(home: Path, port: int) -> dict[str, str]:
    """Return the environment of a server that nobody calls."""
    return KEYS | {
        "CARLOS_HOME": str(home),
        "WS_PORT": str(port),
        "SONIC": "bedrock",
        "SONIC_ENDPOINT": f"https://127.0.0.1:{free_port()}",  # nobody is there
        "EMF_SECONDS": "0",
        "LOGLEVEL": "ERROR",
        "RATE_LIMIT_PER_MINUTE": "1000000",
    }


@dataclass(slots=True)
class Stage:
    """What stands for the whole benchmark."""

    sonic: Child
    caller: Child
    address: dict[str, str]  # of the Sonic stand-in
    folder: Path


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    pin(LOAD_CORE)
    os.nice(NICE)  # what is worked out between measurements must not disturb the callers
    log = folder / "bench.log"
    async with AsyncExitStack() as stack:
        sonic = await stack.enter_async_context(
            started("bench.instant", "--home", str(folder / "sonic"), core=LOAD_CORE, log=log)
        )
        caller = await stack.enter_async_context(started("bench.caller", core=LOAD_CORE, log=log))
        yield Stage(sonic, caller, await sonic.answer(), folder)


@dataclass(slots=True)
class Served:
    """A running server."""

    kind: str
    child: Child
    target: dict[str, Any]  # what the callers must know
    ready_s: float

    async def lag(self) -> dict[str, Any]:
        os.kill(self.child.pid, signal.SIGUSR1)
        told: dict[str, Any] = await self.child.answer()
        return told

    async def toggle_profile(self) -> None:
        os.kill(self.child.pid, signal.SIGUSR2)

    @property
    def rss_mb(self) -> float:
        return rss_mb(self.child.pid)

    @property
    def threads(self) -> int:
        return thread_count(self.child.pid)

    def read(self) -> Reading:
        return Reading.of(self.child.pid)

    def use_since(self, begin: Reading) -> dict[str, Any]:
        return use_between(begin, self.read(), self.child.pid, SERVER_CORE)


@asynccontextmanager
async def served(stage: Stage, kind: str, **environment: str) -> AsyncIterator[Served]:
    """Start a server on its core and wait until it takes connections."""
    target, common = addresses(kind, stage.address, stage.folder)
    began = monotonic()
    log = stage.folder / f"{kind}.log"
    async with started(f"bench.servers.{kind}", core=SERVER_CORE, log=log, environment=common | environment) as child:
        await answering(target["port"], child)
        ready_s = monotonic() - began
        _check_places(child, stage)
        await stage.caller.ask("dial", target=target)
        await stage.sonic.ask("be", mode="answer", answer_s=2.0, greeting_s=0.5, keep=False)
        await stage.sonic.ask("report")
        yield Served(kind, child, target, ready_s)


def addresses(kind: str, sonic: dict[str, str], folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What callers must know of a server to be started, and its environment; `sonic` has `endpoint` and `ca_file`."""
    port, token = _free_port(), secrets.token_hex(16)
    target: dict[str, Any] = {"port": port, "path": "/ws"}
    environment = {
        **KEYS,
        "WS_PORT": str(port),
        "SONIC_ENDPOINT": sonic["endpoint"],
        "SONIC_CA_FILE": sonic["ca_file"],
    }
    if kind == "ours":
        target |= {"path": "/twilio/media", "account": ACCOUNT, "auth_token": token}
        environment |= {
            "HOST": "localhost",
            "SONIC": "bedrock",
            "STORE": "sqlite",
            "CARLOS_HOME": str(folder / f"carlos-{port}"),
            "PUBLIC_BASE_URL": f"http://localhost:{port}",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": token,
            "TWILIO_API_BASE": "http://127.0.0.1:9",
            "MAX_CALLS": "1000",
            "MAX_CALL_SECONDS": "3600",
            "SILENCE_PROMPT_S": "3600",  # its callers listen, for as long as it takes
        }
    return target, environment


def _check_places(server: Child, stage: Stage) -> None:
    """Each on its core, or no figure means what is said of it."""
    places = {SERVER_CORE: [server], LOAD_CORE: [stage.sonic, stage.caller]}
    for core, children in places.items():
        if any(pinned(child.pid) != {core} for child in children) and SERVER_CORE != LOAD_CORE:
            raise RuntimeError(f"a process of the benchmark is not where it belongs, on core {core} alone")


async def answering(port: int, server: Child) -> None:
    """Until a request is answered, whatever the answer is; a socket takes connections long before that."""
    async with asyncio.timeout(READY_S):
        while not await _answers(port):
            if server.ended:
                raise RuntimeError(
                    "a server of the benchmark did not start; its messages are in the benchmark's folder"
                )
            await asyncio.sleep(0.005)


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = await reader.readline()
        writer.close()
    except OSError:
        return False
    return status.startswith(b"HTTP/1.1 ") and not status.startswith(b"HTTP/1.1 503")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
