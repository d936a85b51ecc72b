"""DynamoDB on a bad day: throttling, conflicts, lost answers, pages, and an endpoint that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from bench.stores import fresh_dynamodb, fresh_tables
from common.times import BUENOS_AIRES
from data.backends.base import Absent, ConditionFailed, Put
from data.backends.dynamo import DynamoBackend
from data.errors import Unavailable
from data.models import Order, OrderItem, OrderStatus
from data.open import open_dynamodb
from data.records import TABLES
from data.store import Change, IdempotencyRecord, Store
from data.tables import TableName, create_request
from sandbox.ministack import CREDENTIALS, REGION

pytestmark = pytest.mark.ministack

NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
ORDER = Order("1", "Ana Ruiz", "ana@email.com", (OrderItem("Mouse", 1, 100),), OrderStatus.PENDING, NOON, NOON)
RECEIPT = IdempotencyRecord("CA1", "use-1", "crearOrder:f", {"orderId": "1"})


@pytest.fixture
async def dynamo(local_aws: Callable[[], str]) -> AsyncIterator[Store]:
    async with fresh_dynamodb(local_aws()) as store:
        yield store


class Faults:
    """Stands before one operation of the client and has it fail now and then; counts what was asked."""

    def __init__(self, store: Store, operation: str, *faults: Exception, after: bool = False) -> None:
        assert isinstance(store.backend, DynamoBackend)
        self._real = getattr(store.backend.client, operation)
        self._faults = list(faults)
        self._after = after
        self.tokens: list[str] = []
        setattr(store.backend.client, operation, self)

    def __call__(self, **request: Any) -> Any:
        self.tokens.append(request.get("ClientRequestToken", ""))
        fault = self._faults.pop(0) if self._faults else None
        answer = self._real(**request) if fault is None or self._after else None
        if fault is not None:
            raise fault
        return answer


def refused(code: str, *reasons: str, operation: str = "TransactWriteItems") -> ClientError:
    body: Any = {"Error": {"Code": code, "Message": ""}}
    if reasons:
        body["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(body, operation)


def timed_out() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://dynamodb")


@pytest.mark.parametrize(
    "fault",
    [
        refused("TransactionCanceledException", "None", "TransactionConflict"),
        refused("TransactionCanceledException", "ThrottlingError", "None"),
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("TransactionInProgressException"),
    ],
)
async def test_throttling_and_conflicts_are_tried_again(dynamo: Store, fault: ClientError) -> None:
    faults = Faults(dynamo, "transact_write_items", fault, fault)
    assert await dynamo.commit(Change(None, ORDER), RECEIPT) == RECEIPT
    assert len(faults.tokens) == len(set(faults.tokens)) == 3


async def test_endless_throttling_is_unavailable_and_nothing_is_written(dynamo: Store) -> None:
    Faults(dynamo, "transact_write_items", *[refused("ThrottlingException")] * 99)
    with pytest.raises(Unavailable):
        await dynamo.commit(Change(None, ORDER), RECEIPT)
    assert await dynamo.order("1") is None


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"])
async def test_what_trying_again_cannot_mend_is_unavailable_at_once(dynamo: Store, code: str) -> None:
    faults = Faults(dynamo, "transact_write_items", refused(code))
    with pytest.raises(Unavailable, match=code):
        await dynamo.commit(Change(None, ORDER), RECEIPT)
    assert len(faults.tokens) == 1


async def test_a_time_out_after_the_write_is_found_to_be_done(dynamo: Store) -> None:
    Faults(dynamo, "transact_write_items", timed_out(), after=True)
    assert await dynamo.commit(Change(None, ORDER), RECEIPT) == RECEIPT
    assert await dynamo.order("1") is not None


async def test_a_time_out_before_the_write_is_unavailable_and_can_be_done_again(dynamo: Store) -> None:
    Faults(dynamo, "transact_write_items", timed_out())
    with pytest.raises(Unavailable):
        await dynamo.commit(Change(None, ORDER), RECEIPT)
    assert await dynamo.commit(Change(None, ORDER), RECEIPT) == RECEIPT


async def test_botocores_own_retry_carries_the_same_token(dynamo: Store) -> None:
    """What makes a retry after a lost answer harmless: one token for all attempts of one call."""
    tokens: list[bytes] = []

    def lose_first(request: Any, **_: Any) -> None:
        tokens.append(request.body)
        if len(tokens) == 1:
            raise timed_out()

    assert isinstance(dynamo.backend, DynamoBackend)
    dynamo.backend.client.meta.events.register("before-send.dynamodb.TransactWriteItems", lose_first)
    await dynamo.commit(Change(None, ORDER), RECEIPT)
    assert len(tokens) == 2
    assert tokens[0] == tokens[1]


async def test_the_same_token_again_writes_nothing_twice(dynamo: Store) -> None:
    assert isinstance(dynamo.backend, DynamoBackend)
    backend, request = dynamo.backend, [Put(TableName.CALLS, {"PK": "a", "SK": "b"}, Absent())]
    items = [backend._transact_item(write) for write in request]
    for _ in range(2):
        backend.client.transact_write_items(TransactItems=items, ClientRequestToken="one-token")  # type: ignore[arg-type]


async def test_a_query_reads_every_page(dynamo: Store) -> None:
    """Three megabytes under one key: DynamoDB answers at most one at a time."""
    items = [{"PK": "P", "SK": f"{n:03d}", "pad": "x" * 30_000} for n in range(100)]
    await dynamo.backend.replace(TableName.CALLS, items, [])
    found = await dynamo.backend.query(TableName.CALLS, "P")
    assert [item["SK"] for item in found] == [item["SK"] for item in items]
    assert len(await dynamo.backend.query(TableName.CALLS, "P", limit=70)) == 70
    newest = await dynamo.backend.query(TableName.CALLS, "P", descending=True, limit=2)
    assert [item["SK"] for item in newest] == ["099", "098"]


async def test_items_that_are_left_unprocessed_are_written_again(dynamo: Store) -> None:
    assert isinstance(dynamo.backend, DynamoBackend)
    real, asked = dynamo.backend.client.batch_write_item, []

    def partly(**request: Any) -> Any:
        asked.append(request)
        ((name, batch),) = request["RequestItems"].items()
        if len(asked) > 1:
            return real(**request)
        real(RequestItems={name: batch[:10]})
        return {"UnprocessedItems": {name: batch[10:]}}

    dynamo.backend.client.batch_write_item = partly  # type: ignore[method-assign]
    await dynamo.backend.replace(TableName.CALLS, [{"PK": "P", "SK": f"{n:02d}"} for n in range(40)], [])
    assert len(await dynamo.backend.query(TableName.CALLS, "P")) == 40


async def test_keys_that_are_left_unprocessed_are_read_again(dynamo: Store) -> None:
    assert isinstance(dynamo.backend, DynamoBackend)
    await dynamo.backend.replace(TableName.CALLS, [{"PK": f"P{n}", "SK": "S"} for n in range(4)], [])
    real: Any = dynamo.backend.client.batch_get_item
    asked: list[Any] = []

    def half(**request: Any) -> Any:
        asked.append(request)
        ((name, wanted),) = request["RequestItems"].items()
        if len(asked) > 1:
            return real(**request)
        answer: Any = real(RequestItems={name: {**wanted, "Keys": wanted["Keys"][:2]}})
        return answer | {"UnprocessedKeys": {name: {**wanted, "Keys": wanted["Keys"][2:]}}}

    dynamo.backend.client.batch_get_item = half  # type: ignore[method-assign]
    found = await dynamo.backend.get_many(TableName.CALLS, [(f"P{n}", "S") for n in range(4)])
    assert [item and item["PK"] for item in found] == ["P0", "P1", "P2", "P3"]
    assert len(asked) == 2


@pytest.mark.parametrize("code", ["ThrottlingException", "TransactionConflictException"])
async def test_a_put_is_tried_again_where_that_may_help(dynamo: Store, code: str) -> None:
    faults = Faults(dynamo, "put_item", refused(code, operation="PutItem"), refused(code, operation="PutItem"))
    await dynamo.backend.put(Put(TableName.CALLS, {"PK": "a", "SK": "b"}, Absent()))
    assert len(faults.tokens) == 3
    with pytest.raises(ConditionFailed):
        await dynamo.backend.put(Put(TableName.CALLS, {"PK": "a", "SK": "b"}, Absent()))


async def test_an_endpoint_that_is_gone_is_unavailable(local_aws: Callable[[], str]) -> None:
    store = await open_dynamodb(fresh_tables(), region=REGION, endpoint="http://127.0.0.1:9", credentials=CREDENTIALS)
    with pytest.raises(Unavailable):
        await store.order("1")
    with pytest.raises(Unavailable):
        await store.next_id(Order)
    findings = await store.backend.check()
    assert "ok" not in findings.values()
    await store.close()


async def test_the_doctor_sees_missing_tables_and_wrong_indexes(dynamo: Store) -> None:
    assert isinstance(dynamo.backend, DynamoBackend)
    client = dynamo.backend.client
    names = fresh_tables()
    wrong = create_request(TABLES[TableName.APPOINTMENTS], names[TableName.APPOINTMENTS])
    wrong["GlobalSecondaryIndexes"][1]["KeySchema"][1]["AttributeName"] = "appointmentDate"
    wrong["AttributeDefinitions"].append({"AttributeName": "appointmentDate", "AttributeType": "S"})
    wrong["GlobalSecondaryIndexes"].pop()
    wrong["AttributeDefinitions"] = [d for d in wrong["AttributeDefinitions"] if d["AttributeName"] != "status"]
    await asyncio.to_thread(lambda: client.create_table(**wrong))
    findings = await DynamoBackend(client, names).check()
    assert "ResourceNotFoundException" in findings["orders: table"]
    assert "appointmentDate" in findings["appointments: DoctorDateIndex"]
    assert findings["appointments: StatusIndex"] == "missing"
    assert findings["appointments: PatientEmailIndex"] == "ok"


async def test_the_loop_goes_on_while_the_store_is_slow(dynamo: Store) -> None:
    """Twenty reads of a tenth of a second each, on the pool: the loop turns meanwhile."""
    assert isinstance(dynamo.backend, DynamoBackend)
    real = dynamo.backend.client.get_item
    turns = 0
    import threading

    gate = threading.Event()

    def slow(**request: Any) -> Any:
        gate.wait(5)
        return real(**request)

    dynamo.backend.client.get_item = slow  # type: ignore[method-assign]
    reads = asyncio.gather(*(dynamo.order("1") for _ in range(20)))
    for _ in range(100):
        turns += 1
        await asyncio.sleep(0)
    assert not reads.done()
    gate.set()
    assert await reads == [None] * 20
    assert turns == 100
