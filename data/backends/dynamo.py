"""Items in DynamoDB, through boto3 in a bounded pool of threads.

The client is made at start-up (it takes a fifth of a second) and shared: botocore clients are thread-safe.
A transaction has a `ClientRequestToken` made here, so botocore's retry of a write that timed out after it was done is
answered with success and does nothing twice; a single put has none, and costs half. Conflicts between transactions and
throttling that outlast botocore's own retries are tried again here, a few times, with jitter.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from data.backends.base import Absent, Add, Condition, ConditionFailed, HeldBy, Item, Key, NotLater, Put, Version, Write
from data.errors import Unavailable
from data.records import TABLES
from data.tables import PRIMARY, TTL_ATTRIBUTE, Table, TableName, create_request, key_schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

THREADS = 16
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 0.5, 1.0, 3  # together below a tool's time limit
CLOCK_TOLERANCE_S = 60
_CONFLICT_ATTEMPTS = 6
_BACKOFF_S = 0.02
_BATCH = 25  # DynamoDB's limit for BatchWriteItem
_GOT = 100  # DynamoDB's limit for BatchGetItem
_PAGE = 250  # items an answer: the JSON of more keeps the whole process waiting while it is parsed

_TRY_AGAIN = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    }
)

_REFUSED = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})
_OURS = frozenset({"TransactWriteItems", "PutItem"})  # whose refusals are looked at here

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class DynamoBackend:
    """Made by `DynamoBackend.open`. `tables` maps ours to the deployed names."""

    name = "dynamodb"

    def __init__(self, client: DynamoDBClient, tables: Mapping[TableName, str]) -> None:
        self.client = client
        self.tables = tables
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="dynamodb")

    @classmethod
    async def open(
        cls,
        tables: Mapping[TableName, str],
        *,
        region: str,
        endpoint: str | None = None,
        credentials: tuple[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> DynamoBackend:
        """`credentials` (key id, secret) instead of the AWS chain and `timeout_s` instead of both time-outs are
        for a local AWS, which may be slow. Touches no network."""
        timeouts = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S) if timeout_s is None else (timeout_s, timeout_s)
        client = await asyncio.to_thread(_make_client, region, endpoint, credentials, timeouts)
        return cls(client, tables)

    async def create_tables(self) -> None:
        """For a local AWS and for tests; a deployment's tables are made by Terraform."""
        for table in TABLES.values():
            await self._run(self._create_table, table)

    async def get(self, table: TableName, pk: str, sk: str) -> Item | None:
        key = {"PK": {"S": pk}, "SK": {"S": sk}}
        answer = await self._run(
            lambda: self.client.get_item(TableName=self.tables[table], Key=key, ConsistentRead=True)
        )
        return _read(answer["Item"]) if "Item" in answer else None

    async def get_many(self, table: TableName, keys: Sequence[Key]) -> list[Item | None]:
        found: dict[Key, Item] = {}
        for some in batched(dict.fromkeys(keys), _GOT):
            found |= await self._batch(self.tables[table], some)
        return [found.get(key) for key in keys]

    async def _batch(self, name: str, keys: Sequence[Key]) -> dict[Key, Item]:
        left: Any = {"Keys": [{"PK": {"S": pk}, "SK": {"S": sk}} for pk, sk in keys], "ConsistentRead": True}
        found: list[Item] = []
        for attempt in range(_CONFLICT_ATTEMPTS):
            answer = await self._run(lambda left=left: self.client.batch_get_item(RequestItems={name: left}))
            found += [_read(item) for item in answer["Responses"].get(name, [])]
            left = answer["UnprocessedKeys"].get(name)
            if not left:
                return {(item["PK"], item["SK"]): item for item in found}
            await asyncio.sleep(_BACKOFF_S * 2**attempt)
        raise Unavailable("dynamodb: keys were left unprocessed")

    async def query(
        self,
        table: TableName,
        value: str,
        *,
        index: str | None = None,
        low: str | None = None,
        high: str | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        request = _query(TABLES[table], self.tables[table], value, index, low, high)
        request["ScanIndexForward"] = not descending
        items: list[Item] = []
        while True:
            request["Limit"] = _PAGE if limit is None else min(_PAGE, limit - len(items))
            found, last = await self._run(lambda: _answer(self.client.query(**request)))
            items += found
            if not last or (limit is not None and len(items) >= limit):
                return items
            request["ExclusiveStartKey"] = last

    async def put(self, put: Put) -> None:
        request = self._transact_item(put)["Put"]
        await self._write(lambda: self.client.put_item(**request))

    async def transact(self, writes: Sequence[Write]) -> None:
        request: Any = [self._transact_item(write) for write in writes]
        # A refused transaction has its token used up; one that timed out has been retried by botocore.
        await self._write(
            lambda: self.client.transact_write_items(TransactItems=request, ClientRequestToken=uuid.uuid4().hex)
        )

    async def add(self, table: TableName, pk: str, sk: str, amount: int, expires: datetime | None) -> int:
        update, values = "ADD #n :amount", {":amount": {"N": str(amount)}}
        names = {"#n": "n"}
        if expires is not None:
            update += " SET #expires = :expires"
            names["#expires"] = TTL_ATTRIBUTE
            values[":expires"] = {"N": str(int(expires.timestamp()))}
        answer = await self._run(
            lambda: self.client.update_item(
                TableName=self.tables[table],
                Key={"PK": {"S": pk}, "SK": {"S": sk}},
                UpdateExpression=update,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ReturnValues="UPDATED_NEW",
            )
        )
        return int(answer["Attributes"]["n"]["N"])

    async def scan(self, table: TableName) -> AsyncIterator[Sequence[Item]]:
        request: dict[str, Any] = {"TableName": self.tables[table], "ConsistentRead": True}
        while True:
            items, last = await self._run(lambda: _answer(self.client.scan(**request)))
            if items:
                yield items
            if not last:
                return
            request["ExclusiveStartKey"] = last

    async def count(self, table: TableName) -> int:
        answer = await self._run(lambda: self.client.describe_table(TableName=self.tables[table]))
        return answer["Table"].get("ItemCount", 0)

    async def replace(self, table: TableName, puts: Sequence[Item], deletes: Sequence[tuple[str, str]]) -> None:
        requests: list[Any] = [{"DeleteRequest": {"Key": {"PK": {"S": pk}, "SK": {"S": sk}}}} for pk, sk in deletes]
        requests += [{"PutRequest": {"Item": _written(item)}} for item in puts]
        name = self.tables[table]
        attempt = 0
        while requests:
            batch, requests = requests[:_BATCH], requests[_BATCH:]
            answer = await self._run(lambda batch=batch: self.client.batch_write_item(RequestItems={name: batch}))
            left = answer["UnprocessedItems"].get(name, [])
            requests = [*left, *requests]
            attempt = attempt + 1 if left else 0
            if attempt > _CONFLICT_ATTEMPTS:
                raise Unavailable("dynamodb: items were left unprocessed")
            await asyncio.sleep(_BACKOFF_S * 2**attempt if left else 0)

    async def check(self) -> Mapping[str, str]:
        findings = {"connection and clock": await self._check_clock()}
        for table in TABLES.values():
            findings |= await self._check_table(table)
        return findings

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self.client.close()

    async def _write(self, work: Callable[[], Any]) -> None:
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                await self._run(work)
                return
            except ClientError as error:
                reasons = _reasons(error)
                failed = frozenset(n for n, code in enumerate(reasons) if code in _REFUSED)
                if failed:
                    raise ConditionFailed(failed) from error
                if not _TRY_AGAIN.intersection(reasons):
                    raise Unavailable(f"dynamodb: {', '.join(sorted(set(reasons)))}") from error
            await asyncio.sleep(_BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5))
        raise Unavailable("dynamodb: too many conflicts")

    async def _run[T](self, work: Callable[..., T], *arguments: Any) -> T:
        """On the pool. Refusals of writes pass through as ClientError; the rest is Unavailable."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except ClientError as error:
            if error.operation_name in _OURS:
                raise
            raise Unavailable(f"dynamodb: {error.response['Error']['Code']}") from error
        except (BotoCoreError, RuntimeError) as error:
            raise Unavailable(f"dynamodb: {type(error).__name__}") from error

    def _transact_item(self, write: Write) -> dict[str, Any]:
        place: dict[str, Any] = {"TableName": self.tables[write.table]}
        if write.when is not None:
            place |= _condition(write.when)
        if isinstance(write, Put):
            return {"Put": place | {"Item": _written(write.item)}}
        if isinstance(write, Add):
            return {"Update": place | _addition(write)}
        return {"Delete": place | {"Key": {"PK": {"S": write.key[0]}, "SK": {"S": write.key[1]}}}}

    def _create_table(self, table: Table) -> None:
        name = self.tables[table.name]
        try:
            self.client.create_table(**create_request(table, name))
        except self.client.exceptions.ResourceInUseException:
            return
        self.client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        if table.has_ttl:
            self.client.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
            )

    async def _check_clock(self) -> str:
        """Signatures are refused from five minutes of difference on."""
        try:
            answer = await self._run(lambda: self.client.list_tables(Limit=1))
        except Unavailable as error:
            return str(error)
        theirs = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if theirs is None:
            return "ok"
        apart = abs((datetime.now(UTC) - parsedate_to_datetime(theirs)).total_seconds())
        return "ok" if apart <= CLOCK_TOLERANCE_S else f"{apart:.0f} s apart from the service's clock"

    async def _check_table(self, table: Table) -> dict[str, str]:
        name = self.tables[table.name]
        try:
            found = await self._run(lambda: self.client.describe_table(TableName=name)["Table"])
            indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", [])}
            findings = {
                f"{table.name}: table": "ok" if found["TableStatus"] == "ACTIVE" else found["TableStatus"],
                f"{table.name}: keys": _agree(found["KeySchema"], key_schema(PRIMARY)),
            }
            for index in table.indexes:
                schema = indexes.get(index.name, {}).get("KeySchema", [])
                findings[f"{table.name}: {index.name}"] = _agree(schema, key_schema(index))
            if table.has_ttl:
                ttl = await self._run(lambda: self.client.describe_time_to_live(TableName=name))
                enabled = ttl["TimeToLiveDescription"].get("AttributeName") == TTL_ATTRIBUTE
                findings[f"{table.name}: TTL"] = "ok" if enabled else f"not on {TTL_ATTRIBUTE}"
        except Unavailable as error:
            return {f"{table.name}: table": str(error)}
        return findings | await self._check_permissions(table.name)

    async def _check_permissions(self, table: TableName) -> dict[str, str]:
        """Write and delete an item of no meaning."""
        key = ("DOCTOR#PROBE", uuid.uuid4().hex)
        probe: Item = {"PK": key[0], "SK": key[1]}
        try:
            await self.transact([Put(table, probe, Absent())])
            await self.replace(table, [], [key])
        except Unavailable as error:
            return {f"{table}: write permission": str(error)}
        return {f"{table}: write permission": "ok"}


def _make_client(
    region: str, endpoint: str | None, credentials: tuple[str, str] | None, timeouts_s: tuple[float, float]
) -> DynamoDBClient:
    config = Config(
        connect_timeout=timeouts_s[0],
        read_timeout=timeouts_s[1],
        max_pool_connections=THREADS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return _session(region, credentials).client("dynamodb", endpoint_url=endpoint, config=config)


@cache
def _session(region: str, credentials: tuple[str, str] | None) -> boto3.Session:
    """A session reads the service's description once; that is most of what a client costs."""
    key_id, secret = credentials or (None, None)
    return boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region)


