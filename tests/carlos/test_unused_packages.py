"""What `make run` does not install is imported by nothing that it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EVERYTHING = (
    "carlos.cli, carlos.server, sandbox.local, sandbox.speech.whisper, sandbox.sonic.__main__, sandbox.twilio.phone"
)


def unused() -> list[str]:
    lines = (ROOT / "requirements" / "unused.txt").read_text().splitlines()
    return [line.replace("-", "_") for line in lines if line and not line.startswith("#")]


@pytest.mark.slow
@pytest.mark.speech
def test_the_server_and_its_stand_ins_import_nothing_that_is_left_out() -> None:
    """They must also be importable without it: pipecat takes some packages only where they are."""
    block = f"import sys; sys.modules.update(dict.fromkeys({unused()!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{block}; import {EVERYTHING}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_what_is_left_out_is_in_the_lock() -> None:
    """A name that nobody asks for any more is none to leave out."""
    lock = (ROOT / "requirements" / "local.txt").read_text().replace("-", "_")
    assert [name for name in unused() if f"\n{name}==" not in lock] == []
