"""A server of one's own for one call: `carlos serve` as a child, on a free port, with a fresh home."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import aiohttp

from sandbox.hang import HANG_S
from sandbox.twilio.account import Account
from sandbox.twilio.errors import ServerUnavailable
from sandbox.twilio.script import FACTS

COMMAND = (sys.executable, "-m", "carlos.cli", "serve")
STOP_WITHIN_S = 10.0
PORTS = range(10_000, 32_000)  # below those that the kernel hands out by itself
LOG_TAIL = 15  # last words shown when it does not start


def free_port() -> int:
    """A port for a server that opens it later, perhaps twice: nobody else is likely to take it meanwhile."""
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]  # not `random`, which has the same seed in every worker
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


class ServerProcess:
    """An async context manager; inside it the server answers.

    Its log goes to `log`. `announce` gets the lines in which it says which of its parts are stand-ins.
    """

    def __init__(
        self,
        port: int,
        account: Account,
        api_base: str,
        log: Path,
        announce: Callable[[str], None],
        command: Sequence[str] = COMMAND,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings or {}
        self.base_url = f"http://localhost:{port}"
        self._port = port
        self._account = account
        self._api_base = api_base
        self._announce = announce
        self._command = command
        self._said: deque[str] = deque(maxlen=LOG_TAIL)
        self._not_ready = ""
        self._home = TemporaryDirectory(prefix="carlos-call-", ignore_cleanup_errors=True)
        self._log = log
        copy(FACTS, self._home.name)

    async def __aenter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment(), stdout=log, stderr=asyncio.subprocess.PIPE
            )
        self._reader = asyncio.create_task(self._read())
        try:
            await self._wait_until_ready()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()

    def _environment(self) -> dict[str, str]:
        """Ours, with all that a `.env` could say against it: the call must not touch other records or ports."""
        return os.environ | {
            "ADMIN_API_KEYS": "",
            "CARLOS_HOME": self._home.name,
            "COLUMNS": "200",  # or a notice is folded
            "HEALTH_PORT": "0",
            "HOST": "localhost",
            "PUBLIC_BASE_URL": self.base_url,
            "STORE": "sqlite",
            "TWILIO_ACCOUNT_SID": self._account.sid,
            "TWILIO_API_BASE": self._api_base,
            "TWILIO_AUTH_TOKEN": self._account.auth_token,
            "WS_PORT": str(self._port),
            **self._settings,
        }

    async def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - a pipe was asked for
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            if text.strip(" │"):  # the frame of a traceback
                self._said.append(text)
            if "stand-in" in text:
                self._announce(text)

    async def _wait_until_ready(self) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + HANG_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG_S)) as http:
            while not await self._ready(http):
                if self._process.returncode is not None:
                    await self._reader
                    raise ServerUnavailable(f"the server stopped with {self._process.returncode}:\n{self._tail()}")
                if loop.time() >= give_up:
                    raise ServerUnavailable(
                        f"the server is not ready after {HANG_S:.0f} s: {self._not_ready}\n{self._tail()}"
                    )
                await asyncio.sleep(0.1)

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.base_url}/ready") as response:
                if response.status != 200:
                    self._not_ready = await response.text()
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _tail(self) -> str:
        return "\n".join([*self._said, f"(its log is {self._log})"])

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_WITHIN_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._reader
        self._home.cleanup()
