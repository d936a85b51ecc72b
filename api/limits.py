"""How often somebody may ask: a token bucket each, in this process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

MAX_BUCKETS = 10_000  # buckets remembered


class RateLimit:
    """`per_minute` requests, all at once if need be. `clock` gives seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, when

    def take(self, who: str) -> int:
        """Take one; 0 if it was there, else the whole seconds until it will be."""
        now = self._clock()
        tokens, then = self._buckets.pop(who, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - then) * self._per_second)
        allowed = tokens >= 1
        self._buckets[who] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            del self._buckets[next(iter(self._buckets))]  # the one that has been quiet longest
        return 0 if allowed else math.ceil((1 - tokens) / self._per_second)
