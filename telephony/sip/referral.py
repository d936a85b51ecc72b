"""A REFER under way: whether the other side takes it, and what became of the call that it asks for (RFC 3515)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiosipua import SipResponse

from telephony.sip.prompts import first

OK, NO_ANSWER = 200, 408
WORDS: Mapping[int, str] = {486: "busy", 600: "busy", 408: "no-answer", 480: "no-answer", 487: "no-answer"}


def word_of(status: int) -> str:
    """Return what `telephony.transfers.Transfers.dialled` calls a status."""
    return "completed" if talked(status) else WORDS.get(status, "failed")


def talked(status: int) -> bool:
    return 200 <= status < 300


class Referral:
    """`over` is set when our call with the caller's side has ended."""

    def __init__(self, over: asyncio.Event) -> None:
        self._over = over
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._is_accepted = False

    def answered(self, response: SipResponse | None) -> None:
        """What the REFER itself is answered; None for nothing in time."""
        status = response.status_code if response is not None else NO_ANSWER
        self._is_accepted = talked(status)
        if not self._is_accepted:
            self.told(status)

    def told(self, status: int) -> None:
        """How far the other call is (NOTIFY)."""
        if status >= 200 and not self._status.done():
            self._status.set_result(status)

    async def outcome(self, seconds: float) -> int:
        """Return the last status of the other call; what comes later is not heard. A side that took the REFER and hangs
        up has taken the caller along."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await first(asyncio.shield(self._status), self._over.wait())
        self.told(OK if self._over.is_set() and self._is_accepted else NO_ANSWER)
        return self._status.result()
