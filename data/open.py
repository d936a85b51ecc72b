"""Where stores come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from common.settings import Settings
from common.times import Clock, utcnow
from data.backends.sqlite import SqliteBackend
from data.kept_facts import FILE as FACTS_FILE
from data.store import KEEP_CALLS, Store
from data.tables import TableName
from data.webhooks import Receiver

SQLITE_FILE = "carlos.db"


async def open_store(settings: Settings) -> Store:
    """Return the store that the settings name, which notes what webhooks tell of. Raise Unavailable."""
    store = await _open(settings)
    store.webhooks.receivers = tuple(map(Receiver, settings.webhook_urls))
    store.webhooks.wanted = settings.webhook_events
    return store


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The same for as long as a command takes."""
    store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


async def _open(settings: Settings) -> Store:
    keep_calls = timedelta(days=settings.keep_calls_days)
    if settings.store == "sqlite":
        return await open_sqlite(settings.carlos_home / SQLITE_FILE, keep_calls=keep_calls)
    names = {
        TableName.ORDERS: settings.orders_table,
        TableName.APPOINTMENTS: settings.appointments_table,
        TableName.CALLS: settings.calls_table,
    }
    return await open_dynamodb(
        names,
        region=settings.aws_default_region,
        endpoint=settings.dynamodb_endpoint,
        keep_calls=keep_calls,
    )


async def open_sqlite(path: Path, clock: Clock = utcnow, *, keep_calls: timedelta = KEEP_CALLS) -> Store:
    """Return a store on the file, with the facts of the business beside it."""
    return Store(await SqliteBackend.open(path, clock), clock, keep_calls, path.parent / FACTS_FILE)


async def open_dynamodb(
    tables: Mapping[TableName, str],
    *,
    region: str,
    endpoint: str | None = None,
    credentials: tuple[str, str] | None = None,
    timeout_s: float | None = None,
    clock: Clock = utcnow,
    keep_calls: timedelta = KEEP_CALLS,
) -> Store:
    """Return a store on DynamoDB. Credentials come from the AWS chain unless given. botocore is imported here and not
    before: it is slow."""
    from data.backends.dynamo import DynamoBackend

    backend = await DynamoBackend.open(
        tables, region=region, endpoint=endpoint, credentials=credentials, timeout_s=timeout_s
    )
    return Store(backend, clock, keep_calls)
