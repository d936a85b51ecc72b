"""The offline check passes on infra/, and fails on the mistakes that the original made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infra.planned_stage import INFRA, TOOLS, Offline


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of infra/ to spoil."""
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns("check", ".terraform*", "__pycache__"))
    return copy


def spoil(infra: Path, path: str, right: str, wrong: str) -> None:
    file = infra / path
    text = file.read_text()
    assert right in text, f"{path} does not say {right}: change this test"
    file.write_text(text.replace(right, wrong))


def test_both_stages_pass_format_validation_and_terraform_test(planned: Path) -> None:
    said = (planned / "output.txt").read_text()
    assert (planned / "demo.json").exists(), said
    assert (planned / "prod.json").exists(), said


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


def test_a_second_port_and_keys_in_the_environment_fail_the_tests(offline: Offline, copied: Path) -> None:
    spoil(copied, "modules/voice/service.tf", "containerPort = local.port", "containerPort = 8080")
    bedrock = '    SONIC              = "bedrock"\n'
    spoil(copied, "modules/voice/service.tf", bedrock, bedrock + '    AWS_ACCESS_KEY_ID  = "AKIA"\n')
    done = offline("--source", copied)
    assert done.returncode == 1
    assert "must speak of one port" in done.stderr
    assert "Credentials come from the task role" in done.stderr


def test_no_bucket_is_named_that_nothing_makes() -> None:
    """The original's state bucket stood in its backend and in no other file."""
    backend = (INFRA / "backend.tf").read_text().split("\n")
    assert not [line for line in backend if line.strip().startswith("bucket")]
    assert not [path for path in INFRA.rglob("*.tf") if 'resource "aws_s3' in path.read_text()]


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
