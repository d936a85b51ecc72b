"""Times: aware UTC inside, milliseconds, ISO strings ending in `Z` in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    """Return the time now, to the millisecond that the store keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def to_iso(moment: datetime) -> str:
    """Return `2026-11-24T13:00:00.000Z`: fixed width, so that text order is time order. Raise ValueError for naive
    times."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place in the store")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """Return the time of an ISO text. Raise ValueError for one without an offset, or outside the calendar in UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a stored time must have an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time before or after all years") from error
