"""`carlos talk`: type with Carlos in the terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from common.addresses import own_url, server_url
from common.running import running_server
from common.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("talk")(talk)


def talk(
    server: Annotated[
        str | None,
        typer.Option(help="The server; by default the one that runs here, or http://localhost with WS_PORT."),
    ] = None,
    english: Annotated[bool, typer.Option("--english", help="First show what can be said, with its meaning.")] = False,
) -> None:
    """Type with Carlos: his words, and a line for each tool. /colgar, Ctrl-D or Ctrl-C hangs up; a pipe's lines wait
    for their answers."""
    from carlos.talk.phrases import english_help
    from carlos.talk.session import TalkError

    if english:
        typer.echo(english_help() + "\n")
    try:
        status = asyncio.run(_talk(address(server, Settings())))
    except TalkError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(status)


def address(server: str | None, settings: Settings) -> str:
    """Return the server's URL, also where somebody leaves the scheme out: by default that of the server on this data
    home, as `carlos call` does. Raise BadParameter for what is none."""
    if server is None:
        running = running_server(settings.carlos_home)
        return running.address if running is not None and running.listens else own_url(settings)
    try:
        url = server_url(server)
        if urlsplit(url).path:
            raise ValueError(f"{server!r} has a path, and is to be an address such as http://localhost:8081")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return url


async def _talk(url: str) -> int:
    from carlos.talk.session import talk
    from carlos.talk.terminal import PlainScreen, PromptScreen, is_terminal, keys, script

    settings = Settings()
    key = settings.own_api_key if settings.asks_browser_tokens else None
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, leave.set)
    if is_terminal():
        prompt = PromptScreen(sys.stdout)
        with keys(sys.stdin.fileno(), prompt, lines):
            return await talk(url, lines, prompt, leave, key=key)
    with script(sys.stdin, lines):
        return await talk(url, lines, PlainScreen(sys.stdout), leave, key=key, waits=not sys.stdin.isatty())
