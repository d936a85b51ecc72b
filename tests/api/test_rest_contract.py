"""The running server held to its own OpenAPI, on both stores: no 5xx, no breach of the schema."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from agent.active_calls import ActiveCalls
from api.openapi import described, markdown
from bench.stores import fresh_dynamodb, fresh_sqlite
from common.times import utcnow
from data.store import Store
from sandbox.hang import HANG_S
from tests.api.rest_stage import call_record, key_of, rest_app, rest_settings, seeded
from tests.conftest import STORES
from tests.support.servers import loopback, serving

pytestmark = pytest.mark.slow

EXAMPLES = 5  # of each operation and mode
load_all_checks()
CHOSEN: list[Any] = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "negative_data_rejection",
    )
]


class RunningServer:
    """uvicorn on a free port, on a loop and a thread of its own."""

    def __init__(self, store: AbstractAsyncContextManager[Store], home: Path) -> None:
        self._store = store
        self._home = home
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._up.wait(HANG_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        async with self._store as store:
            await seeded(store, utcnow)
            await store.save_call(call_record())
            app = rest_app(rest_settings(self._home), store, ActiveCalls(1), utcnow)
            with loopback() as listener:
                self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                async with serving(app, listener):
                    self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
                    self._up.set()
                    await self._over.wait()


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.ministack] * (name != "sqlite")) for name in STORES],
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, local_aws: Callable[[], str]
) -> Iterator[RunningServer]:
    home = tmp_path_factory.mktemp("contract")
    made = RunningServer(fresh_sqlite(home) if request.param == "sqlite" else fresh_dynamodb(local_aws()), home)
    yield made
    made.stop()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_no_request_breaks_the_contract(server: RunningServer, mode: GenerationMode) -> None:
    openapi = httpx.get(f"{server.url}/openapi.json", headers=key_of("operator")).json()
    schema = schemathesis.openapi.from_dict(openapi)
    schema.config.update(base_url=server.url)
    tried = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # nothing can be wrong with it
        tried.append(operation.label)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def hold(case: schemathesis.Case[Any]) -> None:
            response = case.call(headers=key_of("operator"), timeout=HANG_S)
            case.validate_response(response, checks=CHOSEN)

        hold()
    assert len(tried) >= 9


def test_the_written_reference_is_what_the_code_says() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "api.md"
    assert page.read_text() == markdown(described().openapi()) + "\n", "python -m api.openapi > docs/api.md"
