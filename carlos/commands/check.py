"""`carlos check`: is everything there that a call needs? One line each, with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from carlos.checks.finding import Finding, Mark, doubtful, failed, not_tried, ok
from common.settings import Settings
from common.settings.doubts import doubts
from common.settings.misspelt import misspelt, names_given
from common.settings.problems import problems

SETTINGS = "settings"
WITHOUT = ("store", "model", "Twilio account", "public address", "signature", "people", "messages", "recordings")
_COLOURS = {Mark.OK: "green", Mark.FAILED: "red", Mark.DOUBTFUL: "yellow", Mark.NOT_TRIED: "yellow"}

_out = Console(highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.command()(check)


def check() -> None:
    """Look at settings, store, model access, Twilio account, public address and recordings; status 1 if any failed."""
    findings = asyncio.run(findings_of_all())
    for finding in findings:
        colour = _COLOURS[finding.mark]
        _out.print(f"[{colour}]{finding.mark:9}[/]  {finding.what:14}  {escape(finding.detail)}")
    bad = sum(finding.mark is Mark.FAILED for finding in findings)
    untried = sum(finding.mark is Mark.NOT_TRIED for finding in findings)
    _out.print(f"{len(findings)} looked at: {bad} failed, {untried} not tried. No call was placed.")
    raise typer.Exit(1 if bad else 0)


async def findings_of_all() -> list[Finding]:
    """Return a finding for each thing, also for what could not be tried because the settings do not hold."""
    try:
        settings = Settings()
    except ValidationError as error:
        told = [failed(SETTINGS, line) for line in problems(error)]
        return [*told, *_misspelt(), *(not_tried(what, "the settings do not hold") for what in WITHOUT)]
    found = await asyncio.gather(*(each(settings) for each in _checks()))
    doubted = [doubtful(SETTINGS, doubt) for doubt in doubts(settings)]
    return [ok(SETTINGS, "they hold together"), *_misspelt(), *doubted, *found]


def _checks() -> list[Callable[[Settings], Awaitable[Finding]]]:
    """In the order of WITHOUT. Imported here: the model's client is slow to import, and other commands need none."""
    from carlos.checks import model, phone, records

    return [
        records.check_store,
        model.check_model,
        phone.check_account,
        phone.check_address,
        phone.check_signature,
        phone.check_people,
        phone.check_messages,
        records.check_recordings,
    ]


def _misspelt() -> list[Finding]:
    return [
        failed(
            SETTINGS,
            f"{name} is no setting and does nothing; {f'is {meant} meant?' if meant else 'see docs/settings.md'}",
        )
        for name, meant in misspelt(names_given()).items()
    ]
