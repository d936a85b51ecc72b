"""`carlos facts`: shown, checked and edited, and nothing that was written is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carlos.cli import app
from carlos.commands.facts import DRAFT
from data.kept_facts import FILE, SAMPLE


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARLOS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VISUAL", raising=False)
    return tmp_path


def editor(home: Path, monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    """Each time it is opened it does the next of these lines of shell, with the file as "$1"."""
    for number, script in enumerate(scripts, 1):
        (home / f"edit-{number}").write_text(script)
    tool = home / "editor"
    count = f"n=$(ls -d {home}/opened* 2>/dev/null | wc -l); n=$((n + 1)); mkdir {home}/opened$n"
    tool.write_text(f"#!/bin/sh\n{count}\n. {home}/edit-$n\n")
    tool.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(tool))


def carlos(*arguments: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["facts", *arguments], input=typed)
    return result.exit_code, result.output


def test_an_edit_begins_with_the_sample_and_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(home, monkeypatch, 'sed -i "s/^name: Carlos/name: Sol/" "$1"')
    status, output = carlos("edit")
    assert (status, "saved: Sol: 4 doctors, 14 products" in output) == (0, True), output
    assert (home / FILE).read_text() == SAMPLE.read_text().replace("name: Carlos", "name: Sol")
    assert not (home / DRAFT).exists()
    assert carlos("show") == (0, (home / FILE).read_text())
    assert carlos("check")[0] == 0


def test_faults_are_told_and_asked_about_until_there_are_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(home, monkeypatch, 'printf "name: A\\nhour: 3" > "$1"', 'printf "name: B" > "$1"')
    status, output = carlos("edit", typed="y\n")
    assert status == 0
    assert "line 2, hour: is not known here; did you mean hours?" in output
    assert (home / FILE).read_text() == "name: B"


def test_what_was_not_saved_is_there_for_the_next_edit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / FILE).write_text("name: A")
    editor(home, monkeypatch, 'printf "name: [" > "$1"', "exit 3", 'printf "name: C" > "$1"')
    assert carlos("edit", typed="n\n")[0] == 1
    assert (home / DRAFT).read_text() == "name: ["
    assert carlos("edit", typed="y\n")[0] == 1, "the editor failed"
    assert (home / DRAFT).read_text() == "name: ["
    assert (home / FILE).read_text() == "name: A"
    assert carlos("edit", typed="y\n")[0] == 0
    assert (home / FILE).read_text() == "name: C"


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / FILE).write_text("name: A")
    editor(home, monkeypatch, f'printf "name: Mine" > "$1"; printf "name: Theirs" > {home / FILE}')
    status, output = carlos("edit")
    assert (status, "somebody else" in output) == (1, True)
    assert (home / FILE).read_text() == "name: Theirs"
    assert (home / DRAFT).read_text() == "name: Mine"


def test_an_edit_that_changes_nothing_writes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / FILE).write_text("name: A")
    before = os.stat(home / FILE).st_mtime_ns
    editor(home, monkeypatch, "true")
    assert "nothing was changed" in carlos("edit")[1]
    assert os.stat(home / FILE).st_mtime_ns == before


def test_an_editor_that_is_not_there_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor")
    status, output = carlos("edit")
    assert (status, "no-such-editor" in output) == (1, True)


def test_a_check_names_faults_in_any_file(home: Path) -> None:
    (home / "other.yaml").write_text("name: A\ndoctors: {name: x, days: 3}")
    status, output = carlos("check", "other.yaml")
    assert (status, "line 2, doctors[1].days" in output) == (1, True), output
    assert carlos("check", "missing.yaml")[0] == 1
    assert carlos("check") == (0, "nothing is written down: open Monday to Saturday from 8 to 20\n")
    assert carlos("show")[0] == 1


def test_questions_without_an_answer_are_listed(home: Path) -> None:
    assert "no question" in carlos("questions")[1]
