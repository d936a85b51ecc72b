"""A time limit after which a connection is cut off, with whatever still waits to be sent on it."""

from __future__ import annotations

import asyncio


class CutOff:
    """One timer of one connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def after(self, seconds: float, transport: asyncio.Transport) -> None:
        """Abort the transport after `seconds`, instead of at any time set before. `close` would wait for ever for a
        peer that reads nothing."""
        self.never()
        self._timer = self._loop.call_later(seconds, transport.abort)

    def never(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
