"""`python -m carlos.processes.worker`: one of the server processes that share a port; the supervisor starts it.

Its standard input is a socket to the supervisor. The first message says what this process is and carries what it
inherits; `ready` goes back; and when the other end is closed, the supervisor is dead and this process drains.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from loguru import logger
from pydantic import SecretStr

from agent.caller_limits import CallerLimits
from carlos.processes.register import Register
from common import log
from common.settings import Settings

READY = b"ready\n"
_MAX_MESSAGE_BYTES = 4096  # bytes of a message


@dataclass(frozen=True, slots=True)
class Place:
    """What a process is among the others. The key signs stream tokens where there is no TWILIO_AUTH_TOKEN."""

    number: int
    processes: int
    max_calls: int
    max_browsers: int
    folder: str
    loglevel: str
    key: str
    log_file: str  # for what a terminal does not show; empty: none

    def give(self, channel: socket.socket, descriptors: list[int]) -> None:
        """Send it to a new process, with the register's descriptor, the listening socket's and, if there is one,
        HEALTH_PORT's."""
        socket.send_fds(channel, [json.dumps(asdict(self)).encode()], descriptors)

    @classmethod
    def take(cls, channel: socket.socket) -> tuple[Self, list[int]]:
        """Return it with the descriptors. Raise ValueError when the supervisor has gone."""
        message, descriptors, _, _ = socket.recv_fds(channel, _MAX_MESSAGE_BYTES, 3)
        return cls(**json.loads(message)), descriptors


def main() -> None:
    channel = socket.socket(fileno=sys.stdin.fileno())
    place, (register_fd, *listening) = Place.take(channel)
    settings = Settings().model_copy(
        update={
            "processes": place.processes,
            "max_calls": place.max_calls,
            "max_browsers": place.max_browsers,
            "loglevel": place.loglevel,
            "stream_token_key": SecretStr(place.key),
        }
    )
    log.configure(settings.loglevel, Path(place.log_file) if place.log_file else None)
    logger.configure(extra={"process": place.number})
    register = Register(
        register_fd,
        place.processes,
        place.max_calls,
        place.number,
        browsers=place.max_browsers,
        limits=CallerLimits.of(settings),
        seats_ringing=not settings.leases_streams,
    )
    _serve(settings, channel, Path(place.folder), register, [socket.socket(fileno=fd) for fd in listening])


def _serve(
    settings: Settings, channel: socket.socket, folder: Path, register: Register, listening: list[socket.socket]
) -> None:
    from carlos.app import Services, create_app  # after the log: pipecat talks while it is imported
    from carlos.processes.handover import Handover, MovableHttp
    from carlos.server import DrainingServer, configured, warm_up

    class Worker(DrainingServer):
        """Takes connections from other processes, too, until it has no calls."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await handover.close()
            await super().shutdown(sockets)

    def on_ready(services: Services) -> None:
        server.takes_calls_of(services)
        handover.open(server)
        register.open()
        loop = asyncio.get_running_loop()
        loop.add_reader(channel, orphaned, loop)
        channel.send(READY)

    def orphaned(loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(channel)
        logger.error("the supervisor is gone: this process takes no more calls")
        server.handle_exit(signal.SIGTERM, None)

    handover = Handover(folder, register)
    sock, *health = listening
    settings = settings.model_copy(update={"ws_port": sock.getsockname()[1]})
    warm_up()
    server = Worker(configured(create_app(settings, on_ready, handover), http=MovableHttp))
    server.health = health[0] if health else None
    server.run(sockets=[sock])
    with suppress(OSError):
        folder.rmdir()  # the supervisor's to do; where it is dead, the last one's


if __name__ == "__main__":
    main()
