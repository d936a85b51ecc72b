"""What the Terraform of each stage would make, planned once for all workers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.hang import HANG_S
from tests.infra.planned_stage import INFRA, STAGES, TOOLS, Offline, Stage


@pytest.fixture(scope="session")
def offline() -> Offline:
    """Run infra/check/offline.py. Where terraform is missing the test is skipped, and fails in CI."""
    if shutil.which("terraform") is None and not os.environ.get("CI"):
        pytest.skip("terraform is not installed: infra/ WAS NOT CHECKED")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [TOOLS / "python", INFRA / "check" / "offline.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=False)

    return run


@pytest.fixture(scope="session")
def planned(offline: Offline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with <stage>.json, made by the first worker that asks."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "planned"
    with (shared / "planned.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            done = offline("--plans", folder)
            (folder / "output.txt").write_text(done.stdout + done.stderr)
    return folder


@pytest.fixture(scope="session")
def stages(planned: Path) -> dict[str, Stage]:
    missing = [name for name in STAGES if not (planned / f"{name}.json").exists()]
    assert not missing, (planned / "output.txt").read_text()
    return {name: Stage(name, json.loads((planned / f"{name}.json").read_text())) for name in STAGES}


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest, stages: dict[str, Stage]) -> Stage:
    return stages[request.param]
