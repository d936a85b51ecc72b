"""`carlos webhooks`: what could not be delivered, and whether a receiver listens, without the REST API."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.settings import Settings
from common.times import BUENOS_AIRES, to_iso, utcnow
from common.webhooks import ID, SIGNATURE, TIMESTAMP, Unverified, key_of, new_secret
from common.webhooks import verify as verify_message
from data.errors import DataError
from data.events import TEST, Event
from data.open import opened
from data.store import Store
from data.webhooks import Letter, Receiver

Name = Annotated[str | None, typer.Argument(metavar="[ID]", help="As `carlos webhooks list` shows it.")]
All = Annotated[bool, typer.Option("--all", help="All of them.")]

_out = Console(highlight=False)
_problems = Console(stderr=True, highlight=False, soft_wrap=True)
_webhooks = typer.Typer(no_args_is_help=True, help="Webhooks out: receivers, and what they did not take.")


def register(app: typer.Typer) -> None:
    app.add_typer(_webhooks, name="webhooks")


@_webhooks.command("list")
def list_() -> None:
    """Show the receivers, and the events that were given up."""
    from api.webhooks import receiver_json

    async def read(store: Store) -> tuple[list[dict[str, object]], tuple[Letter, ...]]:
        receivers = [await receiver_json(store, each) for each in store.webhooks.receivers]
        return receivers, (await store.webhooks.dead()).items

    receivers, dead = _with_store(read)
    table = Table("receiver", "", "is", "waiting", title="receivers")
    for each in receivers:
        table.add_row(str(each["id"]), escape(str(each["origin"])), str(each["status"]), str(each["waiting"]))
    _out.print(table if receivers else "WEBHOOK_URLS is empty: nobody is told of anything")
    if not dead:
        _out.print("nothing was given up")
        return
    lost = Table("id", "event", "about", "happened", "tries", "why", title="given up")
    for letter in dead:
        happened = f"{letter.at.astimezone(BUENOS_AIRES):%Y-%m-%d %H:%M}"
        about, why = escape(letter.about), escape(letter.reason)
        lost.add_row(letter.name, letter.type, about, happened, str(letter.attempts), why)
    _out.print(lost)


@_webhooks.command()
def retry(name: Name = None, every: All = False) -> None:
    """Deliver what was given up after all: one event, or all of them. The server sends it."""

    async def work(store: Store) -> int:
        known = {receiver.id for receiver in store.webhooks.receivers}
        letters = [letter for letter in await _chosen(store, name, every=every) if letter.receiver in known]
        for letter in letters:
            await store.webhooks.revive(letter)
        return len(letters)

    _out.print(f"{_with_store(work)} to be delivered again")


@_webhooks.command()
def delete(name: Name = None, every: All = False) -> None:
    """Forget what was given up: one event, or all of them."""

    async def work(store: Store) -> int:
        letters = await _chosen(store, name, every=every)
        for letter in letters:
            await store.webhooks.discard(letter)
        return len(letters)

    _out.print(f"{_with_store(work)} deleted")


@_webhooks.command()
def enable(receiver: Annotated[str, typer.Argument(help="As `carlos webhooks list` shows it.")]) -> None:
    """Tell a receiver again that has answered 410."""

    async def work(store: Store) -> None:
        if receiver not in {each.id for each in store.webhooks.receivers}:
            _fail(f"no receiver {receiver} is among WEBHOOK_URLS")
        await store.webhooks.enable(receiver)

    _with_store(work)
    _out.print("it is told again, within ten seconds")


@_webhooks.command()
def test() -> None:
    """Send `webhook.test` to each receiver now, and say what it answers; status 1 if one does not take it."""
    from carlos.webhooks.post import Poster
    from carlos.webhooks.schedule import Verdict

    settings, now = Settings(), utcnow()
    if not settings.webhook_urls:
        _fail("WEBHOOK_URLS is empty")
    event = Event(TEST, "test", now, {"id": "test", "version": 1})
    body = json.dumps({"type": event.type, "timestamp": to_iso(now), "data": event.data}).encode()

    async def send() -> bool:
        poster, well = Poster(settings.webhook_timeout_s, private=settings.webhook_private), True
        for url, keys in zip(settings.webhook_urls, settings.webhook_keys, strict=True):
            answer = await poster.post(url, keys, event.id, body)
            taken = answer.verdict is Verdict.TAKEN
            _out.print(f"{Receiver(url).origin}: {'taken, ' if taken else 'not taken: '}{answer.told}", markup=False)
            well = well and taken
        await poster.close()
        return well

    raise typer.Exit(0 if asyncio.run(send()) else 1)


@_webhooks.command()
def verify(
    message_id: Annotated[str, typer.Option("--id", help=f"The header {ID}.")],
    timestamp: Annotated[str, typer.Option(help=f"The header {TIMESTAMP}.")],
    signature: Annotated[str, typer.Option(help=f"The header {SIGNATURE}.")],
    body: Annotated[
        Path | None, typer.Argument(help="A file of the body as it came; by default standard input.")
    ] = None,
    secret: Annotated[str | None, typer.Option(help="By default those of WEBHOOK_SECRETS.")] = None,
    old: Annotated[bool, typer.Option("--old", help="It came some time ago: leave the clock out.")] = False,
) -> None:
    """Say whether a message is ours, for somebody who writes a receiver; status 1 if it is not."""
    try:
        keys = [key_of(secret)] if secret else [key for keys in Settings().webhook_keys for key in keys]
        content = body.read_bytes() if body else sys.stdin.buffer.read()
    except (ValueError, OSError) as error:
        _fail(error.strerror or "cannot be read" if isinstance(error, OSError) else str(error))
    if not keys:
        _fail("name the secret, or set WEBHOOK_SECRETS and WEBHOOK_URLS")
    now = float(timestamp) if old and timestamp.isdecimal() else time.time()
    try:
        verify_message(keys, {ID: message_id, TIMESTAMP: timestamp, SIGNATURE: signature}, content, now)
    except Unverified as error:
        _fail(f"not ours: {error}")
    _out.print("ours: the signature is that of the secret")


@_webhooks.command()
def secret() -> None:
    """Make a secret for WEBHOOK_SECRETS; whoever receives gets it too."""
    typer.echo(new_secret())


async def _chosen(store: Store, name: str | None, *, every: bool) -> tuple[Letter, ...]:
    if every:
        return (await store.webhooks.dead()).items
    if name is None:
        raise typer.BadParameter("name one, or say --all")
    letter = await store.webhooks.dead_letter(name)
    if letter is None:
        _fail(f"{name} is not among what was given up")
    return (letter,)


def _with_store[T](work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(Settings()) as store:
            return await work(store)

    try:
        return asyncio.run(run())
    except DataError as error:
        _fail(str(error) or type(error).__name__)


def _fail(what: str) -> NoReturn:
    _problems.print(what, markup=False)
    raise typer.Exit(1)
