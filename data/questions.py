"""The questions of callers that the facts of a business do not answer, for its owner to read.

They are kept without who asked; e-mail addresses and longer numbers are hidden in them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.masking import mask_text
from common.spanish.names import plain
from common.text import clean
from common.times import from_iso, to_iso
from data.backends.base import Backend, Delete, Item, Put
from data.tables import TTL_ATTRIBUTE, TableName

KEPT = 200  # questions; the one that was asked longest ago goes
KEEP = timedelta(days=90)
_LIMIT = 160  # characters
_PK, _SK = "QUESTIONS", "QUESTION#"


@dataclass(frozen=True, slots=True)
class Unanswered:
    id: str
    question: str
    times: int
    last: datetime


async def note(backend: Backend, question: str, now: datetime) -> None:
    """Count a question. Two at once may count as one. May raise Unavailable."""
    text = mask_text(clean(question, _LIMIT))
    words = " ".join(re.findall(r"\w+", plain(text)))  # however it is punctuated
    key = f"{_SK}{hashlib.sha256(words.encode()).hexdigest()[:16]}"
    items = {str(item["SK"]): item for item in await backend.query(TableName.CALLS, _PK)}
    times = int(items[key]["times"]) + 1 if key in items else 1
    item: Item = {"PK": _PK, "SK": key, "question": text, "times": times, "last": to_iso(now)}
    await backend.transact([Put(TableName.CALLS, item | {TTL_ATTRIBUTE: int((now + KEEP).timestamp())})])
    if key not in items and len(items) >= KEPT:
        oldest = min(items.values(), key=lambda each: str(each["last"]))
        await backend.transact([Delete(TableName.CALLS, (_PK, str(oldest["SK"])))])


async def unanswered(backend: Backend, now: datetime) -> tuple[Unanswered, ...]:
    """Return the questions of the last 90 days, those that are asked most first."""
    items = await backend.query(TableName.CALLS, _PK)
    found = [_unanswered(item) for item in items]
    recent = [each for each in found if each.last > now - KEEP]
    return tuple(sorted(recent, key=lambda each: (-each.times, each.question)))


async def dismiss(backend: Backend, question_id: str) -> None:
    """Delete one, if it is there; asked again it is kept again."""
    await backend.transact([Delete(TableName.CALLS, (_PK, f"{_SK}{question_id}"))])


async def forget(backend: Backend) -> None:
    """Delete them all."""
    for item in await backend.query(TableName.CALLS, _PK):
        await backend.transact([Delete(TableName.CALLS, (_PK, str(item["SK"])))])


def _unanswered(item: Item) -> Unanswered:
    key = str(item["SK"]).removeprefix(_SK)
    return Unanswered(key, str(item["question"]), int(item["times"]), from_iso(str(item["last"])))
