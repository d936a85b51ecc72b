"""The API described: OpenAPI for machines, `/docs` for people, and docs/api.md, which is made here.

python -m api.reference > docs/api.md
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import FileResponse

from api.access import needed
from carlos.masking import personal

TITLE = "Carlos"
VERSION = "1.0"
ABOUT = (
    "Orders, appointments and calls of Carlos, the phone voice agent. Send a key as `X-Api-Key`, or a bearer token."
    " Every route is also served under `/demo`, where the original client expects it. Every answer is"
    ' `{"success", "data", "message"}`, or `{"success": false, "error", "message", "code"}`. Lists come in pages: where'
    " more follows, `X-Next-Cursor` is the `cursor` of the next page and `Link` leads to it, and a list that no `limit`"
    " was asked of says `truncated` in its message."
)
SECURITY = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
PAGES = {"": "index.html", "/docs.js": "docs.js", "/docs.css": "docs.css"}


def describe(app: FastAPI) -> None:
    """Give the application a description with its ways in."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=TITLE, version=VERSION, description=ABOUT, routes=app.routes)
            schema.setdefault("components", {})["securitySchemes"] = SECURITY
            _mark_personal(schema)
            for path, method, operation in _operations(schema):
                if needed(method.upper(), path):
                    operation["security"] = [{name: []} for name in SECURITY]
                if "requestBody" not in operation:
                    operation["responses"].pop("422", None)  # a bad parameter is a 400 here
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _mark_personal(schema: dict[str, Any]) -> None:
    """`x-personal` on each field that a key without the scope `calls` sees masked in calls."""
    for model in schema["components"].get("schemas", {}).values():
        for name, field in model.get("properties", {}).items():
            if personal(name):
                field["x-personal"] = True


def reference_routes() -> APIRouter:
    """`/docs`: the description as a page, from files of ours."""
    router = APIRouter(include_in_schema=False)
    folder = Path(str(files("api").joinpath("static", "docs")))
    for path, name in PAGES.items():
        router.add_api_route(f"/docs{path}", _page(folder / name), methods=["GET"])
    return router


def _page(path: Path) -> Callable[[], Awaitable[FileResponse]]:
    async def page() -> FileResponse:
        return FileResponse(path)

    return page


def markdown(schema: dict[str, Any]) -> str:
    """The description as a page of documentation."""
    lines = ["# REST API", "", "Made by `python -m api.reference`; do not edit.", "", schema["info"]["description"], ""]
    for path, method, operation in _operations(schema):
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


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


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
    """The application with every route, to be described and not to be run."""
    from agent.switchboard import Switchboard
    from api.application import guard, mount, record_routers
    from api.health import health_routes, metrics_routes
    from api.live import live_routes
    from carlos.settings import Settings
    from data.sqlite import SqliteBackend
    from data.store import Store
    from data.times import utcnow

    app = FastAPI()
    settings = Settings(_env_file=None)
    store = Store(SqliteBackend(Path(), utcnow))
    switchboard = Switchboard(1)
    mount(app, [*record_routers(settings, store), live_routes(switchboard)])
    app.include_router(metrics_routes())
    app.include_router(health_routes(switchboard))
    guard(app, settings)
    return app


def main() -> None:
    """Print docs/api.md."""
    print(markdown(described().openapi()))


if __name__ == "__main__":
    main()
