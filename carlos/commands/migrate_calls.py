"""`carlos migrate-calls`: call records of versions before, written anew while servers go on.

Exit status 1 says that something is left to be looked at; nothing personal is printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from common.settings import Settings
from data.errors import DataError
from data.open import opened
from data.operators import calls_migration as migration
from data.operators.calls_migration import Report, Told
from data.store import Store

_SHOWN = 20

_out = Console()
_problems = Console(stderr=True, soft_wrap=True)

Backup = Annotated[
    Path | None,
    typer.Option(help="A new file for what is changed, as it was: without one nothing is. It holds personal data."),
]
Check = Annotated[
    bool, typer.Option("--check", help="Only count; with --backup, compare what that file holds with what is stored.")
]
Rollback = Annotated[Path | None, typer.Option(help="Put back what this file of --backup holds.")]


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(name="migrate-calls")(migrate_calls)


def migrate_calls(backup: Backup = None, check: Check = False, rollback: Rollback = None) -> None:
    """Rewrite the call records of earlier versions: each turn an item of its own. Servers may go on meanwhile, and a
    run that was stopped is run again, with another file."""
    try:
        bad = asyncio.run(_with_store(lambda store: _done(store, backup, rollback, check=check)))
    except (DataError, OSError) as error:
        _problems.print(f"[red]failed[/]: {error}")
        raise typer.Exit(1) from error
    raise typer.Exit(1 if bad else 0)


async def _done(store: Store, backup: Path | None, rollback: Path | None, *, check: bool) -> bool:
    """Return whether something is left to be looked at."""
    if check:
        found = _shown("calls", await migration.look(store))
        return found or (backup is not None and _shown(str(backup), await migration.compare(store, backup)))
    if rollback is not None:
        with _counted("put back", None) as told:
            return _shown("rollback", await migration.rollback(store, rollback, told))
    if backup is None:
        raise migration.CallsMigrationError("name a file with --backup for what is changed, as it was")
    with _counted("saved", None) as told:
        saved = await migration.save(store, backup, told)
    with _counted("written anew", saved) as told:
        report = await migration.migrate(store, backup, told)
    _out.print(f"{saved} items saved in {backup}")
    bad = _shown("migration", report)
    return _shown("compared with what was saved", await migration.compare(store, backup)) or bad


async def _with_store(work: Callable[[Store], Awaitable[bool]]) -> bool:
    async with opened(Settings()) as store:
        return await work(store)


def _shown(title: str, report: Report) -> bool:
    table = Table("", "records", title=title)
    for what, count in sorted(report.counts.items()):
        table.add_row(what, str(count))
    _out.print(table)
    for line in report.bad[:_SHOWN]:
        _problems.print(f"[red]look at[/] {line}")
    if len(report.bad) > _SHOWN:
        _problems.print(f"and {len(report.bad) - _SHOWN} more")
    return bool(report.bad)


@contextmanager
def _counted(what: str, total: int | None) -> Iterator[Told]:
    """A line that counts, on a terminal only."""
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=_problems, disable=not _problems.is_terminal) as bars:
        task = bars.add_task(what, total=total)
        yield lambda more: bars.advance(task, more)
