"""The Lambda entry: events of API Gateway in, the server's own answers out.

The events are of two makes. gateway_events.json was recorded from a local AWS, of HTTP APIs (payload 2.0) and of REST
APIs (1.0): see record_events.py. Beside them are events in the shapes of AWS's own documentation, for what the local
AWS does not do: a named stage of an HTTP API is part of the path on AWS, and single header values have their own case.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from fastapi import FastAPI

from api.application import mount, record_routers
from api.lambda_handler import with_secret_keys
from common.keys import digest
from common.settings import Settings
from data.backends.sqlite import SqliteBackend
from data.open import open_sqlite
from data.store import Store
from sandbox.hang import HANG_S
from tests.api.gateway_requests import REQUESTS, WITH_A_SLASH, Asked
from tests.api.record_events import EVENTS, recorded, written
from tests.api.rest_stage import call_record, seeded, serving
from tests.support.clocks import Clock

type Json = dict[str, Any]


def http_api_event(asked: Asked, stage: str) -> Json:
    """Payload format 2.0; a named stage is part of the path."""
    full = f"/{stage}{asked.path}" if stage != "$default" else asked.path
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(full),
        "rawQueryString": asked.query,
        "headers": {"host": "id.execute-api.us-east-1.amazonaws.com"} | asked.headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "http": {"method": asked.method, "path": full, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "request",
            "routeKey": "$default",
            "stage": stage,
            "time": "23/Nov/2026:15:00:00 +0000",
            "timeEpoch": 1795446000000,
        },
        "body": json.dumps(asked.body) if asked.body is not None else None,
        "isBase64Encoded": False,
    }


def rest_api_event(asked: Asked, stage: str) -> Json:
    """Payload format 1.0; the stage is not part of the path."""
    parameters = parse_qs(asked.query) or None
    headers = {"Host": "id.execute-api.us-east-1.amazonaws.com"} | asked.headers
    return {
        "resource": "/{proxy+}",
        "path": unquote(asked.path),
        "httpMethod": asked.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": parameters and {name: values[-1] for name, values in parameters.items()},
        "multiValueQueryStringParameters": parameters,
        "pathParameters": {"proxy": asked.path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": asked.method,
            "path": f"/{stage}{asked.path}",
            "stage": stage,
            "requestId": "request",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "t"},
        },
        "body": json.dumps(asked.body) if asked.body is not None else None,
        "isBase64Encoded": False,
    }


DOCUMENTED = REQUESTS + WITH_A_SLASH
RECORDED: dict[str, list[Json]] = json.loads(EVENTS.read_text(encoding="utf-8"))
CASES = {
    "HTTP API, recorded": (REQUESTS, RECORDED["HTTP API"], ""),
    "REST API, recorded": (REQUESTS, RECORDED["REST API"], ""),
    "HTTP API": (DOCUMENTED, [http_api_event(asked, "$default") for asked in DOCUMENTED], ""),
    "HTTP API, stage demo": (DOCUMENTED, [http_api_event(asked, "demo") for asked in DOCUMENTED], "/demo"),
    "REST API, stage demo": (DOCUMENTED, [rest_api_event(asked, "demo") for asked in DOCUMENTED], ""),
}


@pytest.mark.slow
def test_every_route_of_the_lambda_is_asked_for(tmp_path: Path, clock: Clock) -> None:
    app = FastAPI()
    mount(app, record_routers(Settings(_env_file=None), Store(SqliteBackend(tmp_path, clock))))
    for path, operations in app.openapi()["paths"].items():
        pattern = re.compile(re.sub(r"{\w+}", "[^/]+", path))
        asked = {each.method.lower() for each in REQUESTS if pattern.fullmatch(each.path)}
        assert operations.keys() <= asked, path


@pytest.mark.ministack
@pytest.mark.slow
def test_the_local_aws_makes_the_events_that_were_recorded() -> None:
    assert written(recorded()) == EVENTS.read_text(encoding="utf-8"), "run python -m tests.api.record_events"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CARLOS_HOME": str(tmp_path / "lambda"),
        "ADMIN_API_KEYS": f"operator:read+write+calls:sha256={digest('a-key-of-operator').hex()}",
        "LOGLEVEL": "ERROR",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.slow
async def test_the_lambda_answers_what_the_server_answers(
    kind: str, environment: None, tmp_path: Path, clock: Clock
) -> None:
    requests, events, stage = CASES[kind]
    for home in ("lambda", "server"):
        store = await open_sqlite(tmp_path / home / "carlos.db", clock)
        await seeded(store, clock)
        await store.save_call(call_record())
        await store.close()
    answers = _invoke([*events, *(_without_key(event) for event in events)])
    known, strangers = answers[: len(events)], answers[len(events) :]
    store = await open_sqlite(tmp_path / "server" / "carlos.db", clock)
    async with serving(store, tmp_path / "server", clock) as server:
        for asked, answer, refusal in zip(requests, known, strangers, strict=True):
            path = stage + asked.url  # of an answer that names its path
            expected = await server.http.request(asked.method, path, json=asked.body)
            assert (answer["statusCode"], answer["body"]) == (expected.status_code, expected.text), asked
            assert _told(answer["headers"]) == _told(expected.headers), asked
            assert refusal["statusCode"] == 401, asked
    await store.close()


def _without_key(event: Json) -> Json:
    kept = {
        name: {header: value for header, value in event[name].items() if header.lower() != "x-api-key"}
        for name in ("headers", "multiValueHeaders")
        if name in event
    }
    return event | kept


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _invoke(events: list[Json]) -> list[Json]:
    """In a process of its own, as Lambda does it: one handler, one event after the other. It is the clock's noon."""
    code = (
        "import json, sys\n"
        "from datetime import datetime\n"
        "import common.times\n"
        f"common.times.utcnow = lambda: datetime.fromisoformat('{Clock().now.isoformat()}')\n"
        "from api.lambda_handler import handler\n"
        "answers = [handler(event, None) for event in json.load(sys.stdin)]\n"
        "json.dump(answers, sys.stdout)\n"
    )
    answers: list[Json] = json.loads(_run(code, events))
    return answers


