"""The garbage collector of a run of tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import gc

made_when_collected = [[]]

def test_what_it_is_made_of_is_frozen():
    assert gc.isenabled()
    assert not any(each is made_when_collected for each in gc.get_objects())

def test_what_it_makes_is_not():
    made = [[]]
    assert any(each is made for each in gc.get_objects())
"""


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "in a worker"])
def test_the_garbage_collector_works_and_leaves_out_what_tests_are_made_of(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    plugins = ["-p", "tests.support.garbage", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", *plugins, *options, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout
