"""Records what a local AWS gives to a Lambda for each of our requests: tests/api/gateway_events.json.

python -m tests.api.record_events

There is no AWS here. ministack stands in for it: its HTTP API makes events of payload format 2.0, its REST API events
of 1.0. A small Lambda behind both answers with the event that it was given. What differs from run to run (ids, times)
and what tells of this machine (hosts, addresses) is replaced.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx2 as httpx

from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION, ministack
from tests.api.gateway_requests import REQUESTS, Asked

EVENTS = Path(__file__).with_name("gateway_events.json")
STAGE = "demo"  # of the REST API; the HTTP API has $default, which is not part of the path
ECHO = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
REPLACED = {
    "accountId": "123456789012",
    "apiId": "recorded",
    "domainName": "recorded.execute-api.localhost",
    "extendedRequestId": "request",
    "host": "recorded.execute-api.localhost",
    "requestId": "request",
    "requestTime": "23/Nov/2026:15:00:00 +0000",
    "requestTimeEpoch": 1795446000000,
    "resourceId": "resource",
    "sourceIp": "192.0.2.1",
    "time": "23/Nov/2026:15:00:00 +0000",
    "timeEpoch": 1795446000000,
}

type Json = dict[str, Any]


def recorded() -> dict[str, list[Json]]:
    """The events of all requests, by the kind of gateway that made them."""
    with ministack() as endpoint:
        session = boto3.Session(*CREDENTIALS, region_name=REGION)
        function = _function(session.client("lambda", endpoint_url=endpoint))
        http_api = _http_api(session.client("apigatewayv2", endpoint_url=endpoint), function)
        rest_api = _rest_api(session.client("apigateway", endpoint_url=endpoint), function)
        return {
            "HTTP API": _events(endpoint, http_api, "", REQUESTS),
            "REST API": _events(endpoint, rest_api, f"/{STAGE}", REQUESTS),
        }


def _function(client: Any) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("echo.py", ECHO)
    made = client.create_function(
        FunctionName="echo",
        Runtime="python3.13",
        Handler="echo.handler",
        Role="arn:aws:iam::000000000000:role/local",
        Code={"ZipFile": package.getvalue()},
    )
    return str(made["FunctionArn"])


def _http_api(client: Any, function: str) -> str:
    api = client.create_api(Name="echo", ProtocolType="HTTP")["ApiId"]
    made = client.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
    )
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{made['IntegrationId']}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return str(api)


def _rest_api(client: Any, function: str) -> str:
    api = client.create_rest_api(name="echo")["id"]
    (root,) = client.get_resources(restApiId=api)["items"]
    proxy = client.create_resource(restApiId=api, parentId=root["id"], pathPart="{proxy+}")["id"]
    where = {"restApiId": api, "resourceId": proxy, "httpMethod": "ANY"}
    client.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
    client.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    client.create_deployment(restApiId=api, stageName=STAGE)
    return str(api)


def _events(endpoint: str, api: str, prefix: str, requests: Sequence[Asked]) -> list[Json]:
    host = {"host": f"{api}.execute-api.localhost", "user-agent": "a client", "accept-encoding": "gzip"}
    events = []
    with httpx.Client(base_url=endpoint, timeout=HANG_S) as client:
        for asked in requests:
            answer = client.request(asked.method, prefix + asked.url, headers=host | asked.headers, json=asked.body)
            events.append(_scrubbed(answer.raise_for_status().json()))
    return events


def _scrubbed(part: Any, name: str = "") -> Any:
    if name.lower() in REPLACED and isinstance(part, list):
        return [REPLACED[name.lower()]]
    if isinstance(part, Mapping):
        return {key: _scrubbed(value, key) for key, value in part.items()}
    return REPLACED.get(name, part)


def written(events: Mapping[str, Sequence[Json]]) -> str:
    """One event a line."""
    kinds = [
        f"{json.dumps(kind)}: [\n" + ",\n".join(json.dumps(event, ensure_ascii=False) for event in made)
        for kind, made in events.items()
    ]
    return "{" + "\n],\n".join(kinds) + "\n]}\n"


def main() -> None:
    EVENTS.write_text(written(recorded()), encoding="utf-8")


if __name__ == "__main__":
    main()
