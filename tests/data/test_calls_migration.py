"""Call records of versions before, written anew, and back, on both backends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from carlos.commands import migrate_calls
from common.times import BUENOS_AIRES
from data.backends.base import Item
from data.callbacks import CallBack
from data.day_counts import COUNTED, DAYS
from data.errors import Unavailable
from data.models import CallRecord, Line, ToolCall, Turn
from data.open import SQLITE_FILE, open_sqlite
from data.operators.calls_migration import CallsMigrationError, compare, look, migrate, rollback, save
from data.store import IdempotencyRecord, Store
from data.tables import TableName
from tests.support.legacy_calls import legacy_call_item

NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
OLD = 20


def a_call(number: int, **fields: Any) -> CallRecord:
    turns = tuple(Turn("caller", f"palabra {n}", NOON + timedelta(seconds=n)) for n in range(number))
    tools = (ToolCall("consultarOrder", "t", True, 3, NOON, {"orderId": "1"}, {"success": True}),) * (number % 3)
    began = NOON + timedelta(minutes=number)
    call = CallRecord(f"CA{number}", Line.PHONE, began, None, began, "completed", turns, tools, version=3)
    return replace(call, **fields)


async def items_of(store: Store) -> dict[tuple[str, str], Item]:
    """Without the labels and counters that are new: they stay, and who reads them asks the head."""
    pages = [page async for page in store.backend.scan(TableName.CALLS)]
    items = {(item["PK"], item["SK"]): item for page in pages for item in page}
    return {key: item for key, item in items.items() if key[1] != COUNTED and not key[0].startswith(("LABEL#", DAYS))}


@pytest.fixture
async def old(store: Store) -> Store:
    """Records of the version before, one of them open, one without a version, one of now, and a call-back."""
    calls = [a_call(number) for number in range(OLD)]
    calls[3] = replace(calls[3], ended_at=None, outcome=None)
    items = [legacy_call_item(call) for call in calls]
    del items[4]["version"]
    receipt = IdempotencyRecord("CA5", "use-1", "callback:1", {})
    await store.ask_callback(CallBack("CA5", "+5491155550100", "", NOON), receipt)
    (callback,) = [item for item in (await items_of(store)).values() if item["SK"] == "CALLBACK"]
    items.append({name: value for name, value in callback.items() if name != "shard"} | {"kind": "callback"})
    await store.backend.replace(TableName.CALLS, items, [])
    await store.save_call(a_call(OLD + 1, version=0))
    return store


async def test_what_was_written_anew_reads_as_before_and_a_second_run_finds_nothing(old: Store, tmp_path: Path) -> None:
    before = [await old.call(f"CA{number}") for number in range(OLD)]
    assert (await look(old)).counts == {
        "call in the old form": OLD,
        "call in the new form": 1,
        "call-back in the old form": 1,
    }
    assert await save(old, tmp_path / "saved") == OLD + 1
    assert (tmp_path / "saved").stat().st_mode & 0o777 == 0o600
    assert (await migrate(old, tmp_path / "saved")).counts == {"written anew": OLD + 1}
    after = [await old.call(f"CA{number}") for number in range(OLD)]
    assert after == before
    assert not any(record and record.legacy for record in after)
    assert (await compare(old, tmp_path / "saved")).counts == {"as it was, in the new form": OLD + 1}
    assert (await look(old)).counts == {"call in the new form": OLD + 1, "call-back in the new form": 1}
    assert [head.id for head in (await old.open_calls(5)).items] == ["CA3"]
    assert len((await old.calls()).items) == OLD + 1
    assert len((await old.callbacks()).items) == 1
    assert await save(old, tmp_path / "again") == 0


async def test_a_run_that_was_stopped_is_run_again(old: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [await old.call(f"CA{number}") for number in range(OLD)]
    await save(old, tmp_path / "one")
    put, done = old.backend.put, 0

    async def until_killed(write: Any) -> None:
        nonlocal done
        done += 1
        if done > 60:
            raise Unavailable("killed")
        await put(write)

    monkeypatch.setattr(old.backend, "put", until_killed)
    with pytest.raises(Unavailable):
        await migrate(old, tmp_path / "one")
    monkeypatch.setattr(old.backend, "put", put)
    assert [await old.call(f"CA{number}") for number in range(OLD)] == before
    left = await save(old, tmp_path / "two")
    assert 0 < left <= OLD + 1
    await migrate(old, tmp_path / "two")
    assert "call in the old form" not in (await look(old)).counts
    assert [await old.call(f"CA{number}") for number in range(OLD)] == before
    assert (await compare(old, tmp_path / "one")).bad == []


@pytest.mark.slow
async def test_a_rollback_puts_back_what_nobody_has_changed_since(old: Store, tmp_path: Path) -> None:
    before = await items_of(old)
    await save(old, tmp_path / "saved")
    await migrate(old, tmp_path / "saved")
    report = await rollback(old, tmp_path / "saved")
    assert (report.counts, report.bad) == ({"put back": OLD + 1}, [])
    assert await items_of(old) == before
    await migrate(old, tmp_path / "saved")
    await old.amend_call("CA7", lambda record: replace(record, interruptions=9))
    await old.erase_call("CA8")
    report = await rollback(old, tmp_path / "saved")
    assert report.bad == ["CALL#CA7 RECORD: changed since, left in the new form"]
    assert report.counts["gone since: erased or expired"] == 1
    record = await old.call("CA7")
    assert record is not None
    assert (record.interruptions, len(record.turns)) == (9, 7)


async def test_a_record_that_cannot_be_read_is_named_and_left_and_holds_nothing_up(old: Store, tmp_path: Path) -> None:
    bad = legacy_call_item(a_call(90)) | {"turns": "{"}
    await old.backend.replace(TableName.CALLS, [bad], [])
    assert (await look(old)).bad == ["CALL#CA90 RECORD: head that cannot be read"]
    await save(old, tmp_path / "saved")
    report = await migrate(old, tmp_path / "saved")
    assert report.bad == ["CALL#CA90 RECORD: cannot be read, left as it was"]
    assert report.counts["written anew"] == OLD + 1
    assert (await items_of(old))["CALL#CA90", "RECORD"] == bad


async def test_what_calls_change_meanwhile_stays(old: Store, tmp_path: Path) -> None:
    await save(old, tmp_path / "saved")
    ended = await old.amend_call("CA3", lambda record: replace(record, ended_at=NOON, outcome="lost"))
    await migrate(old, tmp_path / "saved")
    assert await old.call("CA3") == ended
    assert (await compare(old, tmp_path / "saved")).bad == ["CALL#CA3 RECORD: another record than before"]


@pytest.mark.parametrize("content", [b"", b"no gzip", None])
async def test_a_file_that_is_none_of_its_own_is_refused(store: Store, tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        await save(store, tmp_path / "saved")
        content = (tmp_path / "saved").read_bytes()[:-9]
    (tmp_path / "file").write_bytes(content)
    for work in (migrate, rollback, compare):
        with pytest.raises(CallsMigrationError):
            await work(store, tmp_path / "file")
    with pytest.raises(CallsMigrationError, match="exists already"):
        await save(store, tmp_path / "file")


def test_the_command_saves_migrates_checks_and_rolls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("CARLOS_HOME", str(home))
    monkeypatch.setenv("STORE", "sqlite")
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    migrate_calls.register(app)

    def typed(*words: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == status, result.output
        return result.output

    async def on_store[T](work: Callable[[Store], Awaitable[T]]) -> T:
        store = await open_sqlite(home / SQLITE_FILE)
        try:
            return await work(store)
        finally:
            await store.close()

    items = [legacy_call_item(a_call(number)) for number in range(3)]
    asyncio.run(on_store(lambda store: store.backend.replace(TableName.CALLS, items, [])))
    assert "--backup" in typed(status=1)
    assert "call in the old form" in typed("--check")
    assert "3 items saved in saved" in typed("--backup", "saved")
    assert "exists already" in typed("--backup", "saved", status=1)
    assert "as it was, in the new form" in typed("--check", "--backup", "saved")
    assert "put back" in typed("--rollback", "saved")
    assert "call in the old form" in typed("--check")
