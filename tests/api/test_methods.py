"""HEAD, 405 and `Allow`, on every route that the description has."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from agent.transcript import CallTranscript
from api.description import operations
from api.methods import HeadAsGet
from data.models import Line
from tests.api.rest_stage import CALL_ID, Rest

ASKED = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.mark.slow
async def test_a_405_names_every_method_of_the_path(quick_rest: Rest) -> None:
    described: dict[str, set[str]] = {}
    for path, method, _ in operations(quick_rest.app.openapi()):
        described.setdefault(path, set()).add(method.upper())
    for path in described:
        methods = {each for other, taken in described.items() if fits(path, other) for each in taken}
        if "GET" in methods:
            methods.add("HEAD")
        for stage in ("", "/demo")[: 2 if path.startswith(("/orders", "/calls")) else 1]:
            asked = stage + path.replace("{", "").replace("}", "")
            for method in set(ASKED) - methods:
                answer = await quick_rest.http.request(method, asked)
                assert answer.status_code == 405, (method, asked)
                assert answer.headers["allow"] == ", ".join(sorted(methods)), (method, asked)


def fits(path: str, template: str) -> bool:
    """Whether a path is one of a template's, too: /webhooks/receivers would be one of /webhooks/{webhook_id}."""
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


@pytest.mark.parametrize(
    "path",
    ["/orders", "/orders/1", "/orders/99", "/demo/appointments", "/calls", "/health", "/ready", "/docs", "/nothing"],
)
async def test_head_has_the_status_and_the_headers_of_get_and_no_body(quick_rest: Rest, path: str) -> None:
    got, head = await asyncio.gather(quick_rest.http.get(path), quick_rest.http.head(path))
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert dict(head.headers) == dict(got.headers) or path == "/nothing"


async def test_head_of_events_does_not_follow_the_call(quick_rest: Rest) -> None:
    log = CallTranscript(CALL_ID, Line.PHONE, None)  # it goes on
    quick_rest.active_calls._logs[CALL_ID] = log
    answer = await quick_rest.http.head(f"/calls/{CALL_ID}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert not log.events._followers


async def test_the_server_knows_that_it_answers_a_head_and_a_webhook_is_not_asked_for_one() -> None:
    sent: list[tuple[str, Message]] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["method"])
        await Response(b"body")(scope, receive, send)

    async def send(message: Message) -> None:
        sent.append((scope["method"], message))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    asked: list[str] = []
    for path in ("/orders", "/twilio/voice"):
        scope: dict[str, Any] = {"type": "http", "method": "HEAD", "path": path}
        await HeadAsGet(answer, webhooks=["/twilio/"])(scope, receive, send)
    assert asked == ["GET", "HEAD"]
    assert {method for method, _ in sent} == {"HEAD"}
    assert [message["body"] for _, message in sent[:2] if "body" in message] == [b""]
