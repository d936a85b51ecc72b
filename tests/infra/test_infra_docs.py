"""The pages about AWS speak of things that are there."""

from __future__ import annotations

import re

import pytest

from common import metrics
from common.settings import Settings
from data.records import TABLES
from tests.infra.planned_stage import INFRA, ROOT, Stage

PAGES = ("deploy", "costs", "architecture", "runbook")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return (ROOT / "docs" / f"{request.param}.md").read_text()


def names_in(path: str, kind: str) -> set[str]:
    return set(re.findall(rf'^{kind} "(\w+)"', (INFRA / path).read_text(), re.MULTILINE))


def test_every_link_leads_to_a_file(page: str) -> None:
    links = [link for link in re.findall(r"]\(([^)]+)\)", page) if not link.startswith("https://")]
    assert links
    assert not [link for link in links if not leads_somewhere(link)]


def leads_somewhere(link: str) -> bool:
    """To a file, and to one of its headings where it names one, in the way that Markdown's hosts name them."""
    file, _, heading = link.partition("#")
    if not (ROOT / "docs" / file).exists():
        return False
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / file).read_text(), re.MULTILINE) if heading else []
    return not heading or heading in {re.sub(r"[^\w -]", "", found).lower().replace(" ", "-") for found in headings}


def test_every_output_that_is_asked_for_exists(page: str) -> None:
    asked = set(re.findall(r"terraform output (?:-raw )?(\w+)", page))
    assert asked <= names_in("outputs.tf", "output")


def test_every_variable_and_setting_that_is_named_exists(page: str) -> None:
    known = names_in("variables.tf", "variable") | {name.upper() for name in Settings.model_fields}
    known |= {metric.name for metric in metrics.DEFINITIONS} | names_in("outputs.tf", "output")
    written = set(re.findall(r"`([a-z]+_[a-z_]+|[A-Z]+_[A-Z_]+)(?: = [^`]+)?`", page))
    other = {"DEPLOYMENT_BLOCKED", "deregistration_delay", "text_in", "text_out"}
    assert written - other <= known


def test_the_originals_outputs_and_variables_keep_their_names() -> None:
    outputs = """api_gateway_url orders_table_name appointments_table_name lambda_function dynamodb_tables iam_role_arn
        nova_sonic_ecs_cluster nova_sonic_task_role_arn nova_sonic_service_name"""
    assert set(outputs.split()) <= names_in("outputs.tf", "output")
    variables = {"aws_region", "stage", "project_name", "lambda_timeout", "lambda_memory_size"}
    assert variables <= names_in("variables.tf", "variable")


# --- architecture --------------------------------------------------------------------------------------------


@pytest.fixture
def architecture() -> str:
    return (ROOT / "docs" / "architecture.md").read_text()


@pytest.fixture
def diagram(architecture: str) -> str:
    return architecture.partition("```mermaid")[2].partition("```")[0]


def test_the_rooms_of_the_diagram_are_the_images(diagram: str) -> None:
    rooms = set(re.findall(r"\[(\w+)/<br/>", diagram))
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if re.fullmatch(r"![a-z]+", line)}
    assert rooms == allowed - {"carlos", "common"}  # the roof and the ground


@pytest.mark.slow
def test_what_the_diagram_draws_of_aws_is_in_the_terraform(diagram: str, stage: Stage) -> None:
    drawn = {
        "Application Load Balancer": "aws_lb",
        "ECS task": "aws_ecs_task_definition",
        "API Gateway": "aws_apigatewayv2_api",
        "Lambda": "aws_lambda_function",
        "DynamoDB": "aws_dynamodb_table",
        "CloudWatch": "aws_cloudwatch_log_group",
        "Secrets Manager": "aws_secretsmanager_secret",
    }
    aws = diagram.partition("subgraph aws")[2].partition("\n    end\n")[0]
    assert not [box for box, kind in drawn.items() if box not in aws or not stage.all(kind)]
    (tables,) = re.findall(r"DynamoDB<br/>([^)]+)\)", aws)
    assert set(tables.split(", ")) == {str(name) for name in TABLES}
    assert f"port {stage.container()['portMappings'][0]['containerPort']}" in aws
    assert stage.one("aws_lb_target_group")["health_check"][0]["path"] in aws
    (handler,) = re.findall(r"Lambda<br/>([\w/.]+)\]", aws)
    assert (ROOT / handler).exists()
