"""`/docs`: the API's description as a page, from files of ours in `static/docs` and the console's colours.

Ours, and not Swagger UI or Scalar: docs/console.md says why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.console import Asset, asset


def docs_routes() -> APIRouter:
    """Return the page and what it loads."""
    router = APIRouter(include_in_schema=False)
    for path, found in docs_assets().items():
        router.add_api_route(path, _served(found), methods=["GET"])
    return router


def docs_assets() -> dict[str, Asset]:
    """Return every file of the page by its path on the server."""
    folder = files("api").joinpath("static", "docs")
    return {
        "/docs" if entry.name == "index.html" else f"/docs/{entry.name}": asset(entry.name, entry.read_bytes())
        for entry in folder.iterdir()
    }


def _served(found: Asset) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return found.response(request)

    return serve
