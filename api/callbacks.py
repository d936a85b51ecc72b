"""`/callbacks`: callers who asked to be called, for whoever calls them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.envelope import NotFound, encoded_list, enveloped, retrieved, success
from api.http import CALLS_A_PAGE, CallId, CallLimit, Cursor, is_id, next_page, read_cursor
from api.schemas import CallBackEdit, CallBackJson, Found, failures
from common.times import to_iso
from data.callbacks import CallBack, CallBackStatus
from data.store import Store

Status = Annotated[Literal["pending", "done"] | None, Query(description="Those that are to be made, or were.")]


def callback_routes(store: Store) -> APIRouter:
    router = APIRouter(prefix="/callbacks", tags=["callbacks"])

    @router.get("", response_model=Found[list[CallBackJson]], responses=failures())
    async def list_callbacks(
        request: Request, status: Status = None, limit: CallLimit = CALLS_A_PAGE, cursor: Cursor = None
    ) -> Response:
        """Call-backs, newest first."""
        wanted = CallBackStatus(status) if status else None
        page = await store.callbacks(status=wanted, limit=limit, after=read_cursor(cursor))
        message = retrieved("callbacks", len(page.items), page.unreadable)
        return enveloped(await encoded_list(page.items, callback_json), message, next_page(request, page.next))

    @router.put("/{callback_id}", response_model=Found[CallBackJson], responses=failures(404, 409, 422))
    async def update_callback(callback_id: CallId, body: CallBackEdit) -> JSONResponse:
        """Say that a call-back was made, or is to be made again."""
        done = await store.close_callback(callback_id, CallBackStatus(body.status)) if is_id(callback_id) else None
        if done is None:
            raise NotFound("Callback", callback_id)
        return success(callback_json(done), "Callback updated successfully")

    return router


def callback_json(callback: CallBack) -> dict[str, Any]:
    return {
        "id": callback.call_id,
        "phone": callback.phone,
        "about": callback.about,
        "askedAt": to_iso(callback.asked_at),
        "status": callback.status.value,
        "doneAt": to_iso(callback.done_at) if callback.done_at else None,
    }
