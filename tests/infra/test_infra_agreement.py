"""What Terraform makes is what the code needs: tables, environment, permissions, metrics, health."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from agent.active_calls import ActiveCalls
from api.health import health_routes
from carlos.server import KEEP_ALIVE_S
from common.settings import Settings
from common.settings.access import AccessSettings
from common.settings.calls import CallSettings
from data.records import TABLES
from data.tables import TTL_ATTRIBUTE, Table, create_request
from tests.infra.planned_stage import INFRA, ROOT, Stage

pytestmark = pytest.mark.slow

SECRETS = {"TWILIO_AUTH_TOKEN": "made-up", "ADMIN_API_KEYS": "ana:read:sha256=" + "0" * 64}
# What Terraform does instead of the server.
MADE_BY_TERRAFORM = {"CreateTable", "UpdateTimeToLive", "TableExists"}


def settings_names() -> set[str]:
    return {name.upper() for name in Settings.model_fields}


# --- tables --------------------------------------------------------------------------------------------------


def test_tables_json_is_what_the_code_defines() -> None:
    made = subprocess.run(
        [sys.executable, INFRA / "check" / "tables.py"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert (INFRA / "modules" / "data" / "tables.json").read_text() == made.stdout, "run make infra-tables"


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_each_table_is_made_as_the_code_would_make_it(stage: Stage, table: Table) -> None:
    found = stage.one("aws_dynamodb_table", name=f"nova-sonic-server-app-{stage.name}-{table.name}")
    assert as_create_request(found) == comparable(create_request(table, found["name"]))
    assert [(ttl["attribute_name"], ttl["enabled"]) for ttl in found["ttl"]] == (
        [(TTL_ATTRIBUTE, True)] if table.has_ttl else []
    )


def test_records_are_kept_safe_on_every_stage(stage: Stage) -> None:
    for table in stage.all("aws_dynamodb_table"):
        assert table["point_in_time_recovery"][0]["enabled"]
        assert table["server_side_encryption"][0]["enabled"]
        assert table["deletion_protection_enabled"] is (stage.name == "prod")
        assert not table["replica"], "last-writer-wins breaks conditional booking"


def as_create_request(found: dict[str, Any]) -> dict[str, Any]:
    def schema(keys: dict[str, Any]) -> list[dict[str, str]]:
        named = (("HASH", keys["hash_key"]), ("RANGE", keys["range_key"]))
        return [{"AttributeName": name, "KeyType": kind} for kind, name in named if name]

    return comparable(
        {
            "TableName": found["name"],
            "BillingMode": found["billing_mode"],
            "AttributeDefinitions": [
                {"AttributeName": a["name"], "AttributeType": a["type"]} for a in found["attribute"]
            ],
            "KeySchema": schema(found),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": index["name"],
                    "KeySchema": schema(index),
                    "Projection": {"ProjectionType": index["projection_type"]},
                }
                for index in found["global_secondary_index"]
            ],
        }
    )


def comparable(request: dict[str, Any]) -> dict[str, Any]:
    """With what is a set in Terraform in an order."""
    ordered = {"AttributeDefinitions": "AttributeName", "GlobalSecondaryIndexes": "IndexName"}
    return request | {part: sorted(request[part], key=lambda one: str(one[key])) for part, key in ordered.items()}


# --- environment ---------------------------------------------------------------------------------------------


def test_the_servers_environment_is_settings_that_the_server_accepts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = stage.container()
    environment = {entry["name"]: entry["value"] for entry in container["environment"]}
    secrets = {entry["name"] for entry in container["secrets"]}
    assert environment.keys() | secrets <= settings_names()
    assert secrets == SECRETS.keys()
    for name, value in (environment | SECRETS).items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert settings.is_public
    assert settings.sonic == "bedrock"
    assert settings.sonic_endpoint is None
    assert settings.store == "dynamodb"
    assert settings.dynamodb_endpoint is None
    assert settings.ws_port == container["portMappings"][0]["containerPort"]
    assert settings.drain_seconds < container["stopTimeout"]
    assert settings.trusted_proxies == 1, "the load balancer"
    tables = {settings.orders_table, settings.appointments_table, settings.calls_table}
    assert tables == {table["name"] for table in stage.all("aws_dynamodb_table")}


def test_the_lambdas_environment_is_settings_and_holds_no_key(stage: Stage) -> None:
    environment = stage.one("aws_lambda_function")["environment"][0]["variables"]
    assert environment.keys() <= settings_names()
    assert environment.keys() <= set(json.loads((INFRA / "modules" / "rest" / "settings.json").read_text()))
    assert not environment.keys() & SECRETS.keys()
    assert not {name for name in environment if name.startswith("AWS_")}, "Lambda refuses names of its own"


def test_the_rest_apis_settings_are_those_that_its_code_reads() -> None:
    script = INFRA / "check" / "rest_settings.py"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    assert (INFRA / "modules" / "rest" / "settings.json").read_text() == made.stdout, "run make infra-settings"


def test_every_setting_of_who_gets_in_reaches_the_lambda_or_cannot() -> None:
    reads = set(json.loads((INFRA / "modules" / "rest" / "settings.json").read_text()))
    assert {name.upper() for name in AccessSettings.model_fields} - reads == {"ADMIN_API_KEYS"}, "it has a secret"
    assert {name.upper() for name in CallSettings.model_fields if name.startswith("price_")} <= reads


def test_the_lambdas_handler_exists(stages: dict[str, Stage]) -> None:
    (handler,) = {stage.one("aws_lambda_function")["handler"] for stage in stages.values()}
    module, _, function = handler.rpartition(".")
    # In a process of its own: Mangum makes an event loop when it is imported.
    code = f"from {module} import {function}; assert callable({function})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_server_may_write_to_the_log_group_that_it_is_given(stage: Stage) -> None:
    environment = {entry["name"]: entry["value"] for entry in stage.container()["environment"]}
    group = stage.one("aws_cloudwatch_log_group", name=environment["CALL_LOG_GROUP"])
    role = role_id(stage, f"nova-sonic-server-app-{stage.name}-task")
    (policy,) = [p["policy"] for p in stage.all("aws_iam_role_policy") if p["role"] == role]
    (logs,) = [s for s in statements(policy) if any(action.startswith("logs:") for action in s["Action"])]
    assert logs["Resource"] == [f"{group['arn']}:*"]
    assert actions(policy, "logs") == {"CreateLogStream", "PutLogEvents"}


# --- permissions ---------------------------------------------------------------------------------------------


def statements(policy: str) -> list[dict[str, Any]]:
    return list(json.loads(policy)["Statement"])


def actions(policy: str, service: str) -> set[str]:
    found = {action for statement in statements(policy) for action in statement["Action"]}
    return {action.partition(":")[2] for action in found if action.startswith(f"{service}:")}


def api_calls(node: ast.AST) -> set[str]:
    """DynamoDB's operations that the code under `node` calls on its client."""
    methods = {
        call.attr
        for call in ast.walk(node)
        if isinstance(call, ast.Attribute) and ast.unparse(call.value) == "self.client"
    }
    names = {"".join(part.capitalize() for part in name.split("_")) for name in methods}
    return names - {"Close", "Exceptions", "GetWaiter", "GetPaginator"}


