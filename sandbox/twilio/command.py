"""`carlos call`: phone Carlos with recorded speech, through the Twilio double."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from common.addresses import server_url
from common.settings import Settings

if TYPE_CHECKING:
    from sandbox.twilio.phone import Summary
    from sandbox.twilio.script import Script
    from sandbox.twilio.show import Show

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
        str | None,
        typer.Option(help="Ring this server; by default the one of `make run`, if it runs, else a new one."),
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="Start a server for this call, with fresh records.")] = False,
    mute: Annotated[bool, typer.Option("--mute", help="On a terminal: do not play the call.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where the WAV goes; CARLOS_HOME/calls by default.")] = None,
) -> None:
    """Phone Carlos with recorded speech: on a terminal the dialogue and its sound, as they happen; elsewhere the last
    line is a JSON summary."""
    console = Console(stderr=as_json, highlight=False)
    from sandbox.twilio.errors import DoubleError

    try:
        if list_callers:
            _list(console, as_json=as_json)
        else:
            _place(console, caller, wav_file or [], _url(server), out, as_json=as_json, own=own, mute=mute)
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


def _place(
    console: Console,
    caller: str,
    wavs: list[Path],
    server: str | None,
    out: Path | None,
    *,
    as_json: bool,
    own: bool,
    mute: bool,
) -> None:
    from sandbox.twilio.script import ad_hoc_script, load_script
    from sandbox.twilio.show import Show

    script = ad_hoc_script(wavs) if wavs else load_script(caller)
    is_watched = sys.stdout.isatty() and not as_json
    show = Show(console, plays=is_watched and not mute)
    home = Settings().carlos_home
    summary = asyncio.run(_call(script, out or home / "calls", show, home, server=server, own=own))
    if not is_watched:
        _print_json(summary)
    if summary["outcome"] != "completed":
        raise typer.Exit(1)


async def _call(script: Script, out: Path, show: Show, home: Path, *, server: str | None, own: bool) -> Summary:
    """Ring the server that is meant."""
    from sandbox.twilio.phone import call_own_server, call_running, call_server, find_running

    if server is not None:
        return await call_server(server, script, out, show)
    if script.settings:
        show.notice(f"{script.name} needs settings of its own: {', '.join(script.settings)}")
    elif not own and (running := await find_running(home)) is not None:
        return await call_running(running, script, out, show)
    return await call_own_server(script, out, show)


def _url(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return server_url(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _print_json(body: object) -> None:
    typer.echo(json.dumps(body, ensure_ascii=False))
