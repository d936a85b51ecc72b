"""What a newcomer reads first is there, and agrees with the rest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_make_target_of_the_front_pages_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link.partition("#")[0] for link in re.findall(r"]\(([^)]+)\)", text) if "://" not in link]
    assert not [link for link in links if not (ROOT / link).exists()]
    makefiles = "\n".join(
        path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("*/*.mk"), *ROOT.glob("*/*/*.mk"))
    )
    targets = set(re.findall(r"^([a-z-]+):", makefiles, re.M))
    assert not set(re.findall(r"`make ([a-z-]+)", text)) - targets


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2026 The Carlos authors\n")
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in PROJECT["license-files"]} <= set(ignored), "the image's wheel carries them"


def test_the_notice_names_what_others_made_and_where_it_lies() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for what in (
        "espeak-ng",
        "GNU General Public License 3.0",
        "Kokoro-82M",
        "Apache License 2.0",
        "Whisper",
        "Silero",
    ):
        assert what in notice
    assert not [path for path in re.findall(r"(?:sandbox|infra|requirements|docs)/[\w./-]*\w", notice)
                if not (ROOT / path).exists()]  # fmt: skip


def test_the_changelog_has_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[([^]]+)]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[:2] == ["Unreleased", PROJECT["version"]]


def test_the_forge_runs_the_whole_suite_on_each_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    job = workflow["jobs"]["test"]
    said = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert set(job["strategy"]["matrix"]["python"]) == said
    assert any(step.get("run", "").startswith("make test ") for step in job["steps"])
    assert workflow["permissions"] == {"contents": "read"}
