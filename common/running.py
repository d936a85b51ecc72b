"""The server that runs on a data home, for commands of the same machine: a file that is there while it runs."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from common.settings import Settings

FILE = "server.json"
ANSWERS_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """One that a made-up caller may ring without a signature: on loopback, with the stand-in, its records in a file and
    no account of Twilio's that would be told of the call."""

    address: str
    pid: int

    @property
    def lives(self) -> bool:
        """Whether there is a process of its number; it may be another's by now."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    @property
    def listens(self) -> bool:
        """Whether something takes connections at its address, which waits for an answer of this machine."""
        try:
            parts = urlsplit(self.address)
            if parts.hostname is None:
                return False
            with socket.create_connection((parts.hostname, parts.port or 80), ANSWERS_WITHIN_S):
                return True
        except (OSError, ValueError):  # the address was read from a file
            return False


def may_be_rung(settings: Settings) -> bool:
    """Whether `carlos call` may ring this server unasked: nothing real is touched, and no webhook must be signed."""
    is_local = settings.sonic == "local" and settings.sonic_endpoint is None and settings.store == "sqlite"
    return is_local and not (settings.is_public or settings.public_base_url or settings.twilio_auth_token)


@contextmanager
def announced(home: Path, server: RunningServer) -> Iterator[None]:
    """Say for a while that a server runs. A second one on the same home is the one that is found."""
    path = home / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{FILE}.{server.pid}")
    fresh.write_text(json.dumps(asdict(server)), encoding="utf-8")
    os.replace(fresh, path)
    try:
        yield
    finally:
        if (found := running_server(home)) is not None and found.pid == server.pid:
            with suppress(FileNotFoundError):
                path.unlink()


def running_server(home: Path) -> RunningServer | None:
    """Return the server that says it runs, if its process lives; whether it answers is for the caller to see. A file
    that cannot be read is none."""
    try:
        server = RunningServer(**json.loads((home / FILE).read_text(encoding="utf-8")))
        return server if isinstance(server.address, str) and server.lives else None
    except (OSError, ValueError, TypeError):
        return None
