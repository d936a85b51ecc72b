"""The REST application: the same routes in the server and in the Lambda."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI
from loguru import logger

from api import envelope
from api.access import Access
from api.appointments import appointment_routes
from api.call_export import call_export_routes
from api.callbacks import callback_routes
from api.calls import CallQueries, LiveCalls, NoCalls, Prices, call_routes
from api.compression import Compressed
from api.customers import customer_routes
from api.description import describe
from api.doctors import doctor_routes
from api.facts import facts_routes
from api.limits import RateLimit
from api.me import me_routes
from api.methods import HeadAsGet
from api.middleware import SecurityMiddleware
from api.orders import order_routes
from api.proxy import Proxied
from api.stats import stats_routes
from api.webhooks import webhook_routes
from common.settings import Settings
from common.times import Clock, utcnow
from data.recordings import Recordings
from data.store import Store

STAGE = "/demo"  # the original client's address ends in it


def guard(app: FastAPI, settings: Settings, access: Access | None = None, signed_folders: Sequence[str] = ()) -> None:
    """Put the security middleware in front of an application, its errors into the envelope, and its description in
    order."""
    access = access or Access.from_settings(settings, signed_folders)
    if access.open_mode:
        logger.warning("no ADMIN_API_KEYS: everybody on this machine may use the REST API")
    if access.open_read:
        logger.warning("ADMIN_OPEN_READ: orders and appointments are given to everybody who can reach this server")
    app.add_middleware(Compressed)
    app.add_middleware(HeadAsGet, webhooks=tuple(signed_folders))
    app.add_middleware(
        SecurityMiddleware,
        access=access,
        limit=RateLimit(settings.rate_limit_per_minute),
        https=settings.is_public,
    )
    if settings.trusted_proxies:
        app.add_middleware(Proxied, hops=settings.trusted_proxies)
    envelope.install(app)
    describe(app)


def mount(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Serve routes under / and, for the original client, under /demo."""
    for router in routers:
        app.include_router(router)
        app.include_router(router, prefix=STAGE, include_in_schema=False)


def record_routers(
    settings: Settings, store: Store, calls: LiveCalls | None = None, clock: Clock = utcnow
) -> list[APIRouter]:
    """Return the routes that need nothing but the store."""
    queries = CallQueries(store, Recordings.of(settings), prices(settings), calls or NoCalls())
    return [
        order_routes(store, clock),
        appointment_routes(store, clock),
        call_routes(queries),
        call_export_routes(queries),
        stats_routes(store, queries.prices, clock),
        customer_routes(queries),
        callback_routes(store),
        doctor_routes(store),
        facts_routes(store, clock),
        me_routes(),
        webhook_routes(store),
    ]


def prices(settings: Settings) -> Prices:
    return Prices(
        settings.price_input_speech,
        settings.price_output_speech,
        settings.price_input_text,
        settings.price_output_text,
        settings.price_phone_minute,
    )
