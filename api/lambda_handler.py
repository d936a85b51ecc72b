"""The REST API on AWS Lambda behind API Gateway: `handler` answers events of HTTP APIs (2.0) and REST APIs (1.0).

The store is opened by the first request and kept with the process. No call lives here, and nothing that a call
needs is imported: a cold start pays for FastAPI and boto3 only.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

import tools.catalogue  # noqa: F401 - declares the records of the tools' files, which erasing must know
from api.access import Access
from api.application import guard, mount, record_routers
from api.request_log import RequestLog
from common import log
from common.keys import check_entries
from common.settings import Settings
from data.open import open_store


class RecordsApp:
    """An ASGI application that opens its store when it is first asked."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = await _make()
        await self._app(scope, receive, send)


async def _make() -> FastAPI:
    settings = with_secret_keys(Settings())
    log.configure(settings.loglevel)
    access = Access.from_settings(settings)
    access.open_mode = False  # whoever knows the address can reach a Lambda
    store = await open_store(settings)
    app = FastAPI(openapi_url=None)
    mount(app, record_routers(settings, store))
    guard(app, settings, access)
    return app


def with_secret_keys(settings: Settings) -> Settings:
    """Return the settings with the keys that ADMIN_API_KEYS_SECRET names, if it names any. Raise ValueError for keys
    that are not allowed on a server which others reach."""
    keys = settings.admin_api_keys
    if settings.admin_api_keys_secret:
        import boto3

        client = boto3.client("secretsmanager", region_name=settings.aws_default_region)
        text = client.get_secret_value(SecretId=settings.admin_api_keys_secret)["SecretString"]
        keys = tuple(SecretStr(key.strip()) for key in text.split(",") if key.strip())
    check_entries(tuple(key.get_secret_value() for key in keys), hashed=True)
    return settings.model_copy(update={"admin_api_keys": keys})


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event; called by the Lambda runtime."""
    return dict(_adapter()(event, context))


@cache
def _adapter() -> Mangum:
    log.configure("INFO")  # until the settings are read, which may fail
    # One event loop for the process: the store belongs to it. Mangum takes the thread's own.
    asyncio.set_event_loop(asyncio.new_event_loop())
    return Mangum(RequestLog(RecordsApp()), lifespan="off")
