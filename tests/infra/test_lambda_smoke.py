"""The packaged Lambda behind an HTTP API in a local AWS, as the plan describes both: REST is answered through it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest

from common.keys import digest
from data.open import open_dynamodb
from data.operators.seed import seed
from data.records import TABLES
from data.tables import TableName, create_request
from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION, ministack
from tests.infra.planned_stage import INFRA, Stage

pytestmark = [pytest.mark.ministack, pytest.mark.slow]

KEY = "smoke-test-key"


@dataclass(frozen=True, slots=True)
class LocalAws:
    endpoint: str

    def client(self, service: str) -> Any:
        session = boto3.Session(*CREDENTIALS, region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("lambda") / "api.zip"
    environment = os.environ | {"TMPDIR": str(path.parent)}  # where uv leaves a folder
    subprocess.run([INFRA / "package-api", path], env=environment, check=True, capture_output=True)
    return Path(path).read_bytes()


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with ministack() as endpoint:
        yield LocalAws(endpoint)


def make_function(aws: LocalAws, stage: Stage, package: bytes) -> str:
    planned = stage.one("aws_lambda_function")
    secret = aws.client("secretsmanager").create_secret(
        Name=f"nova-sonic-server-app-{stage.name}/ADMIN_API_KEYS",
        SecretString=f"smoke:read+write:sha256={digest(KEY).hex()}",
    )
    # The secret's ARN is AWS's, and a local AWS has endpoints and credentials of its own.
    environment = planned["environment"][0]["variables"] | {
        "ADMIN_API_KEYS_SECRET": secret["ARN"],
        "DYNAMODB_ENDPOINT": aws.endpoint,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
    }
    made = aws.client("lambda").create_function(
        FunctionName=planned["function_name"],
        Runtime=planned["runtime"],
        Handler=planned["handler"],
        Timeout=planned["timeout"],
        MemorySize=planned["memory_size"],
        Role="arn:aws:iam::000000000000:role/local",
        Code={"ZipFile": package},
        Environment={"Variables": environment},
    )
    return str(made["FunctionArn"])


def make_api(aws: LocalAws, stage: Stage, function: str) -> str:
    gateway = aws.client("apigatewayv2")
    api = gateway.create_api(
        Name=stage.one("aws_apigatewayv2_api")["name"],
        ProtocolType=stage.one("aws_apigatewayv2_api")["protocol_type"],
    )["ApiId"]
    integration = stage.one("aws_apigatewayv2_integration")
    made = gateway.create_integration(
        ApiId=api,
        IntegrationType=integration["integration_type"],
        IntegrationUri=function,
        PayloadFormatVersion=integration["payload_format_version"],
    )
    route = stage.one("aws_apigatewayv2_route")["route_key"]
    gateway.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{made['IntegrationId']}")
    planned = stage.one("aws_apigatewayv2_stage")
    gateway.create_stage(ApiId=api, StageName=planned["name"], AutoDeploy=planned["auto_deploy"])
    return str(api)


async def make_records(aws: LocalAws, stage: Stage) -> None:
    names = {table: f"nova-sonic-server-app-{stage.name}-{table}" for table in TableName}
    for table in TABLES.values():
        aws.client("dynamodb").create_table(**create_request(table, names[table.name]))
    store = await open_dynamodb(names, region=REGION, endpoint=aws.endpoint, credentials=CREDENTIALS, timeout_s=HANG_S)
    await seed(store, date(2026, 11, 22))
    await store.close()


def ask(aws: LocalAws, api: str, path: str, key: str | None) -> tuple[int, dict[str, Any]]:
    headers = {"Host": f"{api}.execute-api.localhost"} | ({"X-Api-Key": key} if key else {})
    try:
        request = Request(f"{aws.endpoint}{path}", headers=headers)  # noqa: S310 - loopback
        with urlopen(request, timeout=HANG_S) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


async def test_the_rest_api_is_answered_through_the_planned_lambda(
    stages: dict[str, Stage], package: bytes, aws: LocalAws
) -> None:
    stage = stages["demo"]
    await make_records(aws, stage)
    api = make_api(aws, stage, make_function(aws, stage, package))
    status, body = ask(aws, api, "/orders", KEY)
    assert (status, body["success"], len(body["data"])) == (200, True, 7), body
    status, body = ask(aws, api, "/demo/appointments/1", KEY)
    assert (status, body["data"]["id"]) == (200, "1")
    assert ask(aws, api, "/orders/999", KEY)[0] == 404
    assert ask(aws, api, "/orders", None)[0] == 401
    assert ask(aws, api, "/orders", "wrong")[0] == 401
