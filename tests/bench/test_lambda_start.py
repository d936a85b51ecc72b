"""The benchmark of a Lambda's start, on a package that is small."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.lambda_start import Start, empty_dynamodb, medians, start, without_bytecode

HANDLER = """\
import os
from urllib.request import urlopen

def handler(event, context):
    with urlopen(os.environ["DYNAMODB_ENDPOINT"], data=b"{}") as answer:
        asked = answer.read()
    return {"statusCode": 200 if b"Items" in asked and event["rawPath"] == "/orders" else 500}
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "api" / "__pycache__").mkdir(parents=True)
    (folder / "api" / "lambda_handler.py").write_text(HANDLER)
    return folder


def test_a_package_is_started_with_nothing_but_what_is_in_it(package: Path) -> None:
    with empty_dynamodb() as endpoint:
        started = start(package, endpoint)
        assert min(started.imported, started.first_request, started.warm_request) >= 0
        (package / "api" / "lambda_handler.py").write_text("import fastapi\n")
        with pytest.raises(RuntimeError, match="No module named 'fastapi'"):
            start(package, endpoint)


def test_an_answer_that_is_none_is_no_figure(package: Path) -> None:
    (package / "api" / "lambda_handler.py").write_text("def handler(event, context): return {'statusCode': 401}\n")
    with pytest.raises(RuntimeError, match="the package answers 401"):
        start(package, "http://127.0.0.1:9")


def test_the_package_without_bytecode_is_the_same_sources(package: Path, tmp_path: Path) -> None:
    (package / "api" / "__pycache__" / "lambda_handler.cpython-313.pyc").write_bytes(b"")
    copy = without_bytecode(package, tmp_path / "copy")
    assert [path.name for path in sorted(copy.rglob("*"))] == ["api", "lambda_handler.py"]


def test_a_cold_start_is_the_import_and_the_first_request() -> None:
    told = medians([Start(1, 0.5, 0.01), Start(2, 0.25, 0.03), Start(3, 0.5, 0.02)])
    assert told == {"cold_s": 2.25, "imported_s": 2, "first_request_s": 0.5, "warm_request_s": 0.02}
