"""Places for calls: counted, never sampled, so that two calls cannot take the last one."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

HOLD_S = 60.0  # how long an admitted call may take to start its stream


class Admission(Enum):
    """The answer to a ringing call. A blocked one is rejected unanswered, which Twilio does not bill."""

    ACCEPTED = auto()
    FULL = auto()
    DRAINING = auto()
    BLOCKED = auto()


class CapacityCounter(Protocol):
    """How a line takes places: those of one process, `CallCapacity`, or of several (carlos.processes.register)."""

    @property
    def draining(self) -> bool: ...
    @property
    def live(self) -> int: ...
    @property
    def taken(self) -> int: ...
    def drain(self) -> None: ...
    def admit(self, call_sid: str) -> Admission: ...
    def start(self, call_sid: str) -> bool: ...
    def release(self, call_sid: str) -> None: ...


class CallCapacity:
    """At most `capacity` calls, ringing or live. Every method is idempotent by call. `clock` gives seconds."""

    def __init__(self, capacity: int, hold_s: float = HOLD_S, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity = capacity
        self.draining = False
        self._hold_s = hold_s
        self._clock = clock
        self._held: dict[str, float] = {}  # call: until when
        self._live: set[str] = set()

    @property
    def live(self) -> int:
        """Return how many calls have a running stream."""
        return len(self._live)

    @property
    def taken(self) -> int:
        """Return how many calls are live, or admitted and about to start."""
        self._forget_expired()
        return len(self._live) + len(self._held)

    def drain(self) -> None:
        """Admit no more calls; those already admitted may start."""
        self.draining = True

    def admit(self, call_sid: str) -> Admission:
        """Hold a place for a ringing call. Return ACCEPTED, or why there is none."""
        self._forget_expired()
        if call_sid in self._held or call_sid in self._live:
            return Admission.ACCEPTED
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
        del self._held[call_sid]
        self._live.add(call_sid)
        return True

    def release(self, call_sid: str) -> None:
        """Free the call's place, held or taken."""
        self._held.pop(call_sid, None)
        self._live.discard(call_sid)

    def _forget_expired(self) -> None:
        now = self._clock()
        for call_sid in [call_sid for call_sid, until in self._held.items() if until <= now]:
            del self._held[call_sid]
