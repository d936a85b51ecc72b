from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.twilio.phoned_server import STREAM, PhonedServer


@pytest.fixture
async def server() -> AsyncIterator[PhonedServer]:
    phoned = PhonedServer()
    phoned.document("/twilio/voice", f"<Connect>{STREAM}</Connect>")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", phoned.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    phoned.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield phoned
    await runner.cleanup()
