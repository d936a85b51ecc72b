"""One look at all that a call needs of the store, on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from bench.stores import fresh_dynamodb
from data.backends.dynamo import DynamoBackend
from data.errors import Unavailable
from data.open import open_dynamodb
from data.reach import reach
from data.store import Store
from data.tables import TableName
from sandbox.ministack import CREDENTIALS, REGION
from tests.tools.conftest import seeded

__all__ = ["seeded"]


@pytest.fixture
async def dynamo(local_aws: Callable[[], str]) -> AsyncIterator[DynamoBackend]:
    async with fresh_dynamodb(local_aws()) as store:
        assert isinstance(store.backend, DynamoBackend)
        yield store.backend


async def test_a_store_is_reached_with_records_and_without(store: Store) -> None:
    await reach(store.backend)


async def test_a_store_with_records_is_reached(seeded: Store) -> None:
    await reach(seeded.backend)


@pytest.mark.ministack
@pytest.mark.parametrize("table", [*TableName])
async def test_a_wrong_name_of_a_table_is_told_by_ours(dynamo: DynamoBackend, table: TableName) -> None:
    wrong = DynamoBackend(dynamo.client, {**dynamo.tables, table: "no-such-table"})
    with pytest.raises(Unavailable, match=f"the table {table} cannot be read .*ResourceNotFoundException"):
        await reach(wrong)
    wrong._threads.shutdown()


@pytest.mark.ministack
async def test_a_table_without_its_indexes_is_told(dynamo: DynamoBackend) -> None:
    """What a release meets whose tables were never changed for it."""
    name = f"{dynamo.tables[TableName.ORDERS]}-bare"
    keys = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
    dynamo.client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each["AttributeName"], "AttributeType": "S"} for each in keys],
        KeySchema=keys,  # type: ignore[arg-type]
    )
    old = DynamoBackend(dynamo.client, {**dynamo.tables, TableName.ORDERS: name})
    try:
        with pytest.raises(Unavailable, match="the index .* of orders cannot be read"):
            await reach(old)
    finally:
        old._threads.shutdown()
        dynamo.client.delete_table(TableName=name)


async def test_a_database_that_is_not_there_is_told() -> None:
    tables = {table: table.value for table in TableName}
    gone = await open_dynamodb(
        tables, region=REGION, endpoint="http://127.0.0.1:9", credentials=CREDENTIALS, timeout_s=0.2
    )
    with pytest.raises(Unavailable, match="the table orders cannot be read"):
        await reach(gone.backend)
    await gone.close()
