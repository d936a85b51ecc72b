"""The operators' commands as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from carlos.commands import records


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("CARLOS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STORE", "sqlite")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(records._out, "width", 200)
    return CliRunner()


def typed(run: CliRunner, *words: str, status: int = 0) -> str:
    app = typer.Typer()
    records.register(app)
    result = run.invoke(app, words)
    assert result.exit_code == status, result.output
    return result.output


def test_seeding_twice_adds_nothing_more(run: CliRunner) -> None:
    assert "15 records added, 0 left" in typed(run, "seed")
    assert "0 records added, 15 left" in typed(run, "seed")


def test_the_doctor_says_all_is_well_and_prints_nobody(run: CliRunner) -> None:
    typed(run, "seed")
    said = typed(run, "doctor")
    assert "all is well" in said
    assert "González" not in said


def test_a_backup_is_restored(run: CliRunner, tmp_path: Path) -> None:
    typed(run, "seed")
    assert "90 items saved" in typed(run, "backup", "saved")
    assert "90 items restored" in typed(run, "restore", "saved", "--yes")


def test_restoring_asks_first(run: CliRunner) -> None:
    typed(run, "seed")
    typed(run, "backup", "saved")
    typed(run, "restore", "saved", status=1)


def test_a_damaged_backup_is_status_one(run: CliRunner, tmp_path: Path) -> None:
    typed(run, "backup", "saved")
    (tmp_path / "saved" / "orders.jsonl.gz").write_bytes(b"")
    typed(run, "restore", "saved", "--yes", status=1)


def test_migrating_our_own_store_is_nothing_to_do(run: CliRunner) -> None:
    typed(run, "seed")
    assert "nothing was changed" in typed(run, "migrate", "--dry-run")
    assert "up to date" in typed(run, "migrate")


def test_a_list_of_dnis_is_checked(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "dnis.csv").write_text("orderId,dni\n1,12\n")
    typed(run, "migrate", "--dni", "dnis.csv", status=1)
