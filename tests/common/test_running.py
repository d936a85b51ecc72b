"""The file that says which server runs on a data home."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from common.running import FILE, RunningServer, announced, running_server

HERE = RunningServer("http://localhost:8081", os.getpid())
NO_PROCESS = 2**22 + 1  # above the kernel's largest


def test_a_server_is_found_while_it_runs(tmp_path: Path) -> None:
    assert running_server(tmp_path / "new") is None
    with announced(tmp_path / "new", HERE):
        assert running_server(tmp_path / "new") == HERE
    assert running_server(tmp_path / "new") is None
    assert list((tmp_path / "new").iterdir()) == []


def test_a_server_that_was_killed_is_not_found(tmp_path: Path) -> None:
    with announced(tmp_path, RunningServer("http://localhost:8081", NO_PROCESS)):
        assert running_server(tmp_path) is None


def test_who_ends_leaves_the_file_of_one_that_came_after(tmp_path: Path) -> None:
    later = RunningServer("http://localhost:9", os.getppid())
    with announced(tmp_path, later), announced(tmp_path, HERE):
        assert running_server(tmp_path) == HERE
    with announced(tmp_path, HERE):
        (tmp_path / FILE).write_text(json.dumps(asdict(later)))
    assert running_server(tmp_path) == later


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"address": 1, "pid": OURS}',
        "{}",
        '{"address": 1}',
        "\xff",
        '{"address": "x", "pid": 1, "more": 2}',
    ],
)
def test_a_file_that_is_none_of_ours_is_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text.replace("OURS", str(os.getpid())), encoding="latin-1")
    assert running_server(tmp_path) is None
