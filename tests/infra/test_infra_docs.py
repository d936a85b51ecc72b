"""The pages about AWS speak of things that are there."""

from __future__ import annotations

import re

import pytest

from carlos import metrics
from carlos.settings import Settings
from tests.infra.planned_stage import INFRA, ROOT

PAGES = ("deploy", "costs", "architecture")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return (ROOT / "docs" / f"{request.param}.md").read_text()


def names_in(path: str, kind: str) -> set[str]:
    return set(re.findall(rf'^{kind} "(\w+)"', (INFRA / path).read_text(), re.MULTILINE))


def test_every_link_leads_to_a_file(page: str) -> None:
    links = [link for link in re.findall(r"]\(([^)]+)\)", page) if not link.startswith("https://")]
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]


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


def test_every_alarm_that_is_explained_is_one() -> None:
    explained = set(re.findall(r"alarm `([a-z-]+)`", (ROOT / "docs" / "deploy.md").read_text()))
    assert explained
    declared = (INFRA / "modules" / "observability" / "main.tf").read_text()
    assert not [name for name in explained if f"{name} = {{" not in declared]


def test_the_rooms_of_the_diagram_are_the_images() -> None:
    diagram = (ROOT / "docs" / "architecture.md").read_text().partition("```mermaid")[2].partition("```")[0]
    rooms = set(re.findall(r"\[(\w+)/<br/>", diagram))
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if re.fullmatch(r"!\w+", line)}
    assert rooms == allowed - {"carlos"}
