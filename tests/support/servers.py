"""Servers of ours: an application in this process, and `carlos serve` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from sandbox.twilio.server import free_port as free_port
from telephony.twilio.socket import WS_MAX_SIZE
from tests.support.waiting import bounded, until

SERVE = (sys.executable, "-m", "carlos.cli", "serve")


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, **options: Any) -> AsyncIterator[uvicorn.Server]:
    """`app` on `listener`, from its first request on; `options` are uvicorn's."""
    options = {"log_config": None, "ws_max_size": WS_MAX_SIZE, "lifespan": "off"} | options
    server = uvicorn.Server(uvicorn.Config(app, **options))
    running = asyncio.create_task(server.serve([listener]), name="server")
    try:
        await until(lambda: server.started or running.done())
        assert server.started, "the server ended at its start"
        yield server
    finally:
        server.should_exit = True
        await running


def loopback(port: int = 0) -> socket.socket:
    """A socket that listens on 127.0.0.1."""
    return socket.create_server(("127.0.0.1", port))


@asynccontextmanager
async def carlos_serve(
    env: Mapping[str, str], *, stdout: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`carlos serve`, killed at the end where it has not ended by itself."""
    process = await asyncio.create_subprocess_exec(
        *SERVE, env=os.environ | env, stdout=stdout, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def printed(process: asyncio.subprocess.Process, word: str = "real") -> list[str]:
    """What it tells people on stderr, up to the line with `word`: by default the last line of a start."""
    assert process.stderr is not None
    lines: list[str] = []
    async with bounded():
        async for line in process.stderr:
            lines.append(line.decode().rstrip())
            if word in lines[-1]:
                return lines
    raise AssertionError(f"it stopped: {lines}")
