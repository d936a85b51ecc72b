"""docs/api.md, made from the application's own description.

python -m api.openapi > docs/api.md
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from agent.active_calls import ActiveCalls
from api.application import guard, mount, record_routers
from api.description import operations
from api.health import health_routes, metrics_routes
from api.line import line_routes
from api.live import live_routes
from common.settings import Settings
from common.times import utcnow
from data.backends.sqlite import SqliteBackend
from data.store import Store


def markdown(schema: dict[str, Any]) -> str:
    """Return the description as a page of documentation."""
    lines = ["# REST API", "", "Made by `python -m api.openapi`; do not edit.", "", schema["info"]["description"], ""]
    for path, method, operation in operations(schema):
        lines += [f"## {method.upper()} {path}", "", operation.get("description", operation["summary"]), ""]
        lines += _parameters(operation)
        if body := operation.get("requestBody"):
            model = _resolve(schema, body["content"]["application/json"]["schema"])
            lines += _fields(schema, model)
            if "example" in model:
                example = json.dumps(model["example"], ensure_ascii=False, indent=2)
                lines += ["```json", example, "```", ""]
        lines += [f"Answers: {', '.join(operation['responses'])}.", ""]
    return "\n".join(lines)


def _parameters(operation: dict[str, Any]) -> list[str]:
    rows = [
        f"| `{each['name']}` | {each['in']} | {_type(each['schema'])} | {each.get('description', '')} |"
        for each in operation.get("parameters", [])
        if each["in"] != "path"
    ]
    return ["| parameter | in | type | |", "|---|---|---|---|", *rows, ""] if rows else []


def _fields(schema: dict[str, Any], model: dict[str, Any]) -> list[str]:
    required = model.get("required", [])
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in required else 'no'} | {_about(field)} |"
        for name, field in model["properties"].items()
    ]
    return ["| field | type | required | |", "|---|---|---|---|", *rows, ""]


def _about(field: dict[str, Any]) -> str:
    return f"{'Personal. ' if 'x-personal' in field else ''}{field.get('description', '')}".strip()


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("format") or field.get("type", "any"))


def _resolve(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    name = str(field["$ref"]).rpartition("/")[2]
    return dict(schema["components"]["schemas"][name])


def described() -> FastAPI:
    """Return an application with every route, to be described and not to be run."""
    app = FastAPI()
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
