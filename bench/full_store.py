"""A store as a business has it after years, written in bulk: for what is to be as quick then as on the first day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any

from bench import lists
from common.times import BUENOS_AIRES
from data import callbacks, day_counts
from data.backends.base import Add, Item, Put
from data.call_items import call_items
from data.call_records import KEEP_CALLS
from data.callbacks import CallBack
from data.events import CALL_ENDED, Event
from data.findings import Findings
from data.labels import label_items, labels
from data.models import CallRecord, Line, ToolCall, Turn
from data.open import SQLITE_FILE, open_sqlite
from data.references import reference_items, references
from data.store import Store
from data.tables import TableName
from data.webhooks import Letter, Receiver

MONTH = timedelta(days=29, hours=12)  # over which the calls are spread
NUMBERS = 997  # callers; each rings again and again
QUESTIONS = 100
_CHUNK = 5000  # items
_TRANSACTION = 100
_SAID = "Tu pedido uno está en camino y llega el jueves que viene. ¿Necesitás que te ayude con algo más?"
_HEARD = "Hola, quería saber si mi pedido ya salió para mi casa."
# What comes of every few calls: the tool, what it is given and what it answers.
_TOOLS = (
    ("consultarOrder", {"orderId": "1"}, {"success": True, "orderId": "1"}),
    ("agendarTurno", {"doctorName": "Dra. Ana López 3"}, {"success": True, "appointmentId": "7"}),
    ("consultarOrder", {"orderId": "1"}, {"success": False, "code": "not_verified"}),
)
_OUTCOMES = ("completed", "caller_left", "inactivity", "completed", "failed")


@dataclass(frozen=True, slots=True)
class Size:
    records: int = 100_000  # orders, and as many appointments
    calls: int = 10_000
    letters: int = 500  # given up, of webhooks
    callbacks: int = 300


async def fill(home: Path, size: Size, now: datetime, receiver: str) -> None:
    """As much of everything, today in the middle of the appointments. `receiver` is the URL of a webhook."""
    days = size.records // lists.A_DAY
    morning = now.astimezone(BUENOS_AIRES).replace(hour=8, minute=0, second=0, microsecond=0)
    await lists.fill(home, size.records, morning - timedelta(days=days // 2))
    store = await open_sqlite(home / SQLITE_FILE, lambda: now)
    try:
        for doctor in lists.DOCTORS:
            await store.add_doctor(doctor)
        await _calls(store, size.calls, now)
        await _letters(store, size.letters, now, receiver)
        asked = [
            CallBack(_id(each), _number(each), "Una duda", now - timedelta(hours=each))
            for each in range(size.callbacks)
        ]
        await _put(store, [callbacks.to_item(each, now + KEEP_CALLS) for each in asked])
        for number in range(QUESTIONS):
            await store.note_question(f"¿Atienden por la obra social número {number}?")
    finally:
        await store.close()


async def _calls(store: Store, count: int, now: datetime) -> None:
    """Whole records, as they are found: filed, labelled, and counted for their days."""
    for numbers in batched(range(count), _CHUNK // 20):
        items: list[Item] = []
        days: dict[tuple[str, str], list[Add]] = defaultdict(list)
        for call in (_call(number, now - MONTH * number / count) for number in numbers):
            found = Findings.of(call)
            filed, counts = labels(call, found), day_counts.counts_of(call, found)
            expires = call.started_at + KEEP_CALLS
            stamp = int(expires.timestamp())
            items += [*call_items(call, expires), *label_items(call, filed, stamp)]
            items += reference_items(call, references(call), stamp)
            for write in day_counts.writes(call, counts, filed, None, stamp):
                if isinstance(write, Put):
                    items.append(write.item)
                elif isinstance(write, Add):
                    days[write.key].append(write)
        await _put(store, items)
        await store.backend.transact([_together(adds) for adds in days.values()])


def _together(adds: list[Add]) -> Add:
    amounts: dict[str, int] = defaultdict(int)
    for add in adds:
        for name, amount in add.amounts.items():
            amounts[name] += amount
    return replace(adds[0], amounts=amounts)


def _call(number: int, began: datetime) -> CallRecord:
    outcome = _OUTCOMES[number % len(_OUTCOMES)]
    turns = [Turn("carlos", "Hola, soy Carlos. ¿En qué te ayudo?", began + timedelta(seconds=2), latency_ms=640)]
    for exchange in range(1 + number % 6):
        at = began + timedelta(seconds=8 * exchange + 5)
        turns += [
            Turn("caller", _HEARD, at),
            Turn("carlos", _SAID, at + timedelta(seconds=4), latency_ms=700 + number % 900),
        ]
    name, given, answered = _TOOLS[number % len(_TOOLS)]
    tools = (ToolCall(name, "use-1", bool(answered["success"]), 12, began + timedelta(seconds=7), given, answered),)
    details: dict[str, Any] = {
        "usage": {"input_speech": 9600, "output_speech": 7200},
        "faults": [],
        "end_reason": "goodbye",
    }
    if number % 9 == 0:
        details["dead_air"] = [9000]
    ended = began + timedelta(seconds=20 + 8 * (number % 6))
    said, used = tuple(turns[: 1 + number % len(turns)]), tools if number % 4 else ()
    return CallRecord(_id(number), Line.PHONE, began, _number(number), ended, outcome, said, used, details=details)


async def _letters(store: Store, count: int, now: datetime, url: str) -> None:
    receiver = Receiver(url)
    store.webhooks.receivers = (receiver,)
    for number in range(count):
        event = Event(CALL_ENDED, _id(number), now - timedelta(hours=1, minutes=number), {"version": 1})
        await _put(store, [put.item for put in store.webhooks.writes(event)])
        await store.webhooks.bury(Letter.of(event, receiver), 9, "HTTP 503")


async def _put(store: Store, items: list[Item]) -> None:
    await store.backend.replace(TableName.CALLS, items, [])


def _id(number: int) -> str:
    return f"CA{number:032x}"


def _number(number: int) -> str:
    return f"+54911{number % NUMBERS:08d}"
