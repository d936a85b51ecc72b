"""The bucket of recordings: closed, and kept for as long as the settings say and by those who need it."""

from __future__ import annotations

import ast
import json

import pytest

from common.settings import Settings
from tests.infra.planned_stage import ROOT, Json, Stage

pytestmark = pytest.mark.slow

# What a call of boto3's S3 client in data/recording_bucket.py is allowed by.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
NEEDS = {
    "upload_file": {"s3:PutObject", "s3:AbortMultipartUpload"},  # in parts, where it is large
    "get_object": {"s3:GetObject", "s3:ListBucket"},  # without the latter what is not there is AccessDenied
    "delete_objects": {"s3:DeleteObject"},
    "list_objects_v2": {"s3:ListBucket"},
}


def allowed(stage: Stage, role: str) -> set[str]:
    """What a role may do in S3."""
    name = f"nova-sonic-server-app-{stage.name}-{role}"
    (policy,) = [
        each["policy"]
        for each in stage.all("aws_iam_role_policy")
        if each["role"] == stage.one("aws_iam_role", name=name)["id"]
    ]
    return {a for statement in json.loads(policy)["Statement"] for a in statement["Action"] if a.startswith("s3:")}


def lambda_environment(stage: Stage) -> Json:
    return dict(stage.one("aws_lambda_function")["environment"][0]["variables"])


def test_the_server_and_the_lambda_keep_recordings_in_the_bucket_that_is_made(stage: Stage) -> None:
    bucket = stage.one("aws_s3_bucket")["bucket"]
    server = {entry["name"]: entry["value"] for entry in stage.container()["environment"]}
    for environment in (server, lambda_environment(stage)):
        told = {name.lower(): value for name, value in environment.items() if name.startswith("RECORDINGS")}
        settings = Settings(_env_file=None, **told)
        assert (settings.recordings, settings.recordings_bucket) == ("s3", bucket)
        (rule,) = stage.one("aws_s3_bucket_lifecycle_configuration")["rule"]
        assert rule["expiration"][0]["days"] == settings.keep_calls_days


def test_the_bucket_is_closed_encrypted_and_destroyed_with_its_stage_only_where_nobody_needs_it(stage: Stage) -> None:
    closed = stage.one("aws_s3_bucket_public_access_block")
    for part in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
        assert closed[part], part
    (rule,) = stage.one("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "AES256"
    (denied,) = json.loads(stage.one("aws_s3_bucket_policy")["policy"])["Statement"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert stage.one("aws_s3_bucket")["force_destroy"] is (stage.name != "prod")
    assert not stage.all("aws_s3_bucket_versioning"), "what a customer has erased would stay"


def test_the_server_may_do_what_the_code_does_and_the_lambda_all_but_store(stage: Stage) -> None:
    source = ast.parse((ROOT / "data" / "recording_bucket.py").read_text())
    known = NEEDS.keys() | {"exceptions", "get_paginator"}  # the paginator's operation is one of them
    used = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self._client"
    }
    assert used <= known, "say in NEEDS what the new one is allowed by"
    assert allowed(stage, "task") == set().union(*(NEEDS[name] for name in used & NEEDS.keys()))
    assert allowed(stage, "api") == allowed(stage, "task") - NEEDS["upload_file"]
