"""Browsers' calls that go on after a reload or a lost connection.

    begun ──socket cut──▶ kept for RESUME_S ──token──▶ taken: the next socket's call
      └──────token──────▶ its call is let go of first: its socket is dead, and nobody has noticed

What a call needs to go on is kept by the process that held it, for one minute. The token is a secret of the page that
had the call, good once; each socket gets its own. A call that ended of itself, or was hung up, is over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.active_calls import ActiveCalls
from agent.sonic.events import Role
from agent.transcript import CallTranscript
from common.times import Clock, utcnow

RESUME_S = 60.0  # after the loss of a socket
LET_GO_S = 3.0  # for a call whose socket is dead to let go of it
MAX_KEPT = 1000  # calls; the oldest is forgotten first
CUT_OFF = frozenset({"caller_left", "dropped"})  # outcomes of a call whose socket was cut, by whichever side

type Earlier = tuple[tuple[Role, str], ...]


@dataclass(slots=True)
class Kept:
    """What there is of a call to go on with. `earlier` is a conversation before it, `resumes` how often it went on."""

    log: CallTranscript
    memory: Callable[[], Mapping[str, Any]]
    earlier: Earlier
    resumes: int
    cut_at: float | None = None
    is_live: bool = True
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def go_on(self) -> CallTranscript:
        """Return the transcript of the call's next part. It is written whole: the store may not have all of this one
        yet."""
        log = CallTranscript.resumed(self.log.record(), self.resumes + 1)
        log.base = None
        return log


class Resumptions:
    """One process's. `clock` gives aware times."""

    def __init__(self, active_calls: ActiveCalls, clock: Clock = utcnow) -> None:
        self._active_calls = active_calls
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def keep(self, log: CallTranscript, memory: Callable[[], Mapping[str, Any]], earlier: Earlier) -> tuple[str, Kept]:
        """Return the token of a call that begins, or goes on."""
        self._forget_old()
        token = secrets.token_urlsafe(24)
        kept = self._kept[token] = Kept(log, memory, earlier, int(log.notes.get("resumed", 0)))
        return token, kept

    def let_go(self, token: str, kept: Kept, *, cut: bool) -> None:
        """The call is over here: `cut` if its socket went without a word."""
        kept.is_live = False
        kept.released.set()
        if cut and kept.log.record().outcome in CUT_OFF:
            kept.cut_at = self._clock().timestamp()
        else:
            self._kept.pop(token, None)

    async def take(self, token: str) -> Kept | None:
        """Return the call of a token; None for one that is over, was taken before or has waited too long."""
        kept = self._kept.pop(token, None)
        if kept is None:
            return None
        if kept.is_live:
            return kept if await self._let_go_of(kept) else None
        return kept if self._is_fresh(kept) else None

    async def _let_go_of(self, kept: Kept) -> bool:
        """Drop a call whose socket is dead. Return False for one that ended otherwise just now, or does not let go."""
        if (call := self._active_calls.live.get(kept.log.id)) is not None:
            await call.hang_up("dropped")
        try:
            async with asyncio.timeout(LET_GO_S):
                await kept.released.wait()
        except TimeoutError:
            return False
        return kept.log.record().outcome in CUT_OFF

    def _is_fresh(self, kept: Kept) -> bool:
        return kept.cut_at is not None and self._clock().timestamp() < kept.cut_at + RESUME_S

    def _forget_old(self) -> None:
        self._kept = {token: kept for token, kept in self._kept.items() if kept.is_live or self._is_fresh(kept)}
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
