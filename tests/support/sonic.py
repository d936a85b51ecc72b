"""The Sonic stand-in as a server in this process, and the keys it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.sonic.wire.client import SonicClient
from agent.sonic.wire.credentials import Credentials
from sandbox.brain import Brain
from sandbox.hang import HANG_S
from sandbox.sonic.server import SonicServer
from sandbox.sonic.signature import Keys

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI")
# For whole servers whose tests are about something else: a busy machine's stand-in is slow, and not silent.
PATIENT = {
    "sonic_open_timeout_s": HANG_S,
    "sonic_suspect_s": HANG_S,
    "sonic_answer_timeout_s": HANG_S,
    "sonic_ping_s": 0.0,
    "tool_time_limit_s": HANG_S,
    "silence_prompt_s": HANG_S,
    "tool_filler_s": HANG_S,
    "keypad_pause_s": HANG_S,  # entries end with '#'
    "max_call_seconds": 3600,
}
AWS_KEYS = {"AWS_ACCESS_KEY_ID": KEYS.access_key_id, "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key}


@asynccontextmanager
async def sonic(home: Path, brain: Callable[[], Brain], **options: Any) -> AsyncIterator[SonicServer]:
    """A running stand-in; `options` are SonicServer's. Its certificates go to `home`."""
    server = SonicServer(brain, credentials=KEYS, ca_dir=home, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def sonic_client(server: SonicServer, *, secret: str = KEYS.secret_access_key, **timeouts: float) -> SonicClient:
    """The real client of this server. Unless a test is about its time-outs, they only catch a hang."""
    bounds = {"open_timeout_s": HANG_S, "send_timeout_s": HANG_S, "close_timeout_s": HANG_S} | timeouts
    keys = Credentials(KEYS.access_key_id, secret)
    return SonicClient("us-east-1", server.endpoint, server.ca_file, credentials=keys, **bounds)


def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys in this process's environment, where botocore's chain finds them."""
    for name, value in AWS_KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
