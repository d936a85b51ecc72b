"""`carlos export`, `carlos erase` and `carlos key`: what admins do without the REST API."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console

from common.keys import ALL, HASHED, ApiKey
from common.settings import Settings
from data.findings import Findings
from data.open import opened
from data.privacy import Customer, CustomerData
from data.privacy import erase as erase_customer
from data.privacy import export as export_customer
from data.recordings import Recordings
from data.records import record_types
from data.store import Store

Email = Annotated[str | None, typer.Option(help="The customer's e-mail address.")]
Phone = Annotated[str | None, typer.Option(help="The customer's phone number, +54911…")]

_out = Console(highlight=False)


def register(app: typer.Typer) -> None:
    app.command()(export)
    app.command()(erase)
    app.command()(key)


def export(email: Email = None, phone: Phone = None) -> None:
    """Print everything that is kept of a customer, as JSON."""
    from api.application import prices
    from api.callbacks import callback_json
    from api.calls import call_json
    from api.schemas import record_json

    settings = Settings()
    found = _with_store(settings, lambda store: export_customer(store, _customer(email, phone)))
    body = {each.nouns: [record_json(record) for record in found.of(each.kind)] for each in record_types()}
    body["callbacks"] = [callback_json(callback) for callback in found.callbacks]
    body["calls"] = [call_json(call, prices(settings), Findings.of(call)) for call in found.calls]
    typer.echo(json.dumps(body, ensure_ascii=False, indent=2))


def erase(
    email: Email = None,
    phone: Phone = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say whose data there are and how many, and delete them for good, recordings included."""
    customer, settings = _customer(email, phone), Settings()
    recordings = Recordings.of(settings)
    found = _with_store(settings, lambda store: export_customer(store, customer))
    _out.print(f"{', '.join(found.people) or 'nobody by name'}: {_counted(found)}", markup=False)
    if not (found.records or found.call_ids):
        return
    if not yes:
        typer.confirm("Delete them, and the recordings of the calls?", abort=True)
    _with_store(settings, lambda store: erase_customer(store, recordings, found))
    _out.print("deleted; servers that have recordings of these calls delete them within the hour")


def key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scopes: Annotated[str, typer.Option(help="Joined by +: read, write, calls.")] = "+".join(sorted(ALL)),
) -> None:
    """Make an API key: give the first line to its owner, add the second to ADMIN_API_KEYS."""
    made = secrets.token_urlsafe(32)
    try:
        parsed = ApiKey.parse(f"{name}:{scopes}:{made}")
    except ValueError:
        raise typer.BadParameter(
            f"a name is letters, digits and . _ @ - only; scopes are {', '.join(sorted(ALL))}, joined by +"
        ) from None
    typer.echo(made)
    typer.echo(f"{name}:{scopes}:{HASHED}{parsed.digest.hex()}")


def _counted(found: CustomerData) -> str:
    return ", ".join(f"{count} {nouns}" for nouns, count in found.counts.items())


def _customer(email: str | None, phone: str | None) -> Customer:
    if not (email or phone):
        raise typer.BadParameter("name the customer by --email, by --phone, or by both")
    customer = Customer(email, phone)
    if phone and not customer.phone:
        raise typer.BadParameter("that stands for a withheld number, which is nobody's")
    return customer


def _with_store[T](settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(settings) as store:
            return await work(store)

    return asyncio.run(run())
