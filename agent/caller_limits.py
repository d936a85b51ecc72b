"""What one number may take of the line: so many calls at a time, and so many a minute.

A caller chooses the number that is shown: it proves nothing, and withheld numbers are not one person's. Whoever asks
here gives a number that is somebody's, or none, and then there is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from common.settings import Settings

WINDOW_S = 60.0
SEATS = 2  # on a public host
CALLS_PER_MINUTE = 6  # somebody who redials by hand reaches four or five


@dataclass(frozen=True, slots=True)
class CallerLimits:
    """0 is no limit."""

    seats: int = 0
    calls_per_minute: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what is set; where nothing is, a public host has limits, and loopback, whose callers are tests, has
        none."""
        seats, calls = settings.seats_per_number, settings.calls_per_number_per_minute
        public = settings.is_public
        return cls(
            seats=SEATS * public if seats is None else seats,
            calls_per_minute=CALLS_PER_MINUTE * public if calls is None else calls,
        )

    def too_often(self, recent: int) -> bool:
        """Whether another call is one too many beside `recent` ones that rang within `WINDOW_S`."""
        return 0 < self.calls_per_minute <= recent

    def seated(self, held: int) -> bool:
        """Whether another call is one too many beside `held` ones that have a place."""
        return 0 < self.seats <= held
