"""The Sonic stand-in as a child process, for a server with no AWS account. It is reached by a socket only."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loguru import logger

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0
HEARS = "hears with Whisper base, understands by rules, speaks with prepared clips and espeak-ng"


class StandInFailed(Exception):
    """The child did not come up; the text says what it printed."""


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

    async def start(self) -> StandInAddress:
        """Run the child process and return its address once it listens. Raise StandInFailed."""
        arguments = ["-m", "sandbox.sonic", "--port", "0", "--home", str(self._home), "--brain", "local"]
        if self._stt_model is not None:
            arguments += ["--stt-model", str(self._stt_model)]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
            said = json.loads(line)
        except (TimeoutError, ValueError) as error:
            await self.stop()
            raise StandInFailed("the Sonic stand-in did not start; see its messages above") from error
        return StandInAddress(
            said["endpoint"],
            Path(said["ca_file"]),
            said["access_key_id"],
            said["secret_access_key"],
            _notice(said),
        )

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            logger.warning("the Sonic stand-in did not stop by itself")
            process.kill()
            await process.wait()


def takes(notice: str | None) -> Literal["speech", "text", ""]:
    """Return what a stand-in with this notice takes; nothing where there is none. The console has its own words."""
    return "" if notice is None else "speech" if notice == HEARS else "text"


def _notice(said: dict[str, object]) -> str:
    if said.get("hears"):
        return HEARS
    return f"takes typed text and keypad only: {said.get('why_not') or 'it cannot hear here'}"
