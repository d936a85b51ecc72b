"""The records, for operators: `carlos seed`, `doctor`, `backup`, `restore` and `migrate`.

All work on the store that the settings name. Exit status 1 says that something is wrong with the store or the
backup; nothing personal is printed.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from common.settings import Settings
from common.spanish.numbers import digits_of
from common.times import BUENOS_AIRES, utcnow
from data.errors import DataError
from data.open import open_store
from data.operators import backup as backups
from data.operators import check as examination
from data.operators import migrate as migration
from data.operators.seed import seed as seed_store
from data.store import Store

_out = Console()
_problems = Console(stderr=True)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    for command in (seed, doctor, backup, restore, migrate):
        app.command()(command)


def seed() -> None:
    """Add the demo's orders and appointments that are missing; nothing is overwritten."""
    done = _with_store(lambda store, _: seed_store(store, datetime.now(BUENOS_AIRES).date()))
    _out.print(f"{done.added} records added, {done.kept} left as they were")


def doctor() -> None:
    """Look at connection, permissions, keys, indexes, items, clock and time zone; status 1 if any is not well."""
    findings = _with_store(lambda store, _: examination.examine(store, utcnow()))
    table = Table("", "what", "finding", title="the store")
    for finding in findings:
        mark = "[green]ok[/]" if finding.healthy else "[red]BAD[/]"
        table.add_row(mark, finding.what, finding.detail)
    _out.print(table)
    bad = sum(not finding.healthy for finding in findings)
    _out.print(f"{bad} of {len(findings)} findings are bad" if bad else "all is well")
    raise typer.Exit(1 if bad else 0)


def backup(
    folder: Annotated[Path | None, typer.Argument(help="A folder to make; by default under CARLOS_HOME.")] = None,
) -> None:
    """Save all tables as compressed JSON lines with a manifest and checksums."""
    target = folder or _backups() / f"{utcnow():%Y%m%dT%H%M%SZ}"
    with _bar() as progress:
        manifest = _with_store(lambda store, _: backups.backup(store, target, utcnow(), progress))
    _out.print(f"{manifest.items} items saved in {target}")


def restore(folder: Annotated[Path, typer.Argument(help="What `carlos backup` made.")], yes: Yes = False) -> None:
    """Make all tables what they were; what is in them now and not in the backup is deleted."""
    manifest = _checked(lambda: backups.verify(folder))
    if not yes:
        typer.confirm(f"Replace everything by {manifest.items} items of {manifest.made_at}?", abort=True)
    with _bar() as progress:
        _with_store(lambda store, _: backups.restore(store, folder, progress))
    _out.print(f"{manifest.items} items restored from {folder}")


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would change.")] = False,
    dni: Annotated[Path | None, typer.Option(help="CSV with orderId and dni, for the orders that have none.")] = None,
    yes: Yes = False,
) -> None:
    """Bring the original's items to ours: backup first, report, check, and undone on any failure."""
    dnis = _checked(lambda: _read_dnis(dni)) if dni else {}
    plan = _with_store(lambda store, _: migration.plan_migration(store, utcnow(), dnis))
    _report(plan)
    if dry_run:
        _out.print("nothing was changed")
        raise typer.Exit(1 if plan.malformed else 0)
    if plan.writes and not yes:
        typer.confirm(f"Write {plan.writes} items? No server may be running on this store.", abort=True)
    with _bar() as progress:
        done = _with_store(lambda store, _: migration.migrate(store, utcnow(), _backups(), dnis, progress))
    _out.print(f"{done.plan.writes} items written, checked; backup in {done.backup}" if done.backup else "up to date")


def _with_store[T](work: Callable[[Store, Settings], Awaitable[T]]) -> T:
    settings = Settings()

    async def run() -> T:
        store = await open_store(settings)
        try:
            return await work(store, settings)
        finally:
            await store.close()

    return _checked(lambda: asyncio.run(run()))


def _checked[T](work: Callable[[], T]) -> T:
    """Say what went wrong with the store or a file, without a trace."""
    try:
        return work()
    except (DataError, OSError, ValueError) as error:
        _problems.print(f"[red]failed[/]: {error}")
        raise typer.Exit(1) from error


def _backups() -> Path:
    return Settings().carlos_home / "backups"


def _read_dnis(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if any(not row.get("orderId") or len(digits_of(row.get("dni") or "") or "") not in (7, 8) for row in rows):
        raise ValueError(f"{path} needs the columns orderId and dni (seven or eight digits) in every row")
    return {row["orderId"]: digits_of(row["dni"]) or "" for row in rows}


def _report(plan: migration.Plan) -> None:
    table = Table("change", "items", title="migration")
    for what, count in sorted(plan.counts.items()):
        table.add_row(what, str(count))
    for problem in plan.malformed:
        table.add_row(f"[red]cannot be mended: {problem}[/]", "1")
    _out.print(table)


@contextmanager
def _bar() -> Iterator[backups.Progress]:
    """A line for each table, on a terminal only."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=_problems, disable=not _problems.is_terminal) as bars:
        tasks = {}

        def advance(what: str, more: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None)
            bars.advance(tasks[what], more)

        yield advance
