"""The page a person finds at the server's address."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Carlos</title>
<style>body{{font:18px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}}
code{{background:#8882;padding:.1em .3em;border-radius:.2em}}.notice{{border-left:4px solid #c80;padding-left:1rem}}
</style>
<h1>Carlos</h1>
<p>The phone voice agent is running. Place a call on recorded speech with <code>make call</code>.</p>
{notice}
<p><a href="/ready">Is it ready?</a></p>
</html>
"""


def console_routes(notice: str | None) -> APIRouter:
    """`GET /`. `notice` says which parts are stand-ins."""
    said = f'<p class="notice">Sonic is a <strong>stand-in</strong> here: {escape(notice)}.</p>' if notice else ""
    page = PAGE.format(notice=said)
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_class=HTMLResponse)
    async def console() -> str:
        return page

    return router
