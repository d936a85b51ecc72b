"""One line for a request, with how long it took, and without anything of whom it was about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from loguru import logger
from starlette.types import Message

from api.request_log import RequestLog

type Line = dict[str, Any]


@dataclass
class Seconds:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    seen: list[Line] = []
    handler = logger.add(lambda line: seen.append({"message": line.record["message"], **line.record["extra"]}))
    yield seen
    logger.remove(handler)


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def app(clock: Seconds) -> RequestLog:
    routes = FastAPI()

    @routes.get("/orders/{order_id}")
    async def order(order_id: str) -> dict[str, str]:
        clock.now += 0.0254
        return {}

    @routes.get("/broken")
    async def broken() -> None:
        raise LookupError("28.456.789")

    return RequestLog(routes, clock)


@dataclass
class Context:
    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e812345678"


async def ask(app: RequestLog, path: str, method: str = "GET", aws: Line | None = None) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": ""}
    await app(scope | {"query_string": b"email=ana@example.com", "headers": []} | (aws or {}), receive, send)
    return sent


async def test_a_request_is_told_by_its_route_with_both_of_its_ids(app: RequestLog, lines: list[Line]) -> None:
    event = {"requestContext": {"requestId": "JKJaXmPLvHcESHA="}}
    await ask(app, "/orders/28456789", aws={"aws.event": event, "aws.context": Context()})
    assert lines == [
        {
            "message": "GET /orders/{order_id} 200",
            "event": "request",
            "method": "GET",
            "route": "/orders/{order_id}",
            "status": 200,
            "ms": 25.4,
            "request": "JKJaXmPLvHcESHA=",
            "invocation": Context.aws_request_id,
        }
    ]


@pytest.mark.parametrize("path", ["/customers/ana@example.com", "/", "/orders/1/2"])
async def test_what_has_no_route_is_not_told(app: RequestLog, lines: list[Line], path: str) -> None:
    await ask(app, path)
    (line,) = lines
    assert line == {
        "message": "GET (no route) 404",
        "event": "request",
        "method": "GET",
        "route": "(no route)",
        "status": 404,
        "ms": 0.0,
    }


async def test_a_method_that_somebody_made_up_is_not_told(app: RequestLog, lines: list[Line]) -> None:
    await ask(app, "/orders/1", method="DNI-28456789")
    (line,) = lines
    assert (line["method"], line["status"]) == ("other", 405)


async def test_what_fails_is_told_as_well(app: RequestLog, lines: list[Line]) -> None:
    with pytest.raises(LookupError):
        await ask(app, "/broken", aws={"aws.context": None})
    assert [(line["route"], line["status"]) for line in lines] == [("/broken", 500)]
