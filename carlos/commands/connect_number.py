"""`carlos connect-number`: a Twilio number's URLs, shown, checked and set."""

from __future__ import annotations

from typing import Annotated

import typer

from common.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("connect-number")(connect_number)


def connect_number(
    number: Annotated[str, typer.Argument(help="The number, +54…, as the Twilio account has it.")],
    fallback_url: Annotated[
        str | None,
        typer.Option(help="What Twilio asks when the voice URL fails: a TwiML Bin, say; by default this server's own."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; status 1 if anything differs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Point a Twilio number at PUBLIC_BASE_URL: its voice URL, fallback and status callback."""
    from carlos.connecting import connect  # the phone line is slow to import

    raise typer.Exit(connect(Settings(), number, fallback_url, check=check, yes=yes))
