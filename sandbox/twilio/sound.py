"""A call on this machine's loudspeaker, as it happens: through the player of the system, where there is one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sandbox.twilio.clock import SAMPLE_RATE
from sandbox.twilio.playout import SILENCE
from sandbox.twilio.stream import FRAME
from sandbox.twilio.wav import decode

_RATE = str(SAMPLE_RATE)
PLAYERS: Sequence[tuple[str, ...]] = (  # that read 16-bit stereo from their standard input
    ("paplay", "--raw", "--format=s16le", f"--rate={_RATE}", "--channels=2"),
    ("aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", _RATE, "-c", "2"),
)
FILE_PLAYER = "afplay"
FINISH_S = 3.0  # after the call, for what the player still has
MAX_WAITING = 2 * 2 * SAMPLE_RATE  # bytes that a player has not taken, one second: more is not for the ear any more


@dataclass(slots=True)
class Sound:
    """An async context manager; `play` takes both sides of a call frame by frame, and never waits. Without a player, or
    where it has ended because there is no output, nothing is heard, and nothing else is different."""

    command: tuple[str, ...] | None = None
    _process: asyncio.subprocess.Process | None = None

    @classmethod
    def of_this_machine(cls) -> Self:
        return cls(next((each for each in PLAYERS if shutil.which(each[0])), None))

    @property
    def plays(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Self:
        if self.command is not None:
            null = asyncio.subprocess.DEVNULL
            self._process = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.PIPE, stdout=null, stderr=null
            )
        return self

    def play(self, said: bytes, heard: bytes) -> None:
        """Play a frame of 8 kHz mu-law: the caller on the left, Carlos on the right."""
        if self._process is None or self._process.stdin is None or not self.plays:
            return
        to_player = self._process.stdin.transport
        if not to_player.is_closing() and to_player.get_write_buffer_size() < MAX_WAITING:
            sides = [decode(side.ljust(FRAME, bytes([SILENCE]))[:FRAME]) for side in (said, heard)]
            self._process.stdin.write(np.stack(sides, axis=1).tobytes())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the player finish what it has; break it off where the call was broken off."""
        if self._process is None:
            return
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.close()
        if error is not None and self.plays:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), FINISH_S)
        except TimeoutError:  # an output that takes nothing
            self._process.kill()
            await self._process.wait()


async def play_file(wav: Path) -> None:
    """Play a call that is over, where there is only a player of files: macOS has no other."""
    if shutil.which(FILE_PLAYER) and not any(shutil.which(each[0]) for each in PLAYERS):
        player = await asyncio.create_subprocess_exec(FILE_PLAYER, str(wav))
        await player.wait()
