"""`carlos call`: phone Carlos with recorded speech, through the Twilio double."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from common.settings import Settings

DEFAULT_CALLER = "order-status-dni"


def register(app: typer.Typer) -> None:
    """Add the command to the `carlos` application."""
    app.command("call")(call)


def call(
    caller: Annotated[str, typer.Argument(help="A recorded caller; --list shows them.")] = DEFAULT_CALLER,
    list_callers: Annotated[bool, typer.Option("--list", help="Show the recorded callers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Nothing but the JSON on stdout.")] = False,
    wav_file: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Say this WAV instead; one a turn.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="A running server, http://localhost:8081; else one is started.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the WAV goes; CARLOS_HOME/calls by default.")] = None,
) -> None:
    """Place a phone call from recorded speech and print the dialogue; the last line is a JSON summary."""
    from sandbox.twilio.errors import DoubleError

    console = Console(stderr=as_json, highlight=False)
    try:
        if list_callers:
            _list(console, as_json=as_json)
        else:
            _place(console, caller, wav_file or [], server, out)
    except DoubleError as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None


def _list(console: Console, *, as_json: bool) -> None:
    from sandbox.twilio.script import load_script, script_names

    scripts = [load_script(name) for name in script_names()]
    table = Table("caller", "says", box=None)
    for script in scripts:
        table.add_row(script.name, script.says)
    console.print(table)
    if as_json:
        _print_json({"callers": [{"name": script.name, "says": script.says} for script in scripts]})


def _place(console: Console, caller: str, wavs: list[Path], server: str | None, out: Path | None) -> None:
    from sandbox.twilio.phone import call_own_server, call_server
    from sandbox.twilio.script import ad_hoc_script, load_script
    from sandbox.twilio.show import Show

    script = ad_hoc_script(wavs) if wavs else load_script(caller)
    folder = out or Settings().carlos_home / "calls"
    show = Show(console)
    placed = call_server(server, script, folder, show) if server else call_own_server(script, folder, show)
    summary = asyncio.run(placed)
    _print_json(summary)
    if summary["outcome"] != "completed":
        raise typer.Exit(1)


def _print_json(body: object) -> None:
    typer.echo(json.dumps(body, ensure_ascii=False))
