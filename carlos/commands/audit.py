"""`carlos audit`: a call, measured on its recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("audit")(audit)


def audit(
    wav: Annotated[Path, typer.Argument(help="A recording: stereo, the caller on the left, Carlos on the right.")],
    record: Annotated[
        Path | None, typer.Argument(help="The call's record as JSON, as GET /calls/{id} gives it, to compare.")
    ] = None,
    server: Annotated[str | None, typer.Option(help="Ask this server for the record: localhost:8081.")] = None,
    key: Annotated[str, typer.Option(envvar="CARLOS_API_KEY", help="A key of it with the scope read.")] = "",
    call: Annotated[str | None, typer.Option(help="The call's id there; by default the file's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Measure a call on its recording: answer times, overlaps, dead air, cut words."""
    from carlos import auditing  # numpy is slow to import

    if not auditing.audit(wav, record, server, key, call, as_json=as_json):
        raise typer.Exit(1)
