"""PROCESSES=N: a supervisor, and N server processes that accept on one listening socket and behave as one server.

    supervisor ──listening socket, register──▶ process 0 ◀──connections──▶ process 1 …
               ◀──ready──

One socket and not SO_REUSEPORT: there each process has a queue of its own, and what is in it is lost with it. Each
connection is accepted by whoever is free; `handover` puts it through to the process that holds its call, and `register`
holds the one pool of places. The supervisor serves nothing and knows no call: when it is killed, the processes notice
and drain.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loguru import logger

from carlos.listen import listen, print_banner
from carlos.processes.register import Register
from carlos.processes.worker import READY, Place
from carlos.protection import task_protection
from common import log
from common.log import error_text
from common.settings import Settings

COMMAND = (sys.executable, "-m", "carlos.processes.worker")
RESTART_DELAY_S = 1.0  # before a process that died is started again; doubled each time
MAX_RESTART_DELAY_S = 30.0
STABLE_AFTER_S = 60.0  # a process that has lived so long is restarted after the first delay again
STOP_TIMEOUT_S = 5.0  # from the second signal to the end
POLL_INTERVAL_S = 1.0


class NotStarted(Exception):
    """A process ended before it was ready. `code` is its exit code, or a signal's number below zero."""

    def __init__(self, number: int, code: int) -> None:
        super().__init__(f"process {number} ended with {code} before it was ready")
        self.code = code


def serve(settings: Settings) -> None:
    """Run until a signal; prints where to go once calls can be taken. Ends with SystemExit."""
    raise SystemExit(asyncio.run(_supervise(settings)))


async def _supervise(settings: Settings) -> int:
    sock, health = listen(settings)
    settings = settings.model_copy(update={"ws_port": sock.getsockname()[1]})
    listening = [each for each in (sock, health) if each is not None]
    # Processes that outlive this one still meet in the folder; the last of them removes it.
    with TemporaryDirectory(prefix="carlos-", ignore_cleanup_errors=True) as folder:
        supervisor = Supervisor(settings, Path(folder), listening)
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, supervisor.stop)
        async with task_protection(settings.ecs_agent_uri, Everybody(supervisor.register)):
            return await supervisor.run()


class Everybody:
    """The calls of all processes (carlos.protection.Calls). No process reports its calls, so the register is polled."""

    def __init__(self, register: Register) -> None:
        self._register = register

    @property
    def live(self) -> Sized:
        return range(self._register.live + self._register.browsers.live)

    async def turned(self, *, busy: bool) -> None:
        while bool(self.live) != busy:  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(POLL_INTERVAL_S)


class Supervisor:
    """Starts the processes, starts again those that die, and passes signals on."""

    def __init__(self, settings: Settings, folder: Path, listening: Sequence[socket.socket]) -> None:
        self.register = Register.create(settings.processes, settings.max_calls, settings.max_browsers)
        self._settings = settings
        self._folder = folder
        self._descriptors = [self.register.fd, *(sock.fileno() for sock in listening)]
        self._key = secrets.token_urlsafe(32)
        self._running: dict[int, Running] = {}
        self._signals = 0
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Run until a signal and return the exit code. If a process cannot be started at the beginning, all are
        stopped."""
        numbers = range(self._settings.processes)
        try:
            await self._start(0)  # alone: it makes the store, and fills an empty one
            await asyncio.gather(*map(self._start, numbers[1:]))
        except NotStarted as failed:
            return await self._give_up(failed)
        print_banner(self._settings, None)
        return max(map(exit_code, await asyncio.gather(*map(self._keep, numbers))))

    def stop(self) -> None:
        """Drain the processes at the first call; stop them at once at the second."""
        self._stopping.set()
        self._signals += 1
        self._pass_on(signal.SIGTERM)
        if self._signals == 2:
            asyncio.get_running_loop().call_later(STOP_TIMEOUT_S, self._pass_on, signal.SIGKILL)

    async def _start(self, number: int) -> None:
        """Start a process and wait until it is ready. Raise NotStarted."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._place(number).give(ours, self._descriptors)
            # A group of its own, for a terminal sends its SIGINT to the whole of one.
            process = await asyncio.create_subprocess_exec(*COMMAND, stdin=theirs.fileno(), process_group=0)
        reader, channel = await asyncio.open_unix_connection(sock=ours)
        self._running[number] = Running(process, channel)
        if self._stopping.is_set():
            process.terminate()  # it was not there yet when the others were told
        try:
            ready = await reader.readline() == READY
        except ConnectionError:  # it has not even read its place
            ready = False
        if not ready:
            raise NotStarted(number, await self._ended(number))

    def _place(self, number: int) -> Place:
        made, folder = self._settings, str(self._folder)
        log_file = str(log.current_file() or "")
        return Place(
            number, made.processes, made.max_calls, made.max_browsers, folder, made.loglevel, self._key, log_file
        )

    async def _keep(self, number: int) -> int:
        """Start a process again each time that it ends, unless all are to stop. Return its last exit code."""
        clock, failures = asyncio.get_running_loop().time, 0
        while True:
            began = clock()
            code = await self._ended(number)
            if self._stopping.is_set():
                return code
            failures = 1 if clock() - began >= STABLE_AFTER_S else failures + 1
            pause = min(RESTART_DELAY_S * 2 ** (failures - 1), MAX_RESTART_DELAY_S)
            logger.error("process {} ended with {}, and is started again in {:g} s", number, code, pause)
            if await self._told_to_stop(pause):
                return 0
            try:
                await self._start(number)
            except (NotStarted, OSError) as error:
                logger.error("process {} could not be started: {}", number, error_text(error))

    async def _ended(self, number: int) -> int:
        running = self._running[number]
        code = await running.process.wait()
        running.channel.close()
        self.register.clear(number)
        return code

    async def _told_to_stop(self, within_s: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), within_s)
        except TimeoutError:
            return False
        return True

    async def _give_up(self, failed: NotStarted) -> int:
        wanted = self._stopping.is_set()
        self._stopping.set()
        self._pass_on(signal.SIGTERM)
        await asyncio.gather(*map(self._ended, self._running))
        if wanted:
            return 0
        logger.error("{}", failed)
        return exit_code(failed.code) or 1

    def _pass_on(self, sig: signal.Signals) -> None:
        for running in self._running.values():
            with suppress(ProcessLookupError):
                running.process.send_signal(sig)


@dataclass(frozen=True, slots=True)
class Running:
    """A process, and our end of the socket that tells it when this one dies."""

    process: Process
    channel: asyncio.StreamWriter


def exit_code(code: int) -> int:
    """Return the exit code as a shell counts it. A process that got our SIGTERM while it was starting counts as 0."""
    return 0 if code == -signal.SIGTERM else code if code >= 0 else 128 - code
