"""A Twilio number's URLs, shown, checked and set: what `carlos connect-number` does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import typer
from rich.console import Console
from rich.markup import escape

from common.settings import Settings
from common.settings.concern import scheme_of
from telephony.twilio.api import TwilioApi, TwilioError, explained
from telephony.twilio.numbers import TAKES_OVER, NoSuchNumber, Number, e164, find, update, wanted_fields

TIMEOUT_S = 15.0  # seconds for a request: nobody's call waits for it
NOT_TRIED = "Not tried: no call was placed. Call the number to hear Carlos."

_out = Console(highlight=False, soft_wrap=True)
_problems = Console(stderr=True, highlight=False, soft_wrap=True)


class CannotConnect(Exception):
    """The text says what to do."""


def connect(settings: Settings, number: str, fallback_url: str | None, *, check: bool, yes: bool) -> int:
    """Show what differs, and set it unless `check`; ask first unless `yes`. Return the exit status: 1 where it failed,
    and where a check found a difference."""
    try:
        wanted = wanted_fields(_https(settings.public_base_url), fallback_url, settings.webhook_overrides)
        found = asyncio.run(_find(settings, e164(number)))
        changes = found.changes(wanted)
        _show(found, wanted, changes)
        if changes and not check:
            if not yes:
                typer.confirm(f"Set {', '.join(changes)}?", abort=True)
            _refuse_halves(asyncio.run(_update(settings, found, changes)), wanted)
            _out.print(f"Set: {', '.join(changes)}.")
    except (CannotConnect, NoSuchNumber, ValueError) as error:
        return _failed(str(error))
    except TwilioError as error:
        return _failed(explained(error))
    _out.print(NOT_TRIED)
    return 1 if check and changes else 0


def _https(base_url: str | None) -> str:
    if not base_url or scheme_of(base_url) != "https":
        raise CannotConnect("set PUBLIC_BASE_URL to the https://… address at which Twilio reaches this server")
    return base_url.rstrip("/")


def _api(settings: Settings) -> TwilioApi:
    api = TwilioApi.from_settings(settings, TIMEOUT_S)
    if api is None:
        raise CannotConnect("set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, from the Console's home page")
    return api


async def _find(settings: Settings, number: str) -> Number:
    async with _api(settings) as api:
        return await find(api, number)


async def _update(settings: Settings, number: Number, changes: Mapping[str, str]) -> Number:
    async with _api(settings) as api:
        return await update(api, number, changes)


def _refuse_halves(number: Number, wanted: Mapping[str, str]) -> None:
    """Twilio answers with the number as it is now: that, and not our wish, says whether it is set."""
    if left := number.changes(wanted):
        raise CannotConnect(f"Twilio did not take {', '.join(left)}")


def _show(number: Number, wanted: Mapping[str, str], changes: Mapping[str, str]) -> None:
    """A line for each field: what it is, and behind an arrow what it should be."""
    _out.print(f"{number.number} ({number.sid})", markup=False)
    for name, value in wanted.items():
        if name in TAKES_OVER and name not in changes:
            continue
        should = f"  ->  {value or 'nothing: it overrides the URLs'}" if name in changes else "  as it should be"
        _out.print(f"  {name:22}{number.fields[name] or '(nothing)'}{should}", markup=False)
    if not changes:
        _out.print("Everything is as it should be.")


def _failed(text: str) -> int:
    _problems.print(f"[red]failed[/]: {escape(text)}")
    return 1
