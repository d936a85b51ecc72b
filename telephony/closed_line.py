"""What a closed line says: who was reached, and when it opens next, from the facts of the business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from common.settings import Settings
from common.spanish.clock import hour
from common.spanish.wording import MONTHS, WEEKDAYS
from common.times import BUENOS_AIRES, utcnow
from data.callbacks import CallBack
from data.changes import IdempotencyRecord
from data.facts import Facts
from data.store import Store

type Offer = Literal["message", "voicemail", "callback"]


@dataclass(frozen=True, slots=True)
class ClosedLine:
    """What a caller hears, and what he is offered then; with `message` the call ends."""

    said: str
    offer: Offer


class CallBacks(Protocol):
    """Who keeps that a caller wants to be called back."""

    async def note_callback(self, call_id: str, number: str) -> None:
        """Keep it, once for a call; `number` is in E.164, and the caller chose what it is. Raise DataError where it is
        not kept: then the caller is told so."""
        ...


class StoredCallBacks:
    """`CallBacks` beside the others of the store; what a caller wants is not known without a conversation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note_callback(self, call_id: str, number: str) -> None:
        callback = CallBack(call_id, number, "", utcnow())
        await self._store.ask_callback(callback, IdempotencyRecord(call_id, "closed line", number, {}))


def is_open(facts: Facts, now: datetime) -> bool:
    """Return whether the business is open: from the first second of its hours to the last one before they end."""
    opens = facts.next_open(now)
    return opens is not None and opens <= now


def sentences(facts: Facts, now: datetime) -> str:
    """Return sentences for a caller outside opening hours; where there are doctors, with what to do in an emergency."""
    said = [f"Gracias por llamar a {facts.name}.", "En este momento está cerrado."]
    if (opens := facts.next_open(now)) is not None:
        said.append(f"Abrimos {opening(opens, now)}.")
    if facts.doctors:
        said.append(facts.emergency)
    return " ".join(said)


def opening(opens: datetime, now: datetime) -> str:
    """`hoy a las 4 de la tarde`, `mañana, martes 2 de diciembre, a las 9`, `el lunes 7 de diciembre a las 8`."""
    day, today = (moment.astimezone(BUENOS_AIRES).date() for moment in (opens, now))
    return f"{_day(day, today)} a {hour(opens)}"


def _day(day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead == 0:
        return "hoy"
    named = f"{WEEKDAYS[day.weekday()]} {day.day} de {MONTHS[day.month - 1]}"
    if day.year != today.year:
        named += f" de {day.year}"
    return f"mañana, {named}," if ahead == 1 else f"el {named}"


def offer_of(settings: Settings) -> Offer | None:
    """Return what a closed line offers; None where it is answered as ever."""
    return None if settings.closed == "answer" else settings.closed