def permissions(calls: set[str], source: ast.AST) -> set[str]:
    """A transaction is allowed by the actions of its parts, which the source names as keys."""
    if "TransactWriteItems" not in calls:
        return calls
    keys = {
        key.value
        for node in ast.walk(source)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    parts = {"Put": "PutItem", "Delete": "DeleteItem", "Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem"}
    return calls - {"TransactWriteItems"} | {action for part, action in parts.items() if part in keys}


def backend_methods() -> tuple[ast.Module, dict[str, ast.AST]]:
    source = ast.parse((ROOT / "data" / "backends" / "dynamo.py").read_text())
    (backend,) = [node for node in source.body if isinstance(node, ast.ClassDef) and node.name == "DynamoBackend"]
    return source, {
        node.name: node for node in backend.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }


def asked_by_the_store(methods: Mapping[str, ast.AST]) -> set[str]:
    """DynamoDB's operations behind the methods that the store calls, and behind those that these call."""
    left, seen, asked = used_by_the_store() & methods.keys(), set[str](), set[str]()
    while left:
        seen.add(name := left.pop())
        asked |= api_calls(methods[name])
        own = {
            node.attr
            for node in ast.walk(methods[name])
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
        }
        left |= own & methods.keys() - seen
    return asked


def used_by_the_store() -> set[str]:
    """Methods of the backend that the store calls, and the part of it that keeps calls."""
    sources = [ast.parse((ROOT / "data" / file).read_text()) for file in ("store.py", "call_records.py")]
    return {
        node.attr
        for source in sources
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self.backend", "self._backend"}
    }


def test_the_server_and_the_lambda_may_do_what_the_store_does_and_no_more(stage: Stage) -> None:
    source, methods = backend_methods()
    needed = permissions(asked_by_the_store(methods), source)
    assert needed, "data/store.py calls nothing of data/backends/dynamo.py: change this test"
    for role in "nova-sonic-server-app-{}-task", "nova-sonic-server-app-{}-api":
        name = role.format(stage.name)
        policies = [p for p in stage.all("aws_iam_role_policy") if p["role"] == role_id(stage, name)]
        assert actions(policies[0]["policy"], "dynamodb") == needed, name


def test_an_operator_may_do_all_that_the_backend_does(stage: Stage) -> None:
    source, _ = backend_methods()
    needed = permissions(api_calls(source) - MADE_BY_TERRAFORM, source)
    assert actions(stage.one("aws_iam_policy")["policy"], "dynamodb") == needed


def test_dynamodbs_own_errors_are_watched_for_each_operation_of_the_store(stage: Stage) -> None:
    _, methods = backend_methods()
    asked = asked_by_the_store(methods)
    alarms = [
        alarm for alarm in stage.all("aws_cloudwatch_metric_alarm") if alarm["alarm_name"].endswith("-system-errors")
    ]
    assert len(alarms) == len(TABLES)
    for alarm in alarms:
        watched = [metric["dimensions"] for query in alarm["metric_query"] for metric in query["metric"]]
        assert {dimensions["Operation"] for dimensions in watched} == asked
        assert len({dimensions["TableName"] for dimensions in watched}) == 1


def role_id(stage: Stage, name: str) -> str:
    return str(stage.one("aws_iam_role", name=name)["id"])


def test_every_role_names_what_it_may_touch(stage: Stage) -> None:
    policies = [policy["policy"] for policy in [*stage.all("aws_iam_role_policy"), *stage.all("aws_iam_policy")]]
    wide = [s["Action"] for policy in policies for s in statements(policy) if "*" in s["Resource"]]
    assert sorted(wide) == [["dynamodb:ListTables"], ["ecr:GetAuthorizationToken"]], "these two know no resource"
    assert not [a for policy in policies for s in statements(policy) for a in s["Action"] if "*" in a]


def test_only_the_chosen_model_may_be_invoked(stage: Stage) -> None:
    role = role_id(stage, f"nova-sonic-server-app-{stage.name}-task")
    (policy,) = [p["policy"] for p in stage.all("aws_iam_role_policy") if p["role"] == role]
    (bedrock,) = [s for s in statements(policy) if s["Action"] == ["bedrock:InvokeModel"]]
    model = Settings.model_fields["sonic_model_id"].default
    assert bedrock["Resource"] == [f"arn:aws:bedrock:us-east-1::foundation-model/{model}"]
    assert actions(policy, "bedrock") == {"InvokeModel"}
    assert actions(policy, "ecs") == {"GetTaskProtection", "UpdateTaskProtection"}


# --- health --------------------------------------------------------------------------------------------------


def test_the_paths_that_are_asked_for_health_are_routes(stage: Stage) -> None:
    routes = {getattr(route, "path", "") for route in health_routes(ActiveCalls(1)).routes}
    (check,) = stage.one("aws_lb_target_group")["health_check"]
    assert check["path"] == "/ready"
    assert check["path"] in routes
    assert "'/health'" in stage.container()["healthCheck"]["command"][-1]
    assert "/health" in routes


def test_the_server_keeps_connections_longer_than_the_load_balancer(stage: Stage) -> None:
    (balancer,) = stage.all("aws_lb")
    assert KEEP_ALIVE_S > balancer["idle_timeout"] >= 60, "or the next request meets a closed connection: 502"


# --- the Lambda's package --------------------------------------------------------------------------------------


def test_the_package_is_for_the_lambdas_machine_and_python(stage: Stage) -> None:
    function = stage.one("aws_lambda_function")
    script = (INFRA / "package-api").read_text()
    (platform,) = re.findall(r"--python-platform (\w+?)-manylinux", script)
    (version,) = re.findall(r"^runtime=(\S+)$", script, re.MULTILINE)
    assert function["architectures"] == [platform]
    assert function["runtime"] == f"python{version}"
