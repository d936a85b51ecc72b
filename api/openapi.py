"""docs/api.md, made from the application's own description.

python -m api.openapi > docs/api.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from agent.active_calls import ActiveCalls
from api.application import guard, mount, record_routers
from api.description import SCOPES, TAGS, operations
from api.errors import CODES, STATUSES
from api.health import health_routes, metrics_routes
from api.line import line_routes
from api.live import live_routes
from api.samples import SET_UP, Sample, success_of
from api.schemas import failures
from common.settings import Settings
from common.times import utcnow
from data.backends.sqlite import SqliteBackend
from data.store import Store

TRIED = (
    "`/docs` on a running server is the same as a page on which each route can be tried, `/openapi.json` the same for"
    " programs: OpenAPI 3.1, with a schema for every answer. Neither asks for a key. The tests ask the application for"
    " what stands in the examples below, and hold its answers to their schemas. Those in Python come after these lines:"
)
COMMON = tuple(str(status) for status in failures())  # the errors of every route that takes a key
NO_ROUTE = (
    'A path that does not exist is answered with 404 and `{"message", "path", "method"}`; a method that a path does not'
    " take with 405 and the same, and `Allow` has those that it takes."
)


def markdown(schema: dict[str, Any]) -> str:
    """Return the description as a page of documentation."""
    lines = ["# REST API", "", "Made by `python -m api.openapi`; do not edit.", "", schema["info"]["description"], ""]
    lines += [TRIED, "", "```python", SET_UP, "```", ""]
    group = None
    for path, method, operation in operations(schema):
        if (tag := operation["tags"][0]) != group:
            group = tag
            lines += [f"## {tag.capitalize()}", "", *([TAGS[tag], ""] if tag in TAGS else [])]
        lines += _route(schema, path, method, operation)
    lines += _errors()
    return "\n".join([*lines, *_models(schema)])


def _route(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"### {method.upper()} {path}", "", operation.get("description", operation["summary"]), ""]
    if scopes := operation.get(SCOPES):
        lines += [f"Scope: {' and '.join(f'`{scope}`' for scope in scopes)}.", ""]
    lines += _parameters(operation)
    if body := operation.get("requestBody"):
        lines += [f"Body: {_type(body['content']['application/json']['schema'])}.", ""]
    lines += _answers(schema, operation)
    sample = Sample.of(schema, path, method, operation)
    return [*lines, "```sh", sample.curl(), "```", "", "```python", sample.python(), "```", ""]


def _answers(schema: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    status, success = success_of(operation)
    others = [_failure(*each) for each in operation["responses"].items() if each[0] not in (status, *COMMON)]
    others += ["[those of every route](#errors)"] if {*COMMON} <= {*operation["responses"]} else []
    errors = f" Errors: {', '.join(others)}." if others else ""
    return [f"Answer {status}: {_answer(schema, success)}.{errors}", ""]


def _answer(schema: dict[str, Any], success: Mapping[str, Any]) -> str:
    """What is in `data`, or what comes instead of the envelope."""
    media_type, told = next(iter(success["content"].items()))
    if media_type != "application/json":
        return f"`{media_type}`"
    model = _resolve(schema, told["schema"])
    data = model["properties"].get("data")
    return f"{_type(data)} in `data`" if data else _type(told["schema"])


def _failure(status: str, said: dict[str, Any]) -> str:
    codes = ", ".join(f"`{code}`" for code in said.get("x-codes", {}))
    return f"[{status}](#errors) ({codes})" if codes else f"[{status}](#errors)"


def _errors() -> list[str]:
    lines = [
        "## Errors",
        "",
        f"Each route that takes a key may answer {', '.join(COMMON)}; others where they are named.",
        "",
    ]
    lines += ["| status | what it means |", "|---|---|"]
    lines += [f"| {status} | {meaning} |" for status, meaning in STATUSES.items()]
    lines += ["", "`code` is there where a program may want to tell several causes apart:", ""]
    lines += ["| status | `code` | of | what it means |", "|---|---|---|---|"]
    lines += [
        f"| {each.status} | `{each.code}` | {', '.join(sorted(each.tags)) or 'all'} | {each.meaning} |"
        for each in CODES
    ]
    return [*lines, "", NO_ROUTE, ""]


def _models(schema: dict[str, Any]) -> list[str]:
    lines = ["## Models", ""]
    for name, model in sorted(schema["components"]["schemas"].items()):
        if _is_ours(name):
            lines += [
                f"### {name}",
                "",
                *([model["description"], ""] if "description" in model else []),
                *_fields(model),
            ]
            if "example" in model:
                lines += ["```json", json.dumps(model["example"], ensure_ascii=False, indent=2), "```", ""]
    return lines


def _is_ours(name: str) -> bool:
    """Return False for the envelope, described at the top, and for FastAPI's own errors, which no route gives."""
    return not name.startswith("Found_") and name not in ("HTTPValidationError", "ValidationError")


def _parameters(operation: dict[str, Any]) -> list[str]:
    rows = [
        f"| `{each['name']}` | {each['in']} | {_type(each['schema'])} | {each.get('description', '')} |"
        for each in operation.get("parameters", [])
        if each["in"] != "path"
    ]
    return ["| parameter | in | type | |", "|---|---|---|---|", *rows, ""] if rows else []


def _fields(model: dict[str, Any]) -> list[str]:
    required = model.get("required", [])
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in required else 'no'} | {_about(field)} |"
        for name, field in model["properties"].items()
    ]
    return ["| field | type | required | |", "|---|---|---|---|", *rows, ""]


def _about(field: dict[str, Any]) -> str:
    return f"{'Personal. ' if field.get('x-personal') else ''}{field.get('description', '')}".strip()


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("format") or field.get("type", "any"))


def _resolve(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    name = str(field["$ref"]).rpartition("/")[2]
    return dict(schema["components"]["schemas"][name])


def described() -> FastAPI:
    """Return an application with every route, to be described and not to be run."""
    app = FastAPI(openapi_url=None)
    settings = Settings(_env_file=None)
    store = Store(SqliteBackend(Path(), utcnow))
    active_calls = ActiveCalls(1)
    mount(app, [*record_routers(settings, store), live_routes(active_calls), line_routes(settings, store)])
    app.include_router(metrics_routes())
    app.include_router(health_routes(active_calls))
    guard(app, settings)
    return app


def main() -> None:
    """Print docs/api.md."""
    print(markdown(described().openapi()))


if __name__ == "__main__":
    main()
