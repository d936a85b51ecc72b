"""`carlos serve` as a child process, as `make run` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.sonic.server import SonicServer
from sandbox.twilio.caller import RecordedCaller
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.server import free_port
from sandbox.twilio.stream import Act
from tests.e2e.running import KEYS


@asynccontextmanager
async def serving(home: Path, port: int, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "carlos.cli",
        "serve",
        env=os.environ | {"CARLOS_HOME": str(home), "HOST": "localhost", "WS_PORT": str(port)} | env,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def lines_until(process: asyncio.subprocess.Process, word: bytes) -> list[str]:
    """What it prints for people, up to the line with `word`."""
    assert process.stderr is not None
    lines: list[str] = []
    async with asyncio.timeout(60):
        async for line in process.stderr:
            lines.append(line.decode().rstrip())
            if word in line:
                return lines
    raise AssertionError(f"it stopped: {lines}")


async def ready(port: int) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"http://localhost:{port}/ready") as response:
        return response.status


async def test_it_says_what_to_open_what_to_dial_and_what_is_a_stand_in(tmp_path: Path) -> None:
    port = free_port()
    async with serving(tmp_path, port, SONIC="local") as process:
        lines = await lines_until(process, b"stand-in")
        assert [line.split()[0] for line in lines] == ["open", "dial", "stand-in"]
        assert f"http://localhost:{port}/" in lines[0]
        assert await ready(port) == 200


@pytest.mark.slow
async def test_sigterm_lets_a_live_call_end_and_admits_no_other(tmp_path: Path) -> None:
    greeting = scripted([ScriptTurn((Say("Hola."),))])
    sonic = SonicServer(greeting, credentials=KEYS, ca_dir=tmp_path)
    await sonic.start()
    port = free_port()
    env = {
        "AWS_ACCESS_KEY_ID": KEYS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key,
        "SONIC": "bedrock",
        "SONIC_ENDPOINT": sonic.endpoint,
        "SONIC_CA_FILE": str(sonic.ca_file),
        "DRAIN_SECONDS": "30",
    }
    base = f"http://localhost:{port}"
    async with TwilioDouble(base) as twilio:
        env |= {"TWILIO_AUTH_TOKEN": twilio.account.auth_token, "TWILIO_ACCOUNT_SID": twilio.account.sid}
        env |= {"TWILIO_API_BASE": twilio.rest.base_url}
        async with serving(tmp_path, port, **env) as process:
            await lines_until(process, b"real")
            call = twilio.dial(Quiet())
            placed = asyncio.create_task(call.run())
            async with asyncio.timeout(20):
                while call.first_audio_ms is None:
                    await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                while await ready(port) != 503:
                    await asyncio.sleep(0.02)
            refused = twilio.dial(RecordedCaller([]))
            await asyncio.wait_for(refused.run(), 20)
            assert [type(verb).__name__ for verb in refused.verbs][0] == "Say"
            assert call.live, "the signal has not cut it"
            call.hang_up()
            await placed
            assert await asyncio.wait_for(process.wait(), 20) == 0
    await sonic.stop()


class Quiet:
    """A caller who says nothing."""

    def listen(self, heard: bytes) -> Act:
        return Act()
