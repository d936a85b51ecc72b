"""Where stores come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from carlos.settings import Settings
from data.sqlite import SqliteBackend
from data.store import Store
from data.tables import TableName
from data.times import Clock, utcnow

SQLITE_FILE = "carlos.db"


async def open_store(settings: Settings) -> Store:
    """The store that the settings name. Raises Unavailable."""
    if settings.store == "sqlite":
        return await open_sqlite(settings.carlos_home / SQLITE_FILE)
    names = {
        TableName.ORDERS: settings.orders_table,
        TableName.APPOINTMENTS: settings.appointments_table,
        TableName.CALLS: settings.calls_table,
    }
    return await open_dynamodb(names, region=settings.aws_default_region, endpoint=settings.dynamodb_endpoint)


async def open_sqlite(path: Path, clock: Clock = utcnow) -> Store:
    return Store(await SqliteBackend.open(path, clock), clock)


async def open_dynamodb(
    tables: Mapping[TableName, str],
    *,
    region: str,
    endpoint: str | None = None,
    credentials: tuple[str, str] | None = None,
    clock: Clock = utcnow,
) -> Store:
    """Credentials come from the AWS chain unless given. botocore is loaded here and not before: it is slow."""
    from data.dynamo import DynamoBackend

    backend = await DynamoBackend.open(tables, region=region, endpoint=endpoint, credentials=credentials)
    return Store(backend, clock)
