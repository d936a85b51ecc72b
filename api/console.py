"""The page that a person finds at the server's address: files of `static/console`, read once and served as they are,
and the tools' labels.

Nothing is built and nothing comes from elsewhere: the content security policy allows this server alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tools import follow_up
from tools.catalogue import TOOLS

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
HEADERS = {
    # A WebSocket of this server counts as 'self' (Content Security Policy 3); blob: is a recording being played.
    "Content-Security-Policy": (
        "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self)",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # asked for again each time, and answered with 304
}
STANDIN, TOKENS = b"{{standin}}", b"{{tokens}}"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is served."""

    content: bytes
    media_type: str
    etag: str

    def response(self, request: Request) -> Response:
        headers = {**HEADERS, "ETag": self.etag}
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def console_routes(standin: str, *, tokens: bool = False) -> APIRouter:
    """Return `GET /` and `GET /console/…`. `standin` is what a stand-in for Sonic takes, "speech" or "text", and empty
    where there is none; with `tokens` the page fetches one of `POST /browser/tokens` for each of its sockets."""
    assets = load_assets()
    template = assets.pop("index.html")
    content = template.content.replace(STANDIN, escape(standin).encode())
    page = asset("index.html", content.replace(TOKENS, b"needed" if tokens else b""))
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def console(request: Request) -> Response:
        return page.response(request)

    @router.get("/favicon.ico")
    async def icon(request: Request) -> Response:
        return assets["icon.svg"].response(request)

    @router.get("/console/{path:path}")
    async def file(request: Request, path: str) -> Response:
        found = assets.get(path)
        return found.response(request) if found else PlainTextResponse("Not found", 404, HEADERS)

    return router


def load_assets() -> dict[str, Asset]:
    """Return every file of the console by its path; no other can be asked for."""
    found = _walk(files("api").joinpath("static", "console")) | {"words/tools.js": _tool_labels()}
    return {path: asset(path, content) for path, content in found.items()}


def asset(path: str, content: bytes) -> Asset:
    return Asset(content, TYPES[path.rpartition(".")[2]], f'"{hashlib.sha256(content).hexdigest()[:16]}"')


def _tool_labels() -> bytes:
    """Return a module like those in `words/`: what people read instead of a tool's name, from its declaration."""
    named = [*((tool.name, tool.label) for tool in TOOLS), (follow_up.NAME, follow_up.LABEL)]
    labels = {
        "en": {f"tool.{name}": label.en for name, label in named},
        "es": {f"tool.{name}": label.es for name, label in named},
    }
    lines = (f"export const {name} = {json.dumps(words, ensure_ascii=False)};\n" for name, words in labels.items())
    return "".join(lines).encode()


def _walk(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _walk(entry, f"{prefix}{entry.name}/")
        else:
            found[prefix + entry.name] = entry.read_bytes()
    return found
