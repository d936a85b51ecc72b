"""When a business or one of its doctors is there: hours of the week, holidays, and days that are unlike others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from common.times import BUENOS_AIRES
from data.holidays import national_holidays

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """From `opens` to `closes`, in minutes of a day in Buenos Aires; a day ends at 1440."""

    opens: int
    closes: int


type Day = tuple[Hours, ...]  # in order; none: closed
type Week = tuple[Day, ...]  # seven, Monday first

USUAL_WEEK: Week = (*6 * ((Hours(8 * 60, 20 * 60),),), ())  # of a business that does not say: all days but Sunday


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days are `2026-12-24`, or `12-24` for every year."""

    national: bool = True  # Argentina's are kept
    closed: Mapping[str, str] = field(default_factory=dict)  # its own, with the name of each
    open: Mapping[str, Day] = field(default_factory=dict)  # its hours on days when it would be closed, or unlike others

    def name_of(self, day: date) -> str | None:
        """Return the name of the holiday that `day` is, None for a day on which it is open."""
        if _entry(self.open, day) is not None:
            return None
        own = _entry(self.closed, day)
        return own if own is not None or not self.national else national_holidays(day.year).get(day)

    def hours_on(self, day: date, week: Week) -> Day:
        exception = _entry(self.open, day)
        if exception is not None:
            return exception
        return () if self.name_of(day) is not None else week[day.weekday()]


def is_within(day: Day, start: datetime, minutes: int) -> bool:
    """Return True if one of the day's hours holds all of the time."""
    opens = start.hour * 60 + start.minute + (start.second + start.microsecond / 1_000_000) / 60
    return any(hours.opens <= opens and opens + minutes <= hours.closes for hours in day)


def common_hours(one: Day, other: Day) -> Day:
    """The time that is in both."""
    both = (Hours(max(a.opens, b.opens), min(a.closes, b.closes)) for a in one for b in other)
    return tuple(sorted(hours for hours in both if hours.opens < hours.closes))


def moment(day: date, minutes: int) -> datetime:
    """Return a minute of a day in Buenos Aires."""
    return datetime.combine(day, time(), BUENOS_AIRES) + timedelta(minutes=minutes)


def days_from(day: date, count: int) -> Iterator[date]:
    return (day + timedelta(days=n) for n in range(count))


def _entry[T](days: Mapping[str, T], day: date) -> T | None:
    return days.get(day.isoformat(), days.get(f"{day:%m-%d}"))
