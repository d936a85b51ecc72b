"""What stops a command is told in a line, without a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carlos import cli


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    monkeypatch.setattr(sys, "argv", ["carlos", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code, capsys.readouterr().err


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data home that is a file."""
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("CARLOS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("words", [("export", "--email", "ana@example.com"), ("seed",), ("facts", "show")])
def test_a_store_that_cannot_be_had_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_home: Path, words: tuple[str, ...]
) -> None:
    status, text = told(monkeypatch, capsys, *words)
    assert status == 1
    assert text.startswith("failed")
    assert len(text.splitlines()) == 1


def test_a_file_that_cannot_be_had_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_home: Path
) -> None:
    def opens() -> None:
        (no_home / "calls").mkdir(parents=True)

    monkeypatch.setattr(cli, "app", opens)
    assert told(monkeypatch, capsys) == (1, f"failed {no_home / 'calls'}: Not a directory\n")


def test_all_bad_settings_are_told_a_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"WS_PORT": "80a", "STORE": "x", "FOLLOW_UP": "sms"}.items():
        monkeypatch.setenv(name, value)
    status, text = told(monkeypatch, capsys, "serve")
    assert status == 2
    assert [line.split()[1].strip(":") for line in text.splitlines()] == ["WS_PORT", "STORE", "FOLLOW_UP", "FOLLOW_UP"]


def test_the_version_is_the_projects() -> None:
    shown = CliRunner().invoke(cli.app, ["--version"])
    assert shown.exit_code == 0
    assert shown.output.startswith("carlos ")


def test_a_key_for_a_name_that_is_none_says_what_a_name_is() -> None:
    shown = CliRunner().invoke(cli.app, ["key", "a b"], env={"COLUMNS": "200"})
    assert shown.exit_code == 2
    assert "a name is letters, digits" in shown.output
