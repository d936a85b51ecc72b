"""Call records and live calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, StreamingResponse

from agent.record import CallLog
from agent.switchboard import Switchboard
from data.models import CallRecord
from data.store import Store


def call_routes(switchboard: Switchboard, store: Store) -> APIRouter:
    """`/calls/{id}` and its live events."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get("/{call_id}")
    async def get_call(call_id: str) -> JSONResponse:
        log = switchboard.log_of(call_id)
        record = log.record() if log else await store.call(call_id)
        if record is None:
            return _not_found(call_id)
        return JSONResponse({"success": True, "data": call_json(record), "message": "Call retrieved successfully"})

    @router.get("/{call_id}/events", response_model=None)
    async def follow_call(call_id: str) -> StreamingResponse | JSONResponse:
        log = switchboard.log_of(call_id)
        if log is None:
            return _not_found(call_id)
        return StreamingResponse(_events(log), media_type="text/event-stream")

    return router


async def _events(log: CallLog) -> AsyncIterator[str]:
    async for happening in log.follow():
        yield f"data: {json.dumps(happening, ensure_ascii=False)}\n\n"


def _not_found(call_id: str) -> JSONResponse:
    body = {"success": False, "error": "Call not found", "message": f"Call with ID {call_id} was not found"}
    return JSONResponse(body, status_code=404)


def call_json(record: CallRecord) -> dict[str, Any]:
    """A call record as JSON; times are UTC ISO strings, `at_ms` counts from the call's start."""

    def at_ms(moment: datetime) -> int:
        return int((moment - record.started_at).total_seconds() * 1000)

    return {
        "id": record.id,
        "line": record.line,
        "callerNumber": record.caller_number,
        "startedAt": _iso(record.started_at),
        "endedAt": _iso(record.ended_at) if record.ended_at else None,
        "outcome": record.outcome,
        "interruptions": record.interruptions,
        "turns": [
            {
                "role": turn.role,
                "text": turn.text,
                "at_ms": at_ms(turn.at),
                "interrupted": turn.interrupted,
                "latency_ms": turn.latency_ms,
            }
            for turn in record.turns
        ],
        "tools": [
            {
                "name": tool.name,
                "arguments": dict(tool.arguments),
                "ok": tool.ok,
                "ms": tool.elapsed_ms,
                "at_ms": at_ms(tool.at),
            }
            for tool in record.tools
        ],
        "details": dict(record.details),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
