"""The call's clock: seconds since its own start, at real or scaled speed.

A scaled clock makes tests short where both ends are ours. It does not make a real peer faster: the AWS and
Twilio SDKs, Whisper and the server's own pacing keep wall-clock time, so a call against a whole server is
placed at speed 1.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

SAMPLE_RATE = 8000  # Hz, mu-law: one byte is one sample


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the clock's start."""
        ...

    async def sleep_until(self, when: float) -> None:
        """Return at `when`, or at once when it has passed."""
        ...


class ScaledClock:
    """Monotonic time, `speed` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._origin = time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self._origin) * self._speed

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self.now()) / self._speed)


def sample_at(seconds: float) -> int:
    """The sample that sounds at this time."""
    return int(seconds * SAMPLE_RATE)
