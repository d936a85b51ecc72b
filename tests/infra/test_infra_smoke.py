"""What Terraform plans, made in a local AWS from that plan: the code finds it fit and works with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from data.backends.dynamo import DynamoBackend
from data.records import TABLES
from data.tables import TableName
from sandbox.ministack import CREDENTIALS, REGION, ministack
from tests.infra.planned_stage import Json, Stage

pytestmark = pytest.mark.ministack


def client(service: str, endpoint: str) -> Any:
    return boto3.Session(*CREDENTIALS, region_name=REGION).client(service, endpoint_url=endpoint)  # type: ignore[call-overload]


def make_table(dynamodb: Any, planned: Json) -> None:
    """As the provider would: from the plan's values alone."""

    def schema(keys: Json) -> list[Json]:
        named = (("HASH", keys["hash_key"]), ("RANGE", keys["range_key"]))
        return [{"AttributeName": name, "KeyType": kind} for kind, name in named if name]

    dynamodb.create_table(
        TableName=planned["name"],
        BillingMode=planned["billing_mode"],
        KeySchema=schema(planned),
        AttributeDefinitions=[{"AttributeName": a["name"], "AttributeType": a["type"]} for a in planned["attribute"]],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index["name"],
                "KeySchema": schema(index),
                "Projection": {"ProjectionType": index["projection_type"]},
            }
            for index in planned["global_secondary_index"]
        ],
    )
    for ttl in planned["ttl"]:
        dynamodb.update_time_to_live(
            TableName=planned["name"],
            TimeToLiveSpecification={"Enabled": ttl["enabled"], "AttributeName": ttl["attribute_name"]},
        )


async def test_the_planned_tables_are_what_the_code_checks_for(stage: Stage, local_aws: Callable[[], str]) -> None:
    endpoint = local_aws()
    dynamodb = client("dynamodb", endpoint)
    for planned in stage.all("aws_dynamodb_table"):
        make_table(dynamodb, planned)
    names = {table: f"nova-sonic-server-app-{stage.name}-{table}" for table in TableName}
    backend = await DynamoBackend.open(names, region=REGION, endpoint=endpoint, credentials=CREDENTIALS)
    try:
        findings = await backend.check()
    finally:
        await backend.close()
        for name in names.values():
            dynamodb.delete_table(TableName=name)
    assert len(findings) > len(TABLES)
    assert set(findings.values()) == {"ok"}, findings


def test_the_planned_log_groups_can_be_made(stage: Stage) -> None:
    planned = stage.all("aws_cloudwatch_log_group")
    assert len(planned) == 4
    with ministack("logs") as endpoint:
        logs = client("logs", endpoint)
        for group in planned:
            logs.create_log_group(logGroupName=group["name"])
            logs.put_retention_policy(logGroupName=group["name"], retentionInDays=group["retention_in_days"])
        found = {group["logGroupName"]: group["retentionInDays"] for group in logs.describe_log_groups()["logGroups"]}
    assert found == {group["name"]: group["retention_in_days"] for group in planned}
