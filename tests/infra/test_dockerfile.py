"""The image's recipe: clean, not root, and in agreement with the task that runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common.settings import Settings
from tests.infra.planned_stage import ROOT, TOOLS, Stage

DOCKERFILE = ROOT / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]


def only(name: str) -> str:
    return [argument for instruction, argument in instructions() if instruction == name][-1]


def only_default(name: str) -> str:
    return next(argument.partition("=")[2] for _, argument in instructions() if argument.startswith(f"{name}="))


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([TOOLS / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_image_runs_as_the_tasks_user_on_the_tasks_port(stage: Stage) -> None:
    container = stage.container()
    assert only("USER").partition(":")[0] == container["user"]
    assert (
        int(only("EXPOSE")) == container["portMappings"][0]["containerPort"] == Settings.model_fields["ws_port"].default
    )
    assert json.loads(only("CMD")) == ["carlos", "serve"]
    assert only("STOPSIGNAL") == "SIGTERM"


@pytest.mark.slow
def test_the_image_and_the_task_ask_for_health_alike(stage: Stage) -> None:
    command = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
    assert ["CMD", *command] == stage.container()["healthCheck"]["command"]


@pytest.mark.slow
def test_the_task_mounts_what_the_image_says_can_be_written(stage: Stage) -> None:
    mounted = {mount["containerPath"] for mount in stage.container()["mountPoints"]}
    assert mounted == set(json.loads(only("VOLUME")))


def test_the_image_gets_the_product_and_nothing_else() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line[1:] for line in ignored if line.startswith("!") and (ROOT / line[1:]).is_dir()}
    product = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "sandbox"}
    assert allowed == product


@pytest.mark.parametrize(
    ("release", "base", "builds"),
    [
        ("false", only_default("BASE"), True),
        ("true", only_default("BASE"), False),
        ("true", "python:3.13-slim-trixie@sha256:", False),
        ("true", f"python:3.13-slim-trixie@sha256:{'0' * 64}", True),
        ("true", f"python@sha256:{'0' * 63}", False),
    ],
)
def test_a_release_is_built_on_a_base_of_a_known_digest_only(release: str, base: str, *, builds: bool) -> None:
    check = next(argument for instruction, argument in instructions() if "$RELEASE" in argument)
    environment = {"RELEASE": release, "BASE": base}
    done = subprocess.run(["sh", "-c", check], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is builds
    assert (base in done.stderr) is not builds


def test_the_locks_are_the_ones_that_are_installed() -> None:
    assert "--require-hashes" in DOCKERFILE.read_text()
    assert {Path(path).name for path in re.findall(r"requirements/[\w-]+\.txt", DOCKERFILE.read_text())} == {
        "tools.txt",
        "server.txt",
        "server-sip.txt",
    }


@pytest.mark.parametrize(("extras", "lock"), [("", "server.txt"), ("sip", "server-sip.txt")], ids=["none", "sip"])
def test_the_lock_is_that_of_the_extras_which_the_build_asks_for(extras: str, lock: str) -> None:
    (written,) = re.findall(r'"(requirements/server\S+)"', DOCKERFILE.read_text())
    command = ["sh", "-c", f'echo "{written}"']
    done = subprocess.run(command, env={"EXTRAS": extras}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"requirements/{lock}"
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert f"!requirements/{lock}" in allowed
    assert (ROOT / "requirements" / lock).exists()


def test_the_sip_lines_lock_is_the_servers_and_its_own_packages() -> None:
    server, sip = (
        dict(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("server.txt", "server-sip.txt")
    )
    assert server.items() <= sip.items()
    assert sip.keys() - server.keys() == {"aiortp", "aiosipua", "g722"}


@pytest.mark.slow
def test_the_server_imports_nothing_that_the_image_leaves_out() -> None:
    found = re.search(r"uv pip uninstall --python \S+ \\\n\s+(.+)", DOCKERFILE.read_text())
    assert found is not None
    left_out = found[1].split()
    assert {"numba", "onnxruntime"} < set(left_out)
    code = f"import sys, carlos.server, carlos.cli; print(sorted(set({left_out!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
