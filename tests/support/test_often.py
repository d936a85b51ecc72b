"""Many runs of the suite: what failed is counted, and nothing survives a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.often import failures, run

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = """
=========================== short test summary info ============================
SKIPPED [1] tests/a.py:1: no browser
FAILED tests/a.py::test_it[the server is killed] - AssertionError: assert 1 == 2
ERROR tests/b.py::test_that
==== 1 failed, 1 error in 0.01s ====
"""
ORPHAN = """
import os, subprocess, sys
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(child.pid, flush=True)
os._exit(3)
"""
TESTS = """
import os
def test_passes(): pass
def test_fails(): assert 0
"""

pytestmark = pytest.mark.slow


def test_the_tests_that_failed_are_those_of_the_summary() -> None:
    assert failures(SUMMARY) == {"tests/a.py::test_it[the server is killed]", "tests/b.py::test_that"}


def test_an_orphan_does_not_survive_its_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run(["-c", ORPHAN], log) == 3
    stat = Path(f"/proc/{log.read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_a_run_that_hangs_is_killed(tmp_path: Path) -> None:
    assert run(["-c", "while True: pass"], tmp_path / "log", longest_s=0.0) == -9


def test_the_last_line_is_the_account_of_all_runs(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    suite = ["--", "-m", "pytest", "-p", "pytest_randomly", "-ra", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.often", "2", *suite, str(tmp_path)],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["runs"], told["failed_runs"], len(told["seconds"])) == (2, 2, 2)
    assert {name.rpartition("/")[2]: times for name, times in told["failures"].items()} == {"test_it.py::test_fails": 2}
