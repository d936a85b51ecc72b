"""`/calls.csv`: the calls that a search finds, as a table to open elsewhere (RFC 4180, UTF-8 with a byte order mark, by
which spreadsheets know it)."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.calls import CallQueries, Search, is_masked
from api.schemas import content, failures
from data.slices import sliced

MOST_ROWS = 100_000
_PAGE = 500
_MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute
COLUMNS = (
    "id", "startedAt", "endedAt", "durationSeconds", "line", "callerNumber", "outcome", "disposition", "done", "flags",
    "turnCount", "toolCount", "latencyMs", "faults", "usd",
)  # fmt: skip


def call_export_routes(queries: CallQueries) -> APIRouter:
    router = APIRouter(tags=["calls"])

    @router.get("/calls.csv", response_class=Response, responses=failures() | content("text/csv"))
    async def export_calls(request: Request, search: Search) -> StreamingResponse:
        """The same search as `GET /calls`, all of it (100,000 calls at most), as CSV: a line for each call, the newest
        first. A text that a spreadsheet would take for a formula has an apostrophe before it."""
        masked = is_masked(request)

        async def rows() -> AsyncGenerator[str]:
            yield _MARK + _line(COLUMNS)
            after, left = None, MOST_ROWS
            while left > 0:
                page = await queries.page(search, min(_PAGE, left), after)
                async for some in sliced(page.items):
                    yield _line(_row(queries.listed(some, masked=masked)))
                left, after = left - len(page.items), page.next
                if after is None:
                    return

        headers = {"Content-Disposition": 'attachment; filename="calls.csv"'}
        return StreamingResponse(rows(), media_type="text/csv; charset=utf-8", headers=headers)

    return router


def _row(call: dict[str, Any]) -> list[Any]:
    told = call | {
        "done": " ".join(f"{kind}:{count}" for kind, count in call["done"].items()),
        "flags": " ".join(f"{each['flag']}@{each['at_ms'] // 1000}s" for each in call["flags"]),
        "faults": len(call["details"].get("faults", [])),
        "usd": call["cost"]["usd"],
    }
    return [told[column] for column in COLUMNS]


def _line(values: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_harmless(value) for value in values])
    return out.getvalue()


def _harmless(value: Any) -> Any:
    is_number = isinstance(value, str) and value[:1] == "+" and value[1:].isdigit()  # of a phone
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) and not is_number else value