def _run(code: str, events: list[Json]) -> str:
    """Return what the code says, which gets the events on its standard input."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(events),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=True,
        env=dict(os.environ),
    )
    return done.stdout


@pytest.mark.slow
def test_each_request_leaves_one_line_that_names_nobody(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGLEVEL", "INFO")
    asked = (Asked("GET", "/orders/28456789", "email=ana%40example.com"), Asked("GET", "/ana@example.com"))
    code = (
        "import json, sys\n"
        "from types import SimpleNamespace\n"
        "from api.lambda_handler import handler\n"
        "for event in json.load(sys.stdin):\n"
        "    handler(event, SimpleNamespace(aws_request_id='c6af9ac6-7b61-11e6-9a41-93e812345678'))\n"
    )
    events = [http_api_event(each, "$default") for each in asked] + [rest_api_event(each, "demo") for each in asked]
    done = _run(code, events)
    lines = [json.loads(line) for line in done.splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [("/orders/{order_id}", 404), ("(no route)", 404)] * 2
    for line in lines:
        assert line["request"] == "request"
        assert line["invocation"] == "c6af9ac6-7b61-11e6-9a41-93e812345678"
        assert line["ms"] >= 0
    for personal in ("28456789", "ana", "192.0.2.1"):
        assert personal not in done


@pytest.mark.slow
def test_the_entry_imports_nothing_that_only_calls_need() -> None:
    code = (
        "import sys, api.lambda_handler\n"
        "unwanted = {'pipecat', 'numpy', 'awscrt', 'aws_sdk_bedrock_runtime', 'uvicorn', 'sandbox', 'telephony'}\n"
        "print(sorted(unwanted & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_lambda_without_keys_is_open_to_nobody(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADMIN_API_KEYS")
    events = [http_api_event(asked, "$default") for asked in (Asked("GET", "/orders"), Asked("GET", "/calls"))]
    for event in events:
        event["headers"] = {"host": "localhost"}
    assert [answer["statusCode"] for answer in _invoke(events)] == [401, 401]


def test_the_keys_may_lie_in_secrets_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:
            return {"SecretString": SecretId}

    monkeypatch.setattr("boto3.client", lambda *names, **options: Secrets())

    def keys_of(text: str) -> list[str]:
        settings = with_secret_keys(Settings(_env_file=None, admin_api_keys_secret=text))
        return [key.get_secret_value() for key in settings.admin_api_keys]

    hashed = f"sha256={digest('a-key').hex()}"
    assert keys_of(f"ana:read:{hashed}, bea:write:{hashed},") == [f"ana:read:{hashed}", f"bea:write:{hashed}"]
    for bad, sentence in (
        ("foo", "is not name:scopes:sha256=<hash>"),
        (f"ana:admin:{hashed}", "is not name:scopes:sha256=<hash>"),
        ("ana:read:sha256=zzz", "has a hash that is not 64 hexadecimal digits"),
        ("ana:read:in-clear", "holds a key in clear"),
    ):
        with pytest.raises(ValueError, match=f"ADMIN_API_KEYS: entry 2 {sentence}") as caught:
            keys_of(f"ana:read:{hashed},{bad}")
        assert bad not in str(caught.value)


def test_keys_of_the_environment_are_checked_alike() -> None:
    with pytest.raises(ValueError, match="holds a key in clear"):
        with_secret_keys(Settings(_env_file=None, admin_api_keys="ana:read:in-clear"))
