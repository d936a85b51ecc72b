"""The stand-in as a child of the server, with scripts in its place; and what Ctrl-C does to both."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.active_calls import ActiveCalls
from carlos.server import INTERRUPT_DRAIN_S, DrainingServer, configured
from carlos.standin import StandIn, StandInFailed
from tests.support.logs import logged
from tests.support.waiting import until

__all__ = ["logged"]

LISTENS = """#!/bin/sh
echo "Traceback: of a client that left" >&2
echo '{"endpoint": "https://localhost:1", "ca_file": "ca.pem", "access_key_id": "a", "secret_access_key": "s"}'
cat >/dev/null
echo "goodbye" >&2
"""
FAILS = """#!/bin/sh
echo "Traceback (most recent call last):" >&2
echo "ModuleNotFoundError: No module named 'espeakng_loader'" >&2
exit 1
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says which program is started in the stand-in's place."""

    def is_started(text: str) -> None:
        program = tmp_path / "program"
        program.write_text(text)
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return is_started


async def test_it_is_out_of_reach_of_a_terminals_ctrl_c_and_its_messages_go_to_the_log(
    child: Callable[[str], None], tmp_path: Path, logged: list[str]
) -> None:
    child(LISTENS)
    standin = StandIn(tmp_path)
    address = await standin.start()
    assert address.endpoint == "https://localhost:1"
    process = standin._process
    assert process is not None
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    await until(lambda: any("stand-in: Traceback: of a client" in line for line in logged))
    await standin.stop()
    assert any("stand-in: goodbye" in line for line in logged), "also its last words"
    assert process.returncode == 0


async def test_one_that_does_not_start_says_why(child: Callable[[str], None], tmp_path: Path) -> None:
    child(FAILS)
    with pytest.raises(StandInFailed, match="did not start: .*No module named 'espeakng_loader'"):
        await StandIn(tmp_path).start()


@pytest.mark.parametrize(
    ("sig", "setting", "seconds"),
    [
        (signal.SIGTERM, 110.0, 110.0),
        (signal.SIGINT, 110.0, INTERRUPT_DRAIN_S),
        (signal.SIGINT, 3.0, 3.0),
    ],
)
async def test_a_signal_lets_calls_end_and_who_pressed_ctrl_c_waits_less(
    logged: list[str], sig: signal.Signals, setting: float, seconds: float
) -> None:
    drained: list[float] = []

    class Calls(ActiveCalls):
        async def drain(self, seconds: float) -> None:
            drained.append(seconds)

    calls = Calls(1)
    calls.live["CA1"] = cast(Any, None)
    server = DrainingServer(configured(lambda *args: None))  # type: ignore[arg-type]
    server._loop = asyncio.get_running_loop()
    server.services = cast(Any, SimpleNamespace(active_calls=calls, settings=SimpleNamespace(drain_seconds=setting)))
    server.handle_exit(sig, None)
    assert not server.should_exit
    await until(lambda: server.should_exit)
    assert drained == [seconds]
    assert any("draining 1 live call, " in line for line in logged)
    server.handle_exit(sig, None)
    assert server.force_exit, "the second one does not wait"
