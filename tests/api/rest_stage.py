"""The REST application on a store, without a server, and the real one behind it where a test needs it.

To put an application together takes longer than most tests do with it. It keeps nothing of what it serves, so those
with the settings of most tests are put together once, and lent to one test after another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import httpx2 as httpx
from fastapi import FastAPI
from pydantic import SecretStr

from agent.active_calls import ActiveCalls
from api.application import guard, mount, record_routers
from api.docs_page import docs_routes
from api.health import health_routes, metrics_routes
from api.line import line_routes
from api.live import live_routes
from common.settings import Settings
from common.times import BUENOS_AIRES, Clock
from data.models import CallRecord, Line, ToolCall, Turn
from data.store import Store
from tests.support.seeded import fill

KEYS = {"reader": "read", "writer": "read+write", "operator": "read+write+calls"}
CALL_ID = "CA" + "7" * 32
PEOPLE = {
    "transfer_targets": "+541150310001|turnos|lun-vie 9-18; sip:guardia@clinica.example|*|24h",
    "transfer_mode": "cold",
}
LENT: tuple[Mapping[str, Any], ...] = ({}, PEOPLE)  # changes of settings that leave an application without a memory


def key_of(name: str) -> dict[str, str]:
    return {"X-Api-Key": f"a-key-of-{name}"}


def rest_settings(home: Path, **changes: Any) -> Settings:
    keys = tuple(SecretStr(f"{name}:{scopes}:a-key-of-{name}") for name, scopes in KEYS.items())
    made: dict[str, Any] = {"carlos_home": home, "admin_api_keys": keys, "rate_limit_per_minute": 100_000}
    return Settings(_env_file=None, **(made | changes))


def rest_app(settings: Settings, store: Store, active_calls: ActiveCalls, clock: Clock) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    mount(app, [live_routes(active_calls), *record_routers(settings, store, active_calls, clock)])
    mount(app, [line_routes(settings, store, clock)])
    for router in (metrics_routes(), docs_routes(), health_routes(active_calls)):
        app.include_router(router)
    guard(app, settings)
    return app


class Present:
    """Stands for what the test at hand has of a kind."""

    def __init__(self) -> None:
        self.here: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.here, name)


class LentApplication:
    """One that is put together for whatever store, calls and clock there will be. `home` is a link to the test's."""

    def __init__(self, home: Path, changes: Mapping[str, Any]) -> None:
        self._home = home
        self._store, self._calls, self._clock = Present(), Present(), Present()
        self.settings = rest_settings(home, **changes)
        store, calls = cast(Store, self._store), cast(ActiveCalls, self._calls)
        self.app = rest_app(self.settings, store, calls, lambda: self._clock.here())

    def lend(self, store: Store, home: Path, active_calls: ActiveCalls, clock: Clock) -> None:
        self._store.here, self._calls.here, self._clock.here = store, active_calls, clock
        self._home.unlink(missing_ok=True)
        self._home.symlink_to(home)


_idle: defaultdict[str, list[LentApplication]] = defaultdict(list)  # by their changes of settings
_numbers = count(1)


@contextmanager
def _application(
    store: Store, home: Path, active_calls: ActiveCalls, clock: Clock, changes: Mapping[str, Any]
) -> Iterator[tuple[Settings, FastAPI]]:
    if changes not in LENT:
        settings = rest_settings(home, **changes)
        yield settings, rest_app(settings, store, active_calls, clock)
        return
    idle = _idle[repr(changes)]
    lent = idle.pop() if idle else LentApplication(home.parent / f"home-{next(_numbers)}", changes)
    lent.lend(store, home, active_calls, clock)
    try:
        yield lent.settings, lent.app
    finally:
        idle.append(lent)


@dataclass
class Rest:
    """`get`, `post`, ... with everybody's key; `anonymous` has none."""

    http: httpx.AsyncClient
    anonymous: httpx.AsyncClient
    store: Store
    active_calls: ActiveCalls
    settings: Settings
    app: FastAPI


@asynccontextmanager
async def serving(store: Store, home: Path, clock: Clock, **changes: Any) -> AsyncIterator[Rest]:
    active_calls = ActiveCalls(4)
    base = "http://localhost:8081"
    with _application(store, home, active_calls, clock, changes) as (settings, app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=transport, base_url=base, headers=key_of("operator")) as http,
            httpx.AsyncClient(transport=transport, base_url=base) as anonymous,
        ):
            yield Rest(http, anonymous, store, active_calls, settings, app)


async def seeded(store: Store, clock: Callable[[], datetime]) -> Store:
    return await fill(store, clock().astimezone(BUENOS_AIRES).date())


def call_record(**changes: Any) -> CallRecord:
    """A call in which somebody said who they are."""
    began = datetime(2026, 11, 23, 14, tzinfo=UTC)
    made: dict[str, Any] = {
        "id": CALL_ID,
        "line": Line.PHONE,
        "started_at": began,
        "caller_number": "+5491155550101",
        "ended_at": began + timedelta(seconds=60),
        "outcome": "completed",
        "turns": (
            Turn("carlos", "Hola, soy Carlos.", began + timedelta(seconds=1)),
            Turn("caller", "Soy María González, DNI 28.456.789", began + timedelta(seconds=3)),
            Turn(
                "carlos",
                "Gracias, María. Tu",
                began + timedelta(seconds=5),
                interrupted=True,
                latency_ms=740,
                sonic_end_ms=720,
                sonic_detected_ms=90,
            ),
        ),
        "tools": (
            ToolCall(
                "consultarOrder",
                "tool-1",
                ok=True,
                elapsed_ms=4,
                at=began + timedelta(seconds=4),
                arguments={"orderId": "1", "dni": "28456789", "customerName": "María González"},
                result={"success": True, "order": {"id": "1", "customerEmail": "maria.gonzalez@email.com"}},
            ),
        ),
        "interruptions": 1,
        "details": {"usage": {"input_speech": 1_000_000, "output_speech": 1_000_000}, "faults": []},
    }
    return CallRecord(**(made | changes))
