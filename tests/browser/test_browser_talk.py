"""`carlos talk` with a server: a script's lines are answered one by one, and the end is polite."""

from __future__ import annotations

import asyncio
import io
from urllib.parse import urlsplit

import pytest

from carlos.talk.session import talk
from carlos.talk.terminal import PlainScreen
from sandbox.sonic.script import Say, ScriptTurn
from tests.browser.browser_stage import GREETING, Serve
from tests.support.waiting import bounded

pytestmark = pytest.mark.slow


async def test_a_script_of_two_lines_is_answered_in_order(serve: Serve) -> None:
    served = await serve([GREETING, ScriptTurn((Say("Sí, decime."),)), ScriptTurn((Say("Gracias."),))])
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    for line in ("Quiero [seguir] mi pedido", "Nada más", "/colgar"):
        lines.put_nowait(line)
    out = io.StringIO()
    async with bounded():
        status = await talk(
            f"http://{urlsplit(served.url).netloc}", lines, PlainScreen(out), asyncio.Event(), waits=True
        )
    assert status == 0
    assert out.getvalue().splitlines() == [
        "Carlos: Hola.",
        "Carlos: Sí, decime.",
        "Carlos: Gracias.",
        "The conversation is over.",
    ]
    record = await served.record()
    assert [turn.text for turn in record.turns if turn.role == "caller"] == ["Quiero (seguir) mi pedido", "Nada más"]
    assert record.outcome == "caller_left"
