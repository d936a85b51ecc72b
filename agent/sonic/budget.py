"""How often and how long a call tries to get a stream back.

An incident begins with the first failure after something went well, and may last `INCIDENT_S`: a caller is answered
or told within seconds. Only progress that he heard ends it - an answer to its last word, or a stream that lived for
`HEALTHY_S` - never a mere event: real streams give events before they fail, and a budget that these refill is dialled
for ever. Exponential back-off with full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

INCIDENT_S = 8.0
HEALTHY_S = 30.0
FIRST_BACKOFF_S = 0.5  # before the second try; twice as long before each that follows
MAX_BACKOFF_S = 2.0
MAX_OPENS = 12  # within `OPENS_WINDOW_S`, whatever they were for
OPENS_WINDOW_S = 60.0


class RetryBudget:
    """One call's. `now` gives seconds."""

    def __init__(self, now: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._now = now
        self._jitter = jitter  # 0 to 1
        self._began: float | None = None  # the incident
        self._tries = 0
        self._opens: deque[float] = deque(maxlen=MAX_OPENS)

    @property
    def tries(self) -> int:
        """In this incident."""
        return self._tries

    @property
    def deadline(self) -> float:
        """When the incident's time is over; an incident that has not begun may begin now."""
        return (self._now() if self._began is None else self._began) + INCIDENT_S

    def progress(self) -> None:
        """The caller heard an answer to its end, or a stream has proved its health: the incident is over."""
        self._began = None
        self._tries = 0

    def failed(self, since: float | None = None) -> float | None:
        """A stream failed, or could not be had. Returns how many seconds to wait before the next try; None when there
        is to be none. `since` is when the caller began to wait for it, if that was before."""
        now = self._now()
        if self._began is None:
            self._began = now if since is None else since
        self._tries += 1
        wait = 0.0 if self._tries == 1 else self._jitter() * self._backoff_s()
        wait = max(wait, self._wait_for_room(now))
        first = self._tries == 1 and not self._wait_for_room(now)  # one new try is owed to every incident
        return wait if first or now + wait < self.deadline else None

    def opened(self) -> None:
        """A stream is being dialled."""
        self._opens.append(self._now())

    @property
    def allows_another(self) -> bool:
        """There is room for a stream that no caller is waiting for, with some left for one that he is."""
        recent = sum(at > self._now() - OPENS_WINDOW_S for at in self._opens)
        return recent < MAX_OPENS // 2

    def _backoff_s(self) -> float:
        return float(min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (self._tries - 2)))

    def _wait_for_room(self, now: float) -> float:
        full = len(self._opens) == MAX_OPENS
        return max(0.0, self._opens[0] + OPENS_WINDOW_S - now) if full else 0.0
