"""`carlos`: one command with subcommands."""

from __future__ import annotations

import typer
from pydantic import ValidationError
from rich.console import Console

from carlos.commands import bench, call, customers, records, serve

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Carlos, a phone voice agent.")
for command in (serve, call, records, customers, bench):
    command.register(app)


def main() -> None:
    """Run the command; settings that do not fit are explained instead of traced."""
    try:
        app()
    except ValidationError as error:
        console = Console(stderr=True)
        for problem in error.errors():
            where = ".".join(str(part) for part in problem["loc"]).upper()
            console.print(
                f"[red]setting {where}[/]: {problem['msg']}" if where else f"[red]settings[/]: {problem['msg']}"
            )
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
