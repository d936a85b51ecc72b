"""`carlos`: one command with subcommands."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

import tools.catalogue  # noqa: F401 - declares the records of the tools' files, which erasing must know
from carlos.commands import audit, check, connect_number, customers, facts, migrate_calls, records, serve, webhooks
from common.settings.problems import problems

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Carlos, a phone voice agent.")
for command in (serve, check, connect_number, records, migrate_calls, facts, customers, audit, webhooks):
    command.register(app)
# What lies above the server, and is in a checkout but not in the server's image, brings its own commands.
for package, module in (("sandbox", "sandbox.twilio.command"), ("bench", "bench.command")):
    if find_spec(package) is not None:
        import_module(module).register(app)


def main() -> None:
    """Run the command. Settings that do not fit are explained, without a traceback."""
    try:
        app()
    except ValidationError as error:
        console = Console(stderr=True, soft_wrap=True)
        for problem in problems(error):
            console.print(f"[red]setting[/] {escape(problem)}")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
