"""What a tool's refusal or question is about: which datum the caller could say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.dialogue.intents import Kind, Task
from sandbox.dialogue.understanding import Slot

_WHO = re.compile(r"identi|verif|match|coincid|not_found|no_such_record|encontr|unknown", re.IGNORECASE)
_WHEN = re.compile(r"slot|taken|busy|date|time|past|hour|moment|duration", re.IGNORECASE)
_EMAIL = re.compile(r"e-?mail|correo", re.IGNORECASE)
_DOCTOR = re.compile(r"doctor", re.IGNORECASE)
_ITEMS = re.compile(r"item|product", re.IGNORECASE)
_LOCKED = re.compile(r"lock", re.IGNORECASE)
_MAKING = (Task.BOOK, Task.CREATE_ORDER)


def read_subject(task: Task, body: Mapping[str, Any]) -> Slot | None:
    """The slot to ask for again; None where no other answer would help.

    Codes name it ("past_date"); a server without codes is read by its sentence.
    """
    code = str(body.get("code") or "")
    sentence = str(body.get("error") or body.get("question") or "")
    if _LOCKED.search(code):
        return None
    if task in _MAKING:
        return _of_new_record(task, f"{code} {sentence}", code)
    if task is Task.MOVE and _WHEN.search(code):
        return Slot.WHEN
    if _WHO.search(code or sentence):
        return Slot.IDENTITY if task.kind is Kind.ORDER else Slot.NAME
    return None


def _of_new_record(task: Task, about: str, code: str) -> Slot | None:
    if _EMAIL.search(about):
        return Slot.EMAIL
    if task is Task.CREATE_ORDER:
        return Slot.ITEMS if _ITEMS.search(about) else None
    if _WHEN.search(code):
        return Slot.WHEN
    return Slot.DOCTOR if _DOCTOR.search(about) else None
