"""The operators' commands as they are typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from carlos.commands import records
from data.open import open_sqlite
from data.tables import TableName
from tests.data.legacy import original_order


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


def spoil(home: Path) -> None:
    """One order that can be migrated and one that cannot."""

    async def write() -> None:
        store = await open_sqlite(home / "carlos.db")
        await store.backend.replace(TableName.ORDERS, [original_order("1"), original_order("2", id=2, status="?")], [])
        await store.close()

    asyncio.run(write())


def test_a_bad_item_stops_the_migration_with_its_field_and_says_what_can_be_done(
    run: CliRunner, tmp_path: Path
) -> None:
    spoil(tmp_path / "home")
    reason = "orders ORDER#2: status: '?', none of pending, processing, shipped, delivered, cancelled"
    assert reason in typed(run, "migrate", "--dry-run", status=1)
    said = typed(run, "migrate", "--yes", status=1)
    assert reason in said
    assert "--quarantine" in said
    assert not (tmp_path / "home" / "backups").exists()


def test_a_bad_item_goes_to_a_file_and_comes_back_corrected(run: CliRunner, tmp_path: Path) -> None:
    spoil(tmp_path / "home")
    assert "nothing was changed" in typed(run, "migrate", "--dry-run", "--quarantine", "bad.jsonl")
    said = typed(run, "migrate", "--quarantine", "bad.jsonl", "--yes")
    assert "1 items are in bad.jsonl and no longer in the store" in said
    (line,) = (tmp_path / "bad.jsonl").read_text().splitlines()
    assert json.loads(line)["item"]["status"] == "?"
    assert "bad.jsonl exists already" in typed(run, "migrate", "--quarantine", "bad.jsonl", status=1)
    (tmp_path / "bad.jsonl").write_text(line.replace('"?"', '"pending"'))
    assert "orders put back" in typed(run, "migrate", "--mended", "bad.jsonl", "--yes")
    assert "nothing is left to migrate" in typed(run, "migrate", "--dry-run")
