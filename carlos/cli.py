"""`carlos`: one command with subcommands."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

import tools.catalogue  # noqa: F401 - declares the records of the tools' files, which erasing must know
from carlos.commands import (
    audit,
    check,
    connect_number,
    customers,
    facts,
    init,
    migrate_calls,
    records,
    serve,
    webhooks,
)
from common.settings.problems import problems
from data.errors import DataError

# What a variable held when something failed may be a secret, or somebody's name.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"carlos {version('carlos')}")
        raise typer.Exit


@app.callback()
def carlos(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Carlos, a phone voice agent. `carlos serve` starts it; `carlos call` rings it."""


for command in (serve, init, check, connect_number, records, migrate_calls, facts, customers, audit, webhooks):
    command.register(app)
# What lies above the server, and is in a checkout but not in the server's image, brings its own commands.
for package, module in (("sandbox", "sandbox.twilio.command"), ("bench", "bench.command")):
    if find_spec(package) is not None:
        import_module(module).register(app)


def main() -> None:
    """Run the command. Settings that do not fit, a store or a file that cannot be had are told in a line, without a
    traceback."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        app()
    except ValidationError as error:
        for problem in problems(error):
            console.print(f"[red]setting[/] {escape(problem)}")
        raise SystemExit(2) from None
    except DataError as error:
        console.print(f"[red]failed[/] {escape(str(error))}; `carlos check` says more")
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is None:
            raise
        console.print(f"[red]failed[/] {escape(str(error.filename))}: {escape(error.strerror or type(error).__name__)}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
