"""The console over a store of a test's own, without calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from agent.active_calls import ActiveCalls
from api.application import guard, mount, record_routers
from api.console import console_routes
from api.live import live_routes
from common.settings import Settings
from data.store import Store
from tests.support.servers import free_port, loopback, serving


@dataclass(frozen=True, slots=True)
class Desk:
    store: Store
    url: str


@asynccontextmanager
async def desk_over(store: Store, home: Path) -> AsyncIterator[Desk]:
    """Serve the console and its REST API; the store is closed at the end."""
    port = free_port()
    settings = Settings(_env_file=None, carlos_home=home, rate_limit_per_minute=100_000)
    app = FastAPI(docs_url=None, redoc_url=None)
    mount(app, [live_routes(ActiveCalls(1)), *record_routers(settings, store)])
    app.include_router(console_routes(""))
    guard(app, settings)
    with loopback(port) as listener:
        async with serving(app, listener):
            yield Desk(store, f"http://localhost:{port}")
    await store.close()
