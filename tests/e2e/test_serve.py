"""`carlos serve` as a child process, as `make run` starts it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from common.running import RunningServer, running_server
from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.twilio.caller import RecordedCaller
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.phone import find_running
from sandbox.twilio.stream import Act
from tests.e2e.running import environment
from tests.support.servers import carlos_serve, free_port, printed
from tests.support.sonic import sonic
from tests.support.waiting import bounded, until, until_answered

pytestmark = pytest.mark.slow


async def ready(port: int) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"http://localhost:{port}/ready") as response:
        return response.status


async def test_it_says_what_to_open_what_to_dial_and_what_is_a_stand_in(tmp_path: Path) -> None:
    port = free_port()
    env = {"CARLOS_HOME": str(tmp_path), "HOST": "localhost", "WS_PORT": str(port), "SONIC": "local"}
    async with carlos_serve(env) as process:
        lines = await printed(process, "stand-in")
        assert [line.split()[0] for line in lines if line[0] != " "] == ["open", "say", "dial", "stand-in"]
        assert f"http://localhost:{port}/" in lines[0]

        async def is_ready() -> bool:
            return await ready(port) == 200

        await until_answered(is_ready)
        assert await find_running(tmp_path) == RunningServer(f"http://localhost:{port}", process.pid)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert running_server(tmp_path) is None


@pytest.mark.slow
async def test_sigterm_lets_a_live_call_end_and_admits_no_other(tmp_path: Path) -> None:
    port = free_port()
    greeting = scripted([ScriptTurn((Say("Hola."),))])
    async with sonic(tmp_path, greeting) as standin, TwilioDouble(f"http://localhost:{port}") as twilio:
        env = environment(tmp_path, standin, twilio) | {"DRAIN_SECONDS": "600", "WS_PORT": str(port)}
        async with carlos_serve(env) as process, bounded():
            await printed(process)
            call = twilio.dial(Quiet())
            placed = asyncio.create_task(call.run())
            await until(lambda: call.first_audio_ms is not None)
            process.send_signal(signal.SIGTERM)

            async def drains() -> bool:
                return await ready(port) == 503

            await until_answered(drains)
            refused = twilio.dial(RecordedCaller([]))
            await refused.run()
            assert [type(verb).__name__ for verb in refused.verbs][0] == "Say"
            assert call.live, "the signal has not cut it"
            call.hang_up()
            await placed
            assert await process.wait() == 0


class Quiet:
    """A caller who says nothing."""

    def listen(self, heard: bytes) -> Act:
        return Act()
