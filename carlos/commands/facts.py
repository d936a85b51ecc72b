"""`carlos facts`: what the business is, for its owner: hours, holidays, doctors, products, answers.

All work on the store that the settings name. A change counts for whatever is asked next, in a call that is going on
too; no server has to be restarted.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from common.settings import Settings
from common.times import BUENOS_AIRES
from data.errors import Conflict, DataError
from data.facts import Facts
from data.facts_file import FactsError, read
from data.kept_facts import FILE, SAMPLE
from data.open import opened
from data.store import Store

DRAFT = "facts-draft.yaml"  # in CARLOS_HOME, until it is saved

_out = Console(highlight=False)
_problems = Console(stderr=True, highlight=False)
_facts = typer.Typer(no_args_is_help=True, help="What the business is: hours, holidays, doctors, products, answers.")


def register(app: typer.Typer) -> None:
    app.add_typer(_facts, name="facts")


@_facts.command()
def show(sample: Annotated[bool, typer.Option("--sample", help="The sample business instead.")] = False) -> None:
    """Print the facts as they are kept."""
    text = _sample() if sample else _with_store(lambda store: store.facts_text())[0]
    if not text:
        _problems.print("nothing is written down: `carlos facts edit` begins with the sample, as `--sample` shows it")
        raise typer.Exit(1)
    typer.echo(text, nl=False)


@_facts.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A file; by default the facts that are kept.")] = None,
) -> None:
    """Name every fault, by line and key; status 1 if there is any."""
    text = _read(file) if file else _with_store(lambda store: store.facts_text())[0]
    try:
        facts = read(text) if text or file else None
    except FactsError as error:
        _tell(error)
        raise typer.Exit(1) from None
    _out.print(_counted(facts) if facts else "nothing is written down: open Monday to Saturday from 8 to 20")


@_facts.command()
def edit() -> None:
    """Open the facts in $VISUAL or $EDITOR, check them, and keep them once they have no fault."""
    text, version = _with_store(lambda store: store.facts_text())
    draft = Settings().carlos_home / DRAFT
    if not (draft.exists() and typer.confirm(f"Go on with what was not saved in {draft}?", default=True)):
        _write(draft, text or _sample())
    while True:
        _open_editor(draft)
        wanted = _read(draft)
        if wanted == text:
            draft.unlink()
            _out.print("nothing was changed")
            return
        try:
            facts = read(wanted)
            break
        except FactsError as error:
            _tell(error)
        if not typer.confirm("Edit it again?", default=True):
            _problems.print(f"not saved; it is in {draft}", markup=False)
            raise typer.Exit(1)
    _save(wanted, version, draft)
    _out.print(f"saved: {_counted(facts)}", markup=False)


@_facts.command()
def questions(
    forget: Annotated[bool, typer.Option("--forget", help="Delete them after they are shown.")] = False,
) -> None:
    """Show what callers asked and the facts did not answer, the most frequent first."""
    found = _with_store(lambda store: store.unanswered())
    table = Table("times", "last", "question", title="questions without an answer")
    for each in found:
        table.add_row(str(each.times), f"{each.last.astimezone(BUENOS_AIRES):%Y-%m-%d}", each.question)
    _out.print(table if found else "no question was left without an answer")
    if forget:
        _with_store(lambda store: store.forget_questions())


def _save(text: str, version: str | None, draft: Path) -> None:
    async def put(store: Store) -> None:
        await store.save_facts(text, version)

    try:
        _with_store(put)
    except Conflict:
        _problems.print(f"not saved, for somebody else changed the facts meanwhile; it is in {draft}", markup=False)
        raise typer.Exit(1) from None
    draft.unlink()


def _open_editor(path: Path) -> None:
    """The draft stays where the editor fails."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        status = subprocess.call([*command, str(path)])  # noqa: S603 - the user's own editor
    except OSError as error:
        _problems.print(f"{command[0]}: {error.strerror}; set EDITOR", markup=False)
        raise typer.Exit(1) from None
    if status:
        _problems.print(f"{command[0]} ended with status {status}; nothing was saved", markup=False)
        raise typer.Exit(1)


def _with_store[T](work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(Settings()) as store:
            return await work(store)

    try:
        return asyncio.run(run())
    except Conflict:
        raise
    except DataError as error:
        _problems.print(f"failed: {error}", markup=False)
        raise typer.Exit(1) from error


def _sample() -> str:
    return SAMPLE.read_text(encoding="utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        _problems.print(f"{path}: {error.strerror}", markup=False)
        raise typer.Exit(1) from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _tell(error: FactsError) -> None:
    for fault in error.faults:
        _problems.print(str(fault), markup=False)
    _problems.print(f"{len(error.faults)} faults in {FILE}")


def _counted(facts: Facts) -> str:
    counts = ((len(facts.doctors), "doctors"), (len(facts.products), "products"), (len(facts.questions), "questions"))
    return f"{facts.name}: {', '.join(f'{count} {what}' for count, what in counts)}"
