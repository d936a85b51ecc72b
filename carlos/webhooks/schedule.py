"""What becomes of a webhook after an attempt, and when a receiver is tried. Times go in; nothing here waits.

Standard Webhooks 1.0.0, "Deliverability and reliability" and "Delivery success and failure": 2xx is success, 410 says
that nobody wants to be told any more, all else, a redirect too, is tried again, and no sooner than `Retry-After` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto

# After the first attempt, the second and so on: the specification's own example, 75 hours in all.
DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2  # of a delay, more or less
MAX_WAIT = timedelta(days=4)  # of what is due and cannot be tried, with a receiver that is down or off
LONGEST_RETRY_AFTER = timedelta(hours=24)

AT_ONCE = 8  # deliveries to one receiver
FAILURES = 5  # one after another, after which a receiver counts as down
PROBE_EVERY = timedelta(seconds=30)  # with one delivery, while it is down


class Verdict(Enum):
    TAKEN = auto()
    LATER = auto()
    GONE = auto()  # 410: the receiver is to be told nothing any more


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is HTTP's; None where there was none, and `reason` says why. `retry_after` is the header as it came."""

    status: int | None
    reason: str = ""
    retry_after: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.status == 410:
            return Verdict.GONE
        return Verdict.TAKEN if self.status is not None and 200 <= self.status < 300 else Verdict.LATER

    @property
    def told(self) -> str:
        """For people: why it was not taken."""
        return self.reason if self.status is None else f"HTTP {self.status}"


def due_again(attempts: int, now: datetime, jitter: float) -> datetime | None:
    """Return when to try again what was tried `attempts` times, None if never; `jitter` is from -1 to 1."""
    return now + DELAYS[attempts - 1] * (1 + JITTER * jitter) if attempts < ATTEMPTS else None


def retry_after(header: str, now: datetime) -> timedelta:
    """Return how long a receiver asks to be left alone: seconds or a date (RFC 9110, 10.2.3), nothing where it is
    neither."""
    text = header.strip()
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        asked = timedelta(seconds=int(text))
    else:
        try:
            asked = parsedate_to_datetime(text) - now
        except (ValueError, TypeError):  # a date of no time zone is no HTTP date
            return timedelta()
    return min(max(asked, timedelta()), LONGEST_RETRY_AFTER)


@dataclass(slots=True)
class Circuit:
    """How many deliveries a receiver gets at a time: few while it fails, so that one that is down costs next to
    nothing."""

    failures: int = 0  # one after another
    _not_before: datetime | None = None

    def places(self, now: datetime, under_way: int) -> int:
        """Return how many more may begin."""
        if self._not_before is not None and now < self._not_before:
            return 0
        return max(0, (1 if self.is_open else AT_ONCE) - under_way)

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES

    def taken(self) -> None:
        self.failures, self._not_before = 0, None

    def failed(self, now: datetime, wait: timedelta = timedelta()) -> None:
        """`wait` is what the receiver asks for."""
        self.failures += 1
        wait = max(wait, PROBE_EVERY) if self.is_open else wait
        if wait:
            self._not_before = max(now + wait, self._not_before or now)
