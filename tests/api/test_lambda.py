"""The Lambda entry: events of API Gateway in, the server's own answers out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.lambda_handler import with_secret_keys
from carlos.settings import Settings
from data.open import open_sqlite
from tests.api.rest_stage import CALL_ID, call_record, key_of, seeded, serving
from tests.conftest import Clock

ROUTES: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("GET", "/orders", "", None),
    ("GET", "/orders", "status=pending&limit=1", None),
    ("GET", "/orders/1", "", None),
    ("GET", "/orders/99", "", None),
    ("GET", "/appointments", "", None),
    ("GET", "/appointments", "date=2026-11-25", None),
    ("GET", "/appointments", "date=x", None),
    ("GET", "/appointments/2", "", None),
    ("GET", "/calls", "", None),
    ("GET", f"/calls/{CALL_ID}", "", None),
    ("GET", f"/calls/{CALL_ID}/transcript", "", None),
    ("GET", f"/calls/{CALL_ID}/audio", "", None),
    ("GET", "/nothing", "", None),
    ("PUT", "/orders/2", "", {"trackingNumber": "TRK5"}),
    ("POST", "/orders", "", {"customerName": ""}),
    ("DELETE", "/appointments/8", "", None),
    ("POST", "/customers/export", "", {"email": "ana.rodriguez@email.com"}),
]


def http_api_event(
    method: str, path: str, query: str, body: Any, headers: dict[str, str], stage: str
) -> dict[str, Any]:
    """Payload format 2.0; a named stage is part of the path."""
    full = f"/{stage}{path}" if stage != "$default" else path
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": full,
        "rawQueryString": query,
        "headers": {"host": "id.execute-api.us-east-1.amazonaws.com", **headers},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "http": {"method": method, "path": full, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "request",
            "routeKey": "$default",
            "stage": stage,
            "time": "23/Nov/2026:15:00:00 +0000",
            "timeEpoch": 1795446000000,
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def rest_api_event(
    method: str, path: str, query: str, body: Any, headers: dict[str, str], stage: str
) -> dict[str, Any]:
    """Payload format 1.0; the stage is not part of the path."""
    parameters = dict(pair.split("=") for pair in query.split("&")) if query else None
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "id.execute-api.us-east-1.amazonaws.com", **headers},
        "multiValueHeaders": {"Host": ["id"], **{name: [value] for name, value in headers.items()}},
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": parameters and {name: [value] for name, value in parameters.items()},
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/{stage}{path}",
            "stage": stage,
            "requestId": "request",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "t"},
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


EVENTS = {
    "HTTP API": (http_api_event, "$default"),
    "HTTP API, stage demo": (http_api_event, "demo"),
    "REST API, stage demo": (rest_api_event, "demo"),
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CARLOS_HOME": str(tmp_path / "lambda"),
        "ADMIN_API_KEYS": "operator:read+write+calls:a-key-of-operator",
        "LOGLEVEL": "ERROR",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", EVENTS)
async def test_the_lambda_answers_what_the_server_answers(
    kind: str, environment: None, tmp_path: Path, clock: Clock
) -> None:
    make, stage = EVENTS[kind]
    for home in ("lambda", "server"):
        store = await open_sqlite(tmp_path / home / "carlos.db", clock)
        await seeded(store, clock)
        await store.save_call(call_record())
        await store.close()
    events = []
    for method, path, query, body in ROUTES:
        for headers in ({**key_of("operator"), "Content-Type": "application/json"}, {}):
            events.append(make(method, path, query, body, headers, stage))
    answers = _invoke(events)
    store = await open_sqlite(tmp_path / "server" / "carlos.db", clock)
    async with serving(store, tmp_path / "server", clock) as server:
        for number, (method, path, query, body) in enumerate(ROUTES):
            url = f"{path}?{query}" if query else path
            expected = await server.http.request(method, url, json=body)
            known, stranger = answers[2 * number], answers[2 * number + 1]
            told = known["body"].replace(f'"path":"/{stage}', '"path":"')
            assert (known["statusCode"], _timeless(told)) == (expected.status_code, _timeless(expected.text)), url
            assert stranger["statusCode"] == 401, url
    await store.close()


def _timeless(body: str) -> str:
    """Without the moment of a change."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return body
    if isinstance(parsed.get("data"), dict):
        parsed["data"].pop("updatedAt", None)
    return json.dumps(parsed)


def _invoke(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In a process of its own, as Lambda does it: one handler, one event after the other."""
    code = (
        "import json, sys\n"
        "from api.lambda_handler import handler\n"
        "answers = [handler(event, None) for event in json.load(sys.stdin)]\n"
        "json.dump(answers, sys.stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(events),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=dict(os.environ),
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_the_entry_imports_nothing_that_only_calls_need() -> None:
    code = (
        "import sys, api.lambda_handler\n"
        "unwanted = {'pipecat', 'numpy', 'awscrt', 'aws_sdk_bedrock_runtime', 'uvicorn', 'sandbox', 'telephony'}\n"
        "print(sorted(unwanted & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_lambda_without_keys_is_open_to_nobody(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADMIN_API_KEYS")
    events = [
        http_api_event("GET", path, "", None, {"host": "localhost"}, "$default") for path in ("/orders", "/calls")
    ]
    assert [answer["statusCode"] for answer in _invoke(events)] == [401, 401]


def test_the_keys_may_lie_in_secrets_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:
            return {"SecretString": f"ana:read:{SecretId}-1, bea:write:key"}

    monkeypatch.setattr("boto3.client", lambda *names, **options: Secrets())
    settings = with_secret_keys(Settings(_env_file=None, admin_api_keys_secret="arn"))
    assert [key.get_secret_value() for key in settings.admin_api_keys] == ["ana:read:arn-1", "bea:write:key"]
