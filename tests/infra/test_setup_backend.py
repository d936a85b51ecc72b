"""infra/setup-backend on a local AWS: makes the state's bucket once, repairs it, and refuses another's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION, ministack
from tests.infra.planned_stage import INFRA

pytestmark = pytest.mark.ministack

type SetUp = Callable[..., subprocess.CompletedProcess[str]]
KEYS = {"AWS_ACCESS_KEY_ID": CREDENTIALS[0], "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1]}


@pytest.fixture(scope="module")
def local_s3() -> Iterator[str]:
    with ministack("s3", "sts") as endpoint:
        yield endpoint


@pytest.fixture
def s3(local_s3: str) -> Any:
    session = boto3.Session(*CREDENTIALS, region_name=REGION)
    return session.client("s3", endpoint_url=local_s3)


@pytest.fixture
def set_up(local_s3: str, tmp_path: Path) -> SetUp:
    def run(*arguments: str, keys: dict[str, str] = KEYS) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [sys.executable, INFRA / "setup-backend", *arguments]
        command += ["--endpoint-url", local_s3, "--folder", tmp_path]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"} | keys
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG_S, check=False)

    return run


def test_a_second_run_finds_all_as_it_should_be(set_up: SetUp, s3: Any, tmp_path: Path) -> None:
    first = set_up("demo", "--bucket", "carlos-state")
    assert first.returncode == 0, first.stderr
    assert "  bucket: created\n" in first.stdout
    assert "  versioning: switched on\n" in first.stdout
    assert s3.get_bucket_versioning(Bucket="carlos-state")["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket="carlos-state")["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket="carlos-state")["ServerSideEncryptionConfiguration"]["Rules"]
    second = set_up("demo", "--bucket", "carlos-state")
    assert second.stdout.count(": ok\n") == 4
    assert (tmp_path / "demo.s3.tfbackend").read_text() == (
        'bucket = "carlos-state"\nkey    = "demo/terraform.tfstate"\nregion = "us-east-1"\n'
    )


def test_a_bucket_that_was_opened_is_closed_again(set_up: SetUp, s3: Any) -> None:
    assert set_up("demo", "--bucket", "opened-state").returncode == 0
    s3.delete_public_access_block(Bucket="opened-state")
    s3.put_bucket_versioning(Bucket="opened-state", VersioningConfiguration={"Status": "Suspended"})
    again = set_up("demo", "--bucket", "opened-state")
    assert "no public access: switched on" in again.stdout
    assert "versioning: switched on" in again.stdout


def test_the_buckets_name_holds_the_account_unless_it_is_given(set_up: SetUp) -> None:
    assert "nova-sonic-terraform-state-000000000000" in set_up("prod").stdout


def test_without_credentials_it_says_so(set_up: SetUp, tmp_path: Path) -> None:
    done = set_up("demo", keys={})
    assert done.returncode == 1
    assert "credentials" in done.stderr.lower()
    assert not list(tmp_path.glob("*.tfbackend"))