def _query(table: Table, name: str, value: str, index: str | None, low: str | None, high: str | None) -> dict[str, Any]:
    keys = table.index(index) if index else PRIMARY
    names, values = {"#hash": keys.hash}, {":value": {"S": value}}
    expression = "#hash = :value"
    bounds = {":low": low, ":high": high}
    values |= {bound: {"S": text} for bound, text in bounds.items() if text is not None}
    if keys.range and (low is not None or high is not None):
        names["#range"] = keys.range
        expression += " AND " + _range(low, high)
    request: dict[str, Any] = {
        "TableName": name,
        "KeyConditionExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    return request | ({"IndexName": index} if index else {"ConsistentRead": True})


def _range(low: str | None, high: str | None) -> str:
    if low is not None and high is not None:
        return "#range BETWEEN :low AND :high"
    return "#range >= :low" if low is not None else "#range <= :high"


def _condition(condition: Condition) -> dict[str, Any]:
    match condition:
        case Absent():
            return {"ConditionExpression": "attribute_not_exists(PK)"}
        case Version(0):
            return {"ConditionExpression": "attribute_exists(PK) AND attribute_not_exists(version)"}
        case Version(number):
            return {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(number)}},
            }
        case HeldBy(appointment_id):
            return {
                "ConditionExpression": "attribute_not_exists(PK) OR appointmentId = :holder",
                "ExpressionAttributeValues": {":holder": {"S": appointment_id}},
            }
        case NotLater(resumed):
            return {
                "ConditionExpression": "attribute_not_exists(resumed) OR resumed <= :resumed",
                "ExpressionAttributeValues": {":resumed": {"N": str(resumed)}},
            }


