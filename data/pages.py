"""Lists in pages. A position sorts as its list does; the cursor is the last position that was given out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from common.times import to_iso
from data.models import Appointment, CallRecord, Order

type Position = tuple[float, str]

_END_OF_TIME = 62_000_000_000  # seconds: no date of Python's lies further from 1970 both ways


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Some records in order, the cursor for the next ones, or None at the end, and how many of the stored items that
    were looked at could not be read."""

    items: tuple[T, ...]
    next: str | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Fetched[T]:
    """The first records of a list, some more of which may have been unreadable, and whether that was all of it."""

    records: list[T]
    is_all: bool = True
    unreadable: int = 0


def order_position(order: Order) -> Position:
    """Newest first."""
    return -order.created_at.timestamp(), order.id


def call_position(call: CallRecord) -> Position:
    """Newest first."""
    return -call.started_at.timestamp(), call.id


def appointment_position(appointment: Appointment) -> Position:
    """Earliest first."""
    return appointment.start.timestamp(), appointment.id


def time_of(cursor: str | None) -> str | None:
    """The instant of a cursor in a newest-first list, as the store writes it."""
    return None if cursor is None else to_iso(datetime.fromtimestamp(-_position(cursor)[0], UTC))


def cut[T](
    records: Sequence[T], position: Callable[[T], Position], limit: int | None, after: str | None, unreadable: int = 0
) -> Page[T]:
    """The page after the cursor; ValueError for a cursor that is none."""
    start = _position(after)
    rest = sorted((record for record in records if position(record) > start), key=position)
    if limit is None or len(rest) <= limit:
        return Page(tuple(rest), unreadable=unreadable)
    when, record_id = position(rest[limit - 1])
    return Page(tuple(rest[:limit]), f"{when!r}|{record_id}", unreadable)


async def enough[T](
    fetch: Callable[[int | None], Awaitable[Fetched[T]]],
    position: Callable[[T], Position],
    limit: int | None,
    after: str | None,
) -> Fetched[T]:
    """Fetch what a page needs, and all records of its last instant: an index orders those as it likes."""
    size = None if limit is None else limit + 1
    start = _position(after)
    while True:
        fetched = await fetch(size)
        fresh = sorted(place for place in map(position, fetched.records) if place > start)
        if size is None or limit is None or fetched.is_all:
            return fetched
        if len(fresh) > limit and fresh[limit - 1][0] < fresh[-1][0]:
            return fetched
        size *= 2


def is_cursor(text: str) -> bool:
    """Whether a list could have given it out."""
    try:
        return bool(_position(text))
    except ValueError:
        return False


def _position(cursor: str | None) -> Position:
    if cursor is None:
        return float("-inf"), ""
    when, _, record_id = cursor.partition("|")
    try:
        position = float(when)
    except ValueError as error:
        raise ValueError("not a cursor of this list") from error
    if not abs(position) < _END_OF_TIME:
        raise ValueError("not a cursor of this list")
    return position, record_id
