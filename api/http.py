"""What HTTP adds to records: versions as ETags, pages as links, days as time spans."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Header, Path, Query
from starlette.requests import Request

from api.envelope import ApiError, BadRequest
from common.times import BUENOS_AIRES
from data.bounds import FIRST_YEAR, LAST_YEAR
from data.pages import is_cursor

MAX_PAGE_RECORDS = 1000  # orders or appointments on a page, asked for or not: what the original's client draws at once
MOST_CALLS, CALLS_A_PAGE = 500, 100  # calls on a page at most, and unless asked otherwise: each is a whole conversation
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TAG = re.compile(r'(?:W/)?"(\d{1,18})"')

Limit = Annotated[
    int | None, Query(ge=1, le=MAX_PAGE_RECORDS, description=f"Records on a page; {MAX_PAGE_RECORDS} if left out.")
]
CallLimit = Annotated[int, Query(ge=1, le=MOST_CALLS, description="Records on a page.")]
Day = Annotated[str | None, Query(max_length=40, description="A day, `YYYY-MM-DD`.")]
From = Annotated[
    str | None,
    Query(alias="from", max_length=40, examples=["2026-11-01"], description="The first day, `YYYY-MM-DD`."),
]
To = Annotated[
    str | None, Query(max_length=40, examples=["2026-11-30"], description="The last day, which is included.")
]
Cursor = Annotated[str | None, Query(max_length=200, description="From `X-Next-Cursor`, for the page after.")]
# An example of a path's parameter is what a route's own examples are asked with.
RecordId = Annotated[str, Path(description="Its `id`.", examples=["1"])]
CallId = Annotated[str, Path(description="The call's `id`.", examples=["CA0123456789abcdef0123456789abcdef"])]
IfMatch = Annotated[str | None, Header(max_length=200, description='The `ETag` that was read, such as `"3"`.')]


def is_id(text: str) -> bool:
    """Return whether a record could have this id; otherwise the store is not asked."""
    return _ID.fullmatch(text) is not None


def etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def check_match(if_match: str | None, version: int) -> None:
    """Raise ApiError 412 unless the header is absent, `*`, or names this version."""
    if if_match is None or if_match.strip() == "*":
        return
    if str(version) not in _TAG.findall(if_match):
        raise ApiError(
            412,
            "Precondition failed",
            "The record has changed since it was read; read it again",
            code="version_mismatch",
        )


def read_cursor(cursor: str | None) -> str | None:
    """Return the store's own cursor. Raise BadRequest."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError) as error:
        raise BadRequest("cursor: not one of this list") from error
    if not is_cursor(text):
        raise BadRequest("cursor: not one of this list")
    return text


def next_page(request: Request, following: str | None) -> dict[str, str]:
    """Return headers that lead to the next page: the body stays a plain list."""
    if following is None:
        return {}
    cursor = base64.urlsafe_b64encode(following.encode()).decode().rstrip("=")
    query = urlencode({**request.query_params, "cursor": cursor})
    return {"X-Next-Cursor": cursor, "Link": f'<{request.url.path}?{query}>; rel="next"'}


def read_day(name: str, text: str | None) -> date | None:
    """Return the day of `YYYY-MM-DD`, None for an empty text as in the original. Raise BadRequest."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError as error:
        raise BadRequest(f"{name}: must be a day, YYYY-MM-DD") from error
    if len(text) != 10 or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadRequest(f"{name}: must be a day, YYYY-MM-DD, from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def read_days(from_: str | None, to: str | None) -> tuple[date | None, date | None]:
    """Return the first and the last day of a list. Raise BadRequest, also for days in the wrong order."""
    first, last = read_day("from", from_), read_day("to", to)
    if first and last and first > last:
        raise BadRequest("from: must not be later than to")
    return first, last


def begins(day: date | None) -> datetime | None:
    """Return midnight in Buenos Aires; None where no day was asked for."""
    return datetime.combine(day, time(), BUENOS_AIRES) if day else None


def ends(day: date | None) -> datetime | None:
    return begins(day + timedelta(days=1) if day else None)
