"""The original's envelope, for what was found and for everything that can go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.methods import allowed
from common import metrics
from data.errors import Conflict, RuleBroken, SlotTaken, Unavailable
from data.records import record_types
from data.slices import sliced

_VERBS = {"GET": "retrieve", "HEAD": "retrieve", "POST": "create", "PUT": "update", "DELETE": "delete"}


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, error: str, message: str, **extra: Any) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.message = message
        self.extra = extra


class NotFound(ApiError):
    def __init__(self, noun: str, record_id: str) -> None:
        super().__init__(404, f"{noun} not found", f"{noun} with ID {record_id} was not found")


class BadRequest(ApiError):
    def __init__(self, message: str) -> None:
        super().__init__(400, "Bad request", message)


class Json(JSONResponse):
    """As `encoded` has it."""

    def render(self, content: Any) -> bytes:
        return encoded(content)


def encoded(content: Any) -> bytes:
    """A text that no encoding takes breaks no answer: `?` stands for half of a surrogate pair."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")


async def encoded_list[T](records: Iterable[T], show: Callable[[T], Any]) -> bytes:
    """The JSON of many records, made in steps that hold up no call."""
    return b"[" + b",".join([encoded(show(record)) async for record in sliced(records)]) + b"]"


def enveloped(data: bytes, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """`success` of what is JSON already."""
    body = b'{"success":true,"data":' + data + b',"message":' + encoded(message) + b"}"
    return Response(body, headers=headers, media_type="application/json")


def success(data: Any, message: str, headers: Mapping[str, str] | None = None, status: int = 200) -> JSONResponse:
    return Json({"success": True, "data": data, "message": message}, status, headers)


def retrieved(noun: str, count: int, unreadable: int, *, truncated: bool = False) -> str:
    """The message of a list, which says so where some of it cannot be read, and where more follows that nobody
    knows of who has not asked for a page."""
    said = f"Retrieved {count} {noun} successfully"
    if truncated:
        said += "; truncated: the rest follows page by page, `X-Next-Cursor` goes into `cursor`"
    if not unreadable:
        return said
    metrics.UNREADABLE.add(unreadable)
    return f"{said}; {unreadable} more cannot be read, `carlos doctor` names them"


def failure(status: int, error: str, message: str, **extra: Any) -> JSONResponse:
    return Json({"success": False, "error": error, "message": message, **extra}, status)


def failed_to(method: str, path: str) -> str:
    """What a 500 says, as the original said it: `Failed to retrieve orders`."""
    parts = [part for part in path.removeprefix("/demo").split("/") if part]
    own = {"calls", "callbacks", "customers", "doctors", "facts", "stats", "webhooks"}
    nouns = own | {record_type.nouns for record_type in record_types()}
    noun = parts[0] if parts and parts[0] in nouns else "page"
    one = noun.removesuffix("s") if len(parts) > 1 or method == "POST" else noun
    return f"Failed to {_VERBS.get(method, 'answer')} {one}"


def install(app: FastAPI) -> None:
    """Answer every error in the envelope."""

    async def api_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)  # noqa: S101 - it is registered for that
        return failure(error.status, error.error, error.message, **error.extra)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        faults = [_fault(each) for each in error.errors()]
        in_body = any(each["loc"][:1] == ("body",) for each in error.errors())
        told = "; ".join(f"{fault['key']}: {fault['wrong']}" for fault in faults)
        return failure(422 if in_body else 400, "Invalid request", told, faults=faults)

    async def rule_broken(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RuleBroken)  # noqa: S101
        return failure(422, "Not allowed", error.sentence, code=error.code)

    async def slot_taken(request: Request, error: Exception) -> JSONResponse:
        return failure(409, "Slot taken", "Another appointment holds that time", code="slot_taken")

    async def conflict(request: Request, error: Exception) -> JSONResponse:
        return failure(409, "Conflict", "The record has changed since it was read; read it again", code="conflict")

    async def unavailable(request: Request, error: Exception) -> JSONResponse:
        return failure(503, "Service unavailable", failed_to(request.method, request.url.path))

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        if error.status_code not in (404, 405):
            title = "Payload too large" if error.status_code == 413 else "Bad request"
            return failure(error.status_code, title, str(error.detail))
        message = "Endpoint not found" if error.status_code == 404 else "Method not allowed"
        body = {"message": message, "path": request.url.path, "method": request.method}
        headers = {"Allow": allowed(request.scope)} if error.status_code == 405 else error.headers
        return JSONResponse(body, error.status_code, headers)

    for kind, handler in (
        (ApiError, api_error),
        (RequestValidationError, invalid),
        (RuleBroken, rule_broken),
        (SlotTaken, slot_taken),
        (Conflict, conflict),
        (Unavailable, unavailable),
        (HTTPException, http_error),
    ):
        app.add_exception_handler(kind, handler)


def _fault(each: Any) -> dict[str, Any]:
    """Where, what, and pydantic's word for it; never the value: it may be personal."""
    where = ".".join(str(part) for part in each["loc"][1:]) or str(each["loc"][0])
    return {"key": where, "wrong": each["msg"], "code": each["type"]}
