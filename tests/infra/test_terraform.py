"""The offline check passes on infra/, and fails on the mistakes that the original made."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.hang import HANG_S
from tests.infra.planned_stage import INFRA, TOOLS, Offline

pytestmark = pytest.mark.slow


def copy_of_infra(folder: Path) -> Path:
    copy = folder / "infra"
    shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns("check", ".terraform*", "__pycache__"))
    return copy


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of infra/ to spoil."""
    return copy_of_infra(tmp_path)


def spoil(infra: Path, path: str, right: str, wrong: str) -> None:
    file = infra / path
    text = file.read_text()
    assert right in text, f"{path} does not say {right}: change this test"
    file.write_text(text.replace(right, wrong))


def test_both_stages_pass_format_validation_and_terraform_test(
    planned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (planned / "output.txt").read_text()
    assert (planned / "demo.json").exists(), said
    assert (planned / "prod.json").exists(), said
    with capsys.disabled():
        print(f"\n{said}")


def test_a_table_that_no_file_declares_does_not_validate(offline: Offline, copied: Path) -> None:
    spoil(copied, "modules/data/main.tf", "aws_dynamodb_table.this :", "aws_dynamodb_table.orders :")
    done = offline("--source", copied)
    assert done.returncode == 1
    assert "Reference to undeclared resource" in done.stderr


def test_an_attribute_that_the_provider_does_not_have_does_not_validate(offline: Offline, copied: Path) -> None:
    spoil(copied, "modules/rest/main.tf", "aws_lambda_function.api.invoke_arn", "aws_lambda_function.api.invoke_url")
    done = offline("--source", copied)
    assert done.returncode == 1
    assert "Unsupported attribute" in done.stderr


@pytest.fixture(scope="module")
def said_of_a_spoiled_task(offline: Offline, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the check says of a task with the original's mistakes: one run for all of them."""
    copy = copy_of_infra(tmp_path_factory.mktemp("task"))
    task = "modules/voice/service.tf"
    spoil(copy, task, "containerPort = local.port", "containerPort = 8080")
    spoil(copy, task, "'127.0.0.1', ${local.port}", "'127.0.0.1', 8082")
    spoil(copy, task, "environment = {\n", 'environment = {\n    AWS_ACCESS_KEY_ID = "AKIA"\n\n')
    done = offline("--source", copy)
    assert done.returncode == 1
    return done.stderr


def test_a_container_port_that_the_server_does_not_have_fails_the_tests(said_of_a_spoiled_task: str) -> None:
    assert "must speak of one port" in said_of_a_spoiled_task


def test_a_health_check_on_another_port_fails_the_tests(said_of_a_spoiled_task: str) -> None:
    assert "health check must ask /health on the server's port" in said_of_a_spoiled_task


def test_keys_in_the_environment_fail_the_tests(said_of_a_spoiled_task: str) -> None:
    assert "Credentials come from the task role" in said_of_a_spoiled_task


def test_every_variable_says_what_it_is_and_refuses_what_it_is_not() -> None:
    blocks = re.findall(r'^variable "(\w+)" \{(.*?)^\}', (INFRA / "variables.tf").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 20
    for name, body in blocks:
        assert "  description = " in body, name
        assert "  type        = " in body, name
        assert "  validation {" in body or "= bool\n" in body, f"{name}: only a bool's type says it all"


def test_the_schema_is_of_the_provider_that_is_asked_for() -> None:
    (asked,) = re.findall(r'version = "~> ([\d.]+)"', (INFRA / "versions.tf").read_text())
    schema = json.loads((INFRA / "check" / "aws-schema.json").read_text())
    assert schema["version"].startswith(f"{asked}.")


def test_no_bucket_is_named_that_nothing_makes() -> None:
    """The original's state bucket stood in its backend and in no other file."""
    backend = (INFRA / "backend.tf").read_text().split("\n")
    assert not [line for line in backend if line.strip().startswith("bucket")]


def test_checkov_finds_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command: list[str | Path] = [TOOLS / "checkov", "--config-file", INFRA / "checkov.yaml", "--directory", INFRA]
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # where it leaves things
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"Passed checks: (\d+)", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 100
    with capsys.disabled():
        print(f"\ncheckov: {passed[0]}")


def test_each_check_that_checkov_skips_has_its_reason() -> None:
    text = (INFRA / "checkov.yaml").read_text()
    skipped = yaml.safe_load(text)["skip-check"]
    reasons = [line.partition("#")[2].strip() for line in text.splitlines() if line.startswith("  - ")]
    assert len(skipped) == len(set(skipped)) == len(reasons)
    assert all(reasons)


def test_without_terraform_the_check_says_so_and_fails_in_ci(tmp_path: Path) -> None:
    command = [TOOLS / "python", INFRA / "check" / "offline.py"]
    for environment, status in ({}, 0), ({"CI": "true"}, 1):
        done = subprocess.run(
            command, env={"PATH": str(tmp_path)} | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert "WAS NOT CHECKED" in done.stdout
