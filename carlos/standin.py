"""The Sonic stand-in as a child process, for a server with no AWS account. It is reached by a socket only."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from loguru import logger

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0
HEARS = "hears with Whisper base, understands by rules, speaks with prepared clips and espeak-ng"
_READ_BYTES = 16 * 1024  # bytes at a time
LAST_WORDS = 3  # lines that are repeated when it does not come up
PACKAGES = ("espeakng_loader", "cryptography", "soxr", "soundfile", "websockets")  # without which it does not start


class StandInFailed(Exception):
    """The child did not come up; the text says why, for a person."""


def missing_packages() -> list[str]:
    """Return the packages that the stand-in lacks here: `pip install .` brings the server's only."""
    return [name for name in ("sandbox", *PACKAGES) if find_spec(name) is None]


@dataclass(frozen=True, slots=True)
class StandInAddress:
    """Where the stand-in listens and what it can do. `notice` is shown to the person who started the server."""

    endpoint: str
    ca_file: Path
    access_key_id: str
    secret_access_key: str
    notice: str


class StandIn:
    """Starts `python -m sandbox.sonic`, and ends it by closing its standard input."""

    def __init__(self, home: Path, stt_model: Path | None = None) -> None:
        self._home = home
        self._stt_model = stt_model
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=LAST_WORDS)

    async def start(self) -> StandInAddress:
        """Run the child process and return its address once it listens. Raise StandInFailed."""
        arguments = ["-m", "sandbox.sonic", "--port", "0", "--home", str(self._home), "--brain", "local"]
        if self._stt_model is not None:
            arguments += ["--stt-model", str(self._stt_model)]
        pipe = asyncio.subprocess.PIPE
        # A session of its own: a terminal sends Ctrl-C to all of one, and live calls are still to say goodbye.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        self._reader = asyncio.create_task(self._log(self._process.stderr), name="stand-in's messages")
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
            said = json.loads(line)
        except (TimeoutError, ValueError) as error:
            await self.stop()
            why = " / ".join(self._said) or f"nothing was heard of it for {START_TIMEOUT_S:g} s"
            raise StandInFailed(f"the Sonic stand-in did not start: {why}") from error
        return StandInAddress(
            said["endpoint"],
            Path(said["ca_file"]),
            said["access_key_id"],
            said["secret_access_key"],
            _notice(said),
        )

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            logger.warning("the Sonic stand-in did not stop by itself")
            process.kill()
            await process.wait()
        if self._reader is not None:
            await asyncio.gather(
                self._reader, return_exceptions=True
            )  # to its last words; cancelled by a second Ctrl-C

    async def _log(self, messages: asyncio.StreamReader | None) -> None:
        """What it prints for developers is theirs: it goes to the log, and not to a terminal."""
        assert messages is not None  # noqa: S101 - a pipe was asked for
        while chunk := await messages.read(_READ_BYTES):
            for line in chunk.decode(errors="replace").splitlines():
                if line.strip():
                    self._said.append(line.strip())
                    logger.info("stand-in: {}", line)


def takes(notice: str | None) -> Literal["speech", "text", ""]:
    """Return what a stand-in with this notice takes; nothing where there is none. The console has its own words."""
    return "" if notice is None else "speech" if notice == HEARS else "text"


def _notice(said: dict[str, object]) -> str:
    if said.get("hears"):
        return HEARS
    return f"takes typed text and keypad only: {said.get('why_not') or 'it cannot hear here'}"
