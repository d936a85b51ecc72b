"""`/ready` and `/health`, without a server."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest
from fastapi import FastAPI

from agent.active_calls import ActiveCalls
from agent.readiness import GRACE_S, NOT_YET, Part, Readiness
from api.health import health_routes
from tests.support.clocks import Seconds


async def asked(path: str, active_calls: ActiveCalls, readiness: Readiness | None) -> tuple[int, Any]:
    app = FastAPI()
    app.include_router(health_routes(active_calls, readiness))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        answer = await http.get(path)
        return answer.status_code, answer.json()


def proven(clock: Seconds) -> Readiness:
    readiness = Readiness(clock)
    for part in Part:
        readiness.worked(part)
    return readiness


COUNTS = {"calls": 0, "browsers": 0}


async def test_a_server_that_has_looked_at_nothing_is_not_ready_and_is_alive() -> None:
    calls, readiness = ActiveCalls(1), Readiness()
    told = {"status": "not ready", **COUNTS, "store": NOT_YET, "sonic": NOT_YET}
    assert await asked("/ready", calls, readiness) == (503, told)
    assert await asked("/health", calls, readiness) == (200, {"status": "healthy"})


async def test_a_server_whose_parts_work_is_ready() -> None:
    told = {"status": "ready", **COUNTS, "store": "ok", "sonic": "ok"}
    assert await asked("/ready", ActiveCalls(1), proven(Seconds())) == (200, told)


@pytest.mark.parametrize(("part", "status"), [(Part.STORE, 200), (Part.SONIC, 503)])
async def test_what_fails_is_named_and_an_outage_of_the_store_takes_no_calls_away(part: Part, status: int) -> None:
    clock = Seconds()
    readiness = proven(clock)
    readiness.failed(part, "what is wrong")
    clock.now += GRACE_S[Part.SONIC]
    answer, told = await asked("/ready", ActiveCalls(1), readiness)
    assert answer == status
    assert told == {"status": "ready" if status == 200 else "not ready", **COUNTS, "store": "ok", "sonic": "ok"} | {
        part.value: "what is wrong"
    }


async def test_a_server_that_drains_is_not_ready_however_well_its_parts_are() -> None:
    calls = ActiveCalls(1)
    calls.capacity.drain()
    status, told = await asked("/ready", calls, proven(Seconds()))
    assert (status, told["status"]) == (503, "draining")


async def test_a_server_that_needs_nothing_else_is_ready() -> None:
    assert await asked("/ready", ActiveCalls(1), None) == (200, {"status": "ready", **COUNTS})
