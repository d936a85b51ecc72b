"""A run fails for what its tests leave behind, and only for that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CLEAN = """
import subprocess, sys, tempfile

def test_cleans_up():
    with tempfile.TemporaryDirectory():
        subprocess.run([sys.executable, "-c", ""])
"""
UNTIDY = """
import asyncio, gc, os, socket, subprocess, sys, tempfile

gc.disable()
kept = []

def test_leaves_a_child():
    kept.append(subprocess.Popen(["sleep", "600.1"], stdin=subprocess.PIPE))

def test_leaves_a_grandchild():
    subprocess.run([sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '600.2'])"])

def test_leaves_a_folder():
    tempfile.mkdtemp(prefix="forgotten-")

def test_leaves_a_socket():
    ring = [socket.socket()]
    ring.append(ring)

def test_destroys_a_task():
    loop = asyncio.new_event_loop()
    loop.create_task(asyncio.sleep(9))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
"""
TOLD = [
    ": sleep 600.1",
    ": sleep 600.2",
    "in the temporary folder: forgotten-",
    "unclosed <socket.socket",
    "asyncio said: Task was destroyed but it is pending!",
]


def run(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    plugins = ["-p", "tests.support.leftovers", "-p", "no:unraisableexception", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", *plugins, *options, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "in a worker"])
def test_a_run_that_leaves_something_behind_fails_and_says_what(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, UNTIDY, *options)
    try:
        assert "5 passed" in done.stdout
        assert done.returncode == 1
        assert [line for line in TOLD if line not in done.stdout] == []
    finally:
        for line in done.stdout.splitlines():
            if ": sleep 600." in line:
                subprocess.run(["kill", line.split()[1].rstrip(":")], check=True)


def test_a_run_that_leaves_nothing_behind_passes(tmp_path: Path) -> None:
    done = run(tmp_path, CLEAN)
    assert (done.returncode, "left behind" in done.stdout) == (0, False), done.stdout + done.stderr
