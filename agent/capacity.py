"""Places for calls: counted, never sampled, so that two calls cannot take the last one."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from agent.caller_limits import WINDOW_S, CallerLimits

HOLD_S = 60.0  # how long an admitted call may take to start its stream
MAX_RUNG_CALLS = 1000  # calls without a place whose callers are remembered


class Admission(Enum):
    """The answer to a ringing call."""

    ACCEPTED = auto()
    FULL = auto()
    DRAINING = auto()
    ELSEWHERE = auto()  # there is no place here, and perhaps one in another process
    EXHAUSTED = auto()  # there is a place, and no Region has a stream to Sonic for it
    SEATED = auto()  # its number has as many calls as one may have
    TOO_OFTEN = auto()  # its number rang too often within a minute
    BLOCKED = auto()
    FOREIGN = auto()  # of a country that is not served
    WITHHELD = auto()
    CLOSED = auto()  # outside opening hours


class CapacityCounter(Protocol):
    """How a line takes places: those of one process, `CallCapacity`, or of several (carlos.processes.register)."""

    @property
    def draining(self) -> bool: ...
    @property
    def live(self) -> int: ...
    @property
    def taken(self) -> int: ...
    def drain(self) -> None: ...
    def holds(self, call_sid: str) -> bool: ...
    def admit(self, call_sid: str, caller: str = "") -> Admission: ...
    def start(self, call_sid: str) -> bool: ...
    def release(self, call_sid: str) -> None: ...


class CallCapacity:
    """At most `capacity` calls, ringing or live. Every method is idempotent by call. `clock` gives seconds.

    `seats_ringing` False: the media of a call that rings here may come to any of several processes, so it has no place
    here before that, and places for those that rang everywhere are counted by leases (agent.fleet).
    """

    def __init__(
        self,
        capacity: int,
        hold_s: float = HOLD_S,
        clock: Callable[[], float] = time.monotonic,
        limits: CallerLimits = CallerLimits(),  # noqa: B008 - frozen
        *,
        seats_ringing: bool = True,
    ) -> None:
        self.capacity = capacity
        self.draining = False
        self._seats_ringing = seats_ringing
        self._hold_s = hold_s
        self._clock = clock
        self._limits = limits
        self._held: dict[str, float] = {}  # call: until when
        self._live: set[str] = set()
        self._rang: dict[str, tuple[str, float]] = {}  # call: its caller and when, the oldest first

    @property
    def live(self) -> int:
        """Return how many calls have a running stream."""
        return len(self._live)

    @property
    def taken(self) -> int:
        """Return how many calls have a place: those that are live, and those that are admitted and about to start."""
        self._forget_expired()
        return len(self._live) + (len(self._held) if self._seats_ringing else 0)

    def drain(self) -> None:
        """Admit no more calls; those already admitted may start."""
        self.draining = True

    def holds(self, call_sid: str) -> bool:
        """Return whether the call has a place."""
        self._forget_expired()
        return call_sid in self._held or call_sid in self._live

    def admit(self, call_sid: str, caller: str = "") -> Admission:
        """Hold a place for a ringing call. Return ACCEPTED, or why there is none. A call that is refused for another
        reason than TOO_OFTEN counts as one of its caller's in this minute."""
        if self.holds(call_sid):
            return Admission.ACCEPTED
        if caller:
            others = [(call, at) for call, (whose, at) in self._rang.items() if whose == caller and call != call_sid]
            if self._limits.too_often(sum(at > self._clock() - WINDOW_S for _, at in others)):
                return Admission.TOO_OFTEN
            self._note(call_sid, caller)
            if self._limits.seated(sum(call in self._held or call in self._live for call, _ in others)):
                return Admission.SEATED
        if self.draining:
            return Admission.DRAINING
        if self.taken >= self.capacity:
            return Admission.FULL
        self._held[call_sid] = self._clock() + self._hold_s
        return Admission.ACCEPTED

    def start(self, call_sid: str) -> bool:
        """Take the held place, or a free one if the hold has run out. Return False if there is none, or for a live
        call."""
        if call_sid in self._live or self.admit(call_sid) is not Admission.ACCEPTED:
            return False
        if len(self._live) >= self.capacity:  # it rang here, which is no place
            return False
        del self._held[call_sid]
        self._live.add(call_sid)
        return True

    def release(self, call_sid: str) -> None:
        """Free the call's place, held or taken."""
        self._held.pop(call_sid, None)
        self._live.discard(call_sid)

    def _note(self, call_sid: str, caller: str) -> None:
        self._rang.setdefault(call_sid, (caller, self._clock()))
        if len(self._rang) > MAX_RUNG_CALLS + self.capacity:
            del self._rang[next(call for call in self._rang if call not in self._live)]

    def _forget_expired(self) -> None:
        now = self._clock()
        for call_sid in [call_sid for call_sid, until in self._held.items() if until <= now]:
            del self._held[call_sid]
