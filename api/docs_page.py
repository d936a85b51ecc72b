"""`/docs`: the API's description as a page, from files of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

PAGES = {"": "index.html", "/docs.js": "docs.js", "/docs.css": "docs.css"}


def docs_routes() -> APIRouter:
    """Return the page and what it loads."""
    router = APIRouter(include_in_schema=False)
    folder = Path(str(files("api").joinpath("static", "docs")))
    for path, name in PAGES.items():
        router.add_api_route(f"/docs{path}", _page(folder / name), methods=["GET"])
    return router


def _page(path: Path) -> Callable[[], Awaitable[FileResponse]]:
    async def page() -> FileResponse:
        return FileResponse(path)

    return page
