"""The three DynamoDB tables: their names and keys are the original README's, their indexes what the records in them
declare (data.records.TABLES). They are created from here, and Terraform is tested against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TTL_ATTRIBUTE = "expiresAt"  # epoch seconds


class TableName(StrEnum):
    ORDERS = "orders"
    APPOINTMENTS = "appointments"
    CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    hash: str
    range: str | None = None
    keys_only: bool = False  # what it gives is the keys, its own and the table's


@dataclass(frozen=True, slots=True)
class Table:
    """A table keyed by `PK` and `SK`, both strings, billed per request."""

    name: TableName
    indexes: tuple[Index, ...]
    has_ttl: bool = False

    def index(self, name: str) -> Index:
        return next(index for index in self.indexes if index.name == name)


PRIMARY = Index("", "PK", "SK")


def create_request(table: Table, name: str) -> dict[str, Any]:
    """The arguments of DynamoDB's CreateTable for `table` under the deployed `name`."""
    attributes = {"PK", "SK"}
    for index in table.indexes:
        attributes |= {index.hash} | ({index.range} if index.range else set())
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in sorted(attributes)
        ],
        "KeySchema": key_schema(PRIMARY),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.name,
                "KeySchema": key_schema(index),
                "Projection": {"ProjectionType": projection(index)},
            }
            for index in table.indexes
        ],
    }


def projection(index: Index) -> str:
    return "KEYS_ONLY" if index.keys_only else "ALL"


def key_schema(index: Index) -> list[dict[str, str]]:
    schema = [{"AttributeName": index.hash, "KeyType": "HASH"}]
    if index.range:
        schema.append({"AttributeName": index.range, "KeyType": "RANGE"})
    return schema
