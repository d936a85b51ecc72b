"""What a server does once is done before it is ready."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.types import Message

from carlos.app import Services, create_app
from common.settings import Settings
from tests.bench.test_bench_counts import Counted
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def test_the_first_request_costs_little_more_than_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")

    async def works(services: Services) -> None:
        """Nobody is asked over the network."""

    for look in ("look_at_store", "look_at_sonic"):
        monkeypatch.setattr(Services, look, works)
    app = create_app(Settings(_env_file=None, carlos_home=tmp_path, sonic="bedrock", emf_seconds=0))
    async with app.router.lifespan_context(app):
        await until(app.state.services.readiness.may_have_calls)
        first, second = [await cost_of_a_request(app) for _ in range(2)]
    assert first <= 3 * second


async def cost_of_a_request(app: FastAPI) -> int:
    """Python functions entered for `GET /health`."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/health", "raw_path": b"/health", "root_path": ""}
    scope |= {"query_string": b"", "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1)}
    with Counted() as counted:
        await app(scope, receive, send)
    assert sent[0]["status"] == 200
    return counted.calls