def _addition(write: Add) -> dict[str, Any]:
    names = {f"#{number}": name for number, name in enumerate(write.amounts)}
    amounts = {f":{number}": {"N": str(amount)} for number, amount in enumerate(write.amounts.values())}
    added = ", ".join(f"#{number} :{number}" for number in range(len(names)))
    return {
        "Key": {"PK": {"S": write.key[0]}, "SK": {"S": write.key[1]}},
        "UpdateExpression": f"ADD {added} SET #expires = :expires",
        "ExpressionAttributeNames": names | {"#expires": TTL_ATTRIBUTE},
        "ExpressionAttributeValues": amounts | {":expires": {"N": str(write.expires)}},
    }


def _reasons(error: ClientError) -> list[str]:
    """Why a transaction was refused: one code for each of its writes, or the one code of the whole."""
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return [reason.get("Code", "None") for reason in reasons] or [error.response["Error"]["Code"]]


def _agree(found: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, str]]) -> str:
    def pairs(schema: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
        return {(key["KeyType"], key["AttributeName"]) for key in schema}

    if pairs(found) == pairs(wanted):
        return "ok"
    return "missing" if not found else f"keys are {sorted(pairs(found))}, not {sorted(pairs(wanted))}"


def _written(item: Item) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in item.items()}


def _answer(page: Mapping[str, Any]) -> tuple[list[Item], Mapping[str, Any] | None]:
    """The items of a query or scan, and where the next page starts. Done on the pool: it takes a while."""
    return [_read(item) for item in page["Items"]], page.get("LastEvaluatedKey")


def _read(item: Mapping[str, Any]) -> Item:
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    """Whole numbers as int, at every depth, as SQLite gives them."""
    match value:
        case Decimal() if value == value.to_integral_value():
            return int(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
    return value
