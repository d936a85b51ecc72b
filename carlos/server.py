"""uvicorn, with calls that outlive SIGTERM.

uvicorn 0.54 alone closes open WebSockets at once on SIGTERM, with 1012, even with a graceful time-out: a deploy would
cut every call. Here the first signal stops new calls and waits; a second one stops at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from types import FrameType
from typing import Any

import uvicorn
from loguru import logger
from starlette.types import ASGIApp

from agent.audio.resample import filter_for
from api.health import health_app
from carlos.app import Services, create_app, needs_standin
from carlos.http import BoundedHttp
from carlos.listen import address_of, listen, print_banner
from carlos.standin import missing_packages
from carlos.websocket import FastWebSocket
from common.running import RunningServer, announced, may_be_rung
from common.settings import Settings
from telephony.twilio.socket import WS_MAX_SIZE

# A load balancer sends its next request on a connection that it kept: the server must not close that first (502).
KEEP_ALIVE_S = 310
INTERRUPT_DRAIN_S = 20.0  # who presses Ctrl-C waits for it; SIGTERM gives calls DRAIN_SECONDS


class DrainingServer(uvicorn.Server):
    """Waits for the calls of `services` before it lets uvicorn stop."""

    services: Services | None = None
    _drain_s = 0.0
    _drain: asyncio.Task[None] | None = None
    _loop: asyncio.AbstractEventLoop

    health: socket.socket | None = None

    def takes_calls_of(self, services: Services) -> None:
        """Everything stands, and calls may come."""
        self.services = services
        _keep_what_stands()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        async with health_port(self.health):
            await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Unlike uvicorn's, remembers no signal to die of afterwards: a drained server exits with 0."""
        if self._drain is not None or self.should_exit:
            self.should_exit = self.force_exit = True
        elif self.services is None or not self.services.active_calls.live:
            self.should_exit = True
        else:
            drain_s = self.services.settings.drain_seconds
            self._drain_s = min(drain_s, INTERRUPT_DRAIN_S) if sig == signal.SIGINT else drain_s
            self._loop.call_soon_threadsafe(self._start_draining)

    def _start_draining(self) -> None:
        if self._drain is None:
            self._drain = self._loop.create_task(self._wait_for_calls())

    async def _wait_for_calls(self) -> None:
        assert self.services is not None  # noqa: S101 - handle_exit has seen it
        calls = len(self.services.active_calls.live)
        logger.bind(event="notice").info(
            "draining {} live call{}, for {:g} s at most; a second signal (Ctrl-C) stops at once",
            calls,
            "" if calls == 1 else "s",
            self._drain_s,
        )
        try:
            await self.services.active_calls.drain(self._drain_s)
        finally:
            self.should_exit = True


def serve(settings: Settings) -> None:
    """Run until a signal; prints where to go once calls can be taken. SystemExit says why it cannot be started."""
    if needs_standin(settings) and (missing := missing_packages()):
        raise SystemExit(
            f"the Sonic stand-in needs {', '.join(missing)}: start with `make run` in a checkout, or"
            " `pip install 'carlos[sandbox,speech]'`, or set SONIC=bedrock for the real model"
        )
    sock, health = listen(settings)
    settings = settings.model_copy(update={"ws_port": sock.getsockname()[1]})
    server: DrainingServer
    standing = ExitStack()

    def on_ready(services: Services) -> None:
        server.takes_calls_of(services)
        print_banner(settings, services.notice)
        if may_be_rung(settings):
            here = RunningServer(address_of(settings).rstrip("/"), os.getpid())
            standing.enter_context(announced(settings.carlos_home, here))

    warm_up()
    server = DrainingServer(configured(create_app(settings, on_ready)))
    server.health = health
    with standing:
        server.run(sockets=[sock])


def configured(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """uvicorn as Carlos needs it; `options` are added, or taken instead."""
    ours: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "http": BoundedHttp,
        "ws": FastWebSocket,
        "ws_max_size": WS_MAX_SIZE,
        "ws_per_message_deflate": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": 5,
    }
    return uvicorn.Config(app, **(ours | options))


class _HealthServer(uvicorn.Server):
    """A second server in the same process: signals are the first one's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def health_port(sock: socket.socket | None) -> AsyncIterator[None]:
    """HEALTH_PORT: the original's health check on a port of its own, for as long as the server runs."""
    if sock is None:
        yield
        return
    server = _HealthServer(configured(health_app, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[sock]), name="health port")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def warm_up() -> None:
    """What the first call would otherwise wait for."""
    filter_for(8000, 16000)
    filter_for(24000, 8000)


def _keep_what_stands() -> None:
    """Take what was made so far out of the garbage collector's rounds: one through all of it is a pause that every
    call would hear."""
    gc.collect()
    gc.freeze()
