"""Calls on the line: followed as they happen, and ended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response, StreamingResponse

from agent.record import CallLog
from agent.switchboard import Switchboard
from api.envelope import ApiError, NotFound, success
from api.schemas import content, failures


def live_routes(switchboard: Switchboard) -> APIRouter:
    """What only the process that holds a call can do."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get(
        "/{call_id}/events",
        response_class=Response,
        responses=failures(404) | content("text/event-stream"),
    )
    async def follow_call(call_id: str) -> StreamingResponse:
        """Server-sent events of one call, from its beginning to its end: JSON objects with `type` and `at_ms`."""
        log = switchboard.log_of(call_id)
        if log is None:
            raise NotFound("Call", call_id)
        return StreamingResponse(_events(log), media_type="text/event-stream")

    @router.post("/{call_id}/hangup", responses=failures(404, 409))
    async def hang_up(call_id: str) -> JSONResponse:
        """End a call at once."""
        call = switchboard.live.get(call_id)
        if call is None:
            if switchboard.log_of(call_id) is None:
                raise NotFound("Call", call_id)
            raise ApiError(409, "Call over", "The call has ended already", code="call_over")
        await call.hang_up("closed")
        return success({"id": call_id}, "Call hung up successfully")

    return router


async def _events(log: CallLog) -> AsyncIterator[str]:
    async for happening in log.follow():
        yield f"data: {json.dumps(happening, ensure_ascii=False)}\n\n"
