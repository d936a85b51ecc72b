"""The records, for operators: `carlos seed`, `doctor`, `backup`, `restore` and `migrate`.

All work on the store that the settings name, whatever its size, and say how far they are. Exit status 1 says that
something is wrong with the store or the backup; nothing personal is printed.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from carlos.commands.progress import shown
from common.settings import Settings
from common.spanish.numbers import digits_of
from common.times import BUENOS_AIRES, utcnow
from data.errors import DataError
from data.open import SQLITE_FILE, opened
from data.operators import backup as backups
from data.operators import check as examination
from data.operators import migrate as migration
from data.operators.quarantine import NONE_MENDED, Mended
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
    """Look at what the store holds: keys, indexes, items, times; status 1 if any is not well.

    Every item is read. `carlos check` looks at settings, accounts and connections, and reads none.
    """
    with shown(_problems) as progress:
        findings = _with_store(lambda store, _: examination.examine(store, utcnow(), progress))
    table = Table("", "what", "finding", title="the store")
    for finding in findings:
        mark = "[green]ok[/]" if finding.healthy else "[red]BAD[/]"
        table.add_row(mark, finding.what, escape(finding.detail))
    _out.print(table)
    bad = sum(not finding.healthy for finding in findings)
    _out.print(f"{bad} of {len(findings)} findings are bad" if bad else "all is well")
    raise typer.Exit(1 if bad else 0)


def backup(
    folder: Annotated[Path | None, typer.Argument(help="A folder to make; by default under CARLOS_HOME.")] = None,
) -> None:
    """Save all tables as compressed JSON lines with a manifest and checksums.

    It holds personal data: only you can read it, and erasing a customer does not reach it. A server may run meanwhile.
    """
    target = folder or _backups() / f"{utcnow():%Y%m%dT%H%M%SZ}"
    with shown(_problems) as progress:
        manifest = _with_store(lambda store, _: backups.backup(store, target, utcnow(), progress))
    _say(f"{manifest.items} items saved in {target}; `carlos restore {target}` puts them back")


def restore(folder: Annotated[Path, typer.Argument(help="What `carlos backup` made.")], yes: Yes = False) -> None:
    """Make all tables what they were; what is in them now and not in the backup is deleted.

    The backup is checked before anything is written. Broken off, it can be run again. No server may be running.
    """
    manifest = _checked(lambda: backups.verify(folder))
    if not yes:
        what = f"what is in the store ({_store_name()}) by the {manifest.items} items of {manifest.made_at}"
        typer.confirm(f"Replace {what}? No server may be running on it.", abort=True)
    with shown(_problems) as progress:
        _with_store(lambda store, _: backups.restore(store, folder, progress))
    _say(f"{manifest.items} items restored from {folder}")


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would change.")] = False,
    dni: Annotated[Path | None, typer.Option(help="CSV with orderId and dni, for the orders that have none.")] = None,
    quarantine: Annotated[
        Path | None,
        typer.Option(help="A file to make, for items that cannot be mended: they go there, and the rest is migrated."),
    ] = None,
    mended: Annotated[Path | None, typer.Option(help="Lines of a quarantine, corrected: they are put back.")] = None,
    yes: Yes = False,
) -> None:
    """Bring the original's items, and those of earlier versions, to ours; first a backup is made.

    Items are checked before anything is written, and afterwards again; on any failure all is undone. An item that
    cannot be mended is named with its fields and what is wrong with them. Without --quarantine nothing is written if
    there is one. No server may be running.
    """
    dnis = _checked(lambda: _read_dnis(dni)) if dni else {}
    given = _checked(lambda: Mended.checked(mended)) if mended else NONE_MENDED
    if quarantine and quarantine.exists():
        _fail(f"{quarantine} exists already; name a file that is to be made")
    with shown(_problems) as progress:
        plan = _with_store(lambda store, _: migration.plan_migration(store, utcnow(), dnis, given, progress))
    _report(plan)
    if dry_run:
        nothing_due = "" if plan.writes or plan.bad else "nothing is left to migrate; "
        _say(f"{nothing_due}nothing was changed")
        raise typer.Exit(1 if plan.bad and not quarantine else 0)
    if plan.bad and not quarantine:
        _fail("nothing was changed: correct these items, or name a file for them with --quarantine")
    if (plan.writes or plan.bad) and not yes:
        aside = f" and move {plan.bad} to {quarantine}" if plan.bad else ""
        where = f"the store ({_store_name()})"
        typer.confirm(f"Write {plan.writes} items{aside} in {where}? No server may be running on it.", abort=True)
    with shown(_problems) as progress:
        done = _with_store(
            lambda store, _: migration.migrate(
                store, utcnow(), _backups(), dnis, progress, quarantine=quarantine, mended=given, plan=plan
            )
        )
    if not done.backup:
        _say("up to date: nothing was changed")
        return
    _say(f"{plan.writes} items written and checked; backup in {done.backup}")
    if plan.bad:
        _say(
            f"{plan.bad} items are in {quarantine} and no longer in the store;"
            f" correct its lines and run `carlos migrate --mended {quarantine}`"
        )


def _with_store[T](work: Callable[[Store, Settings], Awaitable[T]]) -> T:
    settings = Settings()

    async def run() -> T:
        async with opened(settings) as store:
            return await work(store, settings)

    return _checked(lambda: asyncio.run(run()))


def _checked[T](work: Callable[[], T]) -> T:
    """Say what went wrong with the store or a file, without a traceback."""
    try:
        return work()
    except (DataError, OSError, ValueError) as error:
        _fail(str(error), error)


def _fail(what: str, error: Exception | None = None) -> NoReturn:
    _problems.print(f"[red]failed[/]: {escape(what)}", soft_wrap=True)
    raise typer.Exit(1) from error


def _say(what: str) -> None:
    """On one line, so that a path can be copied."""
    _out.print(what, soft_wrap=True, markup=False)


def _store_name() -> str:
    settings = Settings()
    return (
        f"{settings.carlos_home / SQLITE_FILE}"
        if settings.store == "sqlite"
        else f"DynamoDB, {settings.orders_table} …"
    )


def _backups() -> Path:
    return Settings().carlos_home / "backups"


def _read_dnis(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if any(not row.get("orderId") or len(digits_of(row.get("dni") or "") or "") not in (7, 8) for row in rows):
        raise ValueError(f"{path} needs the columns orderId and dni (seven or eight digits) in every row")
    return {row["orderId"]: digits_of(row["dni"]) or "" for row in rows}


def _report(plan: migration.Plan) -> None:
    """What would change, counted, and after it what cannot be mended, a line each."""
    if plan.counts:
        table = Table("change", "items", title="migration")
        for what, count in sorted(plan.counts.items()):
            table.add_row(what, str(count))
        _out.print(table)
    if plan.bad:
        _out.print(f"[red]{plan.bad} items cannot be mended[/]")
    for problem in plan.malformed:
        _say(f"  {problem}")
    if plan.bad > len(plan.malformed):
        _say(f"  and {plan.bad - len(plan.malformed)} more")
