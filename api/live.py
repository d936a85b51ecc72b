"""Calls on the line: followed as they happen, and ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response, StreamingResponse

from agent.active_calls import ActiveCalls
from agent.call_events import CallEvent
from agent.transcript import CallTranscript
from api.envelope import ApiError, NotFound, success
from api.http import CallId
from api.schemas import Found, HungUp, content, failures

HEARTBEAT_INTERVAL_S = 15.0


def live_routes(active_calls: ActiveCalls) -> APIRouter:
    """Return the routes that only the process that holds a call can answer."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get(
        "/{call_id}/events",
        response_class=Response,
        responses=failures(404) | content("text/event-stream"),
    )
    async def follow_call(call_id: CallId) -> StreamingResponse:
        """Server-sent events of one call, from its beginning to its end: JSON objects with `type` and `at_ms`."""
        log = active_calls.log_of(call_id)
        if log is None:
            raise NotFound("Call", call_id)
        return StreamingResponse(events(log), media_type="text/event-stream")

    @router.post("/{call_id}/hangup", response_model=Found[HungUp], responses=failures(404, 409))
    async def hang_up(call_id: CallId) -> JSONResponse:
        """End a call at once."""
        call = active_calls.live.get(call_id)
        if call is None:
            if active_calls.log_of(call_id) is None:
                raise NotFound("Call", call_id)
            raise ApiError(409, "Call over", "The call has ended already", code="call_over")
        await call.hang_up("closed")
        return success({"id": call_id}, "Call hung up successfully")

    return router


async def events(log: CallTranscript, heartbeat_s: float = HEARTBEAT_INTERVAL_S) -> AsyncGenerator[str]:
    """The call's happenings as server-sent events, and a comment whenever nothing has happened for a while: proxies
    close what is quiet for a minute (nginx) or five (AWS)."""
    events = log.events.follow()
    coming: asyncio.Task[CallEvent] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming}, timeout=heartbeat_s)
            if not done:
                yield ":\n\n"
                continue
            event, coming = coming.result(), None
            yield f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
    except StopAsyncIteration:
        return
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await events.aclose()
