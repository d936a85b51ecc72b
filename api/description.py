"""What an application says of itself: its OpenAPI schema, with the ways in, at `/openapi.json`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import JSONResponse

from api.access import needed
from api.envelope import Json
from api.errors import describe_failures
from api.schemas import Failure
from common.masking import personal

TITLE = "Carlos"
VERSION = "1.0"
ABOUT = (
    "Orders, appointments, calls and facts of Carlos, the phone voice agent. Send a key as `X-Api-Key`, or a bearer"
    " token. Every route is also served under `/demo`, where the original client expects it. Every answer is"
    ' `{"success", "data", "message"}`, or `{"success": false, "error", "message", "code"}`. Lists come in pages: where'
    " more follows, `X-Next-Cursor` is the `cursor` of the next page and `Link` leads to it, and a list that no `limit`"
    " was asked of says `truncated` in its message. Long lists come as gzip to clients that take it, HEAD is answered"
    " wherever GET is, and days are days in Buenos Aires."
)
SECURITY = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
TAGS = {  # in this order
    "orders": "What customers have ordered. Money is in whole units and cents, as a number.",
    "appointments": "Who comes when, to which doctor. Times are UTC, and those of the rules Buenos Aires'.",
    "calls": "What was said and done, also in calls on the line, and what each day's came to. Without the scope `calls`"
    " what is personal is masked.",
    "callbacks": "Callers who asked to be called.",
    "customers": "Everything that is kept of one person, to hand over or to erase.",
    "doctors": "Who takes appointments.",
    "facts": "What Carlos may say and offer, in the keys of the file (docs/facts.md), and what callers asked in vain.",
    "line": "Who may ring, and whom callers are passed on to. A process that takes no calls, such as the Lambda, has no"
    " such route.",
    "webhooks": "Events that other systems are told of (docs/webhooks.md): what was given up, and how receivers do.",
    "me": "What a key may do.",
    "operators": "For monitoring and load balancers.",
}
SCOPES = "x-scopes"  # of an operation: what a key must have; absent where none is needed


def describe(app: FastAPI) -> None:
    """Give the application a description with its ways in, and the route to it. Make the application without one:
    `FastAPI(openapi_url=None)`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=TITLE, version=VERSION, description=ABOUT, routes=app.routes)
            components = schema.setdefault("components", {})
            components["securitySchemes"] = SECURITY
            components["schemas"] = dict(sorted((components.get("schemas", {}) | _failure()).items()))
            schema["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]
            schema["paths"] = dict(sorted(schema["paths"].items(), key=_place))
            _mark_personal(schema)
            for path, method, operation in operations(schema):
                if scopes := needed(method.upper(), path):
                    operation["security"] = [{name: []} for name in SECURITY]
                    operation[SCOPES] = sorted(scopes)
                if "requestBody" not in operation:
                    operation["responses"].pop("422", None)  # a bad parameter is a 400 here
                _require_version(operation)
                describe_failures(method, path, operation)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    lock = asyncio.Lock()

    async def description() -> JSONResponse:
        async with lock:  # it takes a fifth of a second to make, once, and calls go on meanwhile
            return Json(await asyncio.to_thread(openapi))

    app.add_api_route("/openapi.json", description, include_in_schema=False)


def _failure() -> dict[str, Any]:
    """The model that every route's failures refer to, and its parts."""
    models = [(Failure, "serialization")]
    _, told = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return dict(told["$defs"])


def _place(path: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    """Where a path stands: with the others of its tag; those of a tag that nobody has told of, at the end."""
    name, methods = path
    tag = next(iter(methods.values())).get("tags", [""])[0]
    return [*TAGS, tag].index(tag), name


def _mark_personal(schema: dict[str, Any]) -> None:
    """`x-personal` on each field that a key without the scope `calls` sees masked in calls, unless it says itself that
    it only has the name of one."""
    for model in schema["components"].get("schemas", {}).values():
        for name, field in model.get("properties", {}).items():
            if personal(name):
                field.setdefault("x-personal", True)


def _require_version(operation: dict[str, Any]) -> None:
    """FastAPI must not check that `If-Match` is there where a route does, whose 428 says what to do."""
    if "428" in operation["responses"]:
        (header,) = (each for each in operation["parameters"] if each["name"] == "if-match")
        header["required"] = True


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of every route of an OpenAPI schema."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
