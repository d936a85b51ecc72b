"""What a tool's refusal or question is about: which datum the caller could say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.dialogue.intents import Kind, Task
from sandbox.dialogue.understanding import Slot

# Words of the code ("past_date", "patient_email_needed"), and the slot that each is about; the first one counts.
_SUBJECTS = (
    (re.compile(r"order_id|appointment_id"), Slot.RECORD_ID),
    (re.compile(r"email"), Slot.EMAIL),
    (re.compile(r"item"), Slot.ITEMS),
    (re.compile(r"doctor|speciality"), Slot.DOCTOR),
    (re.compile(r"slot|taken|date|time|past|closed|off_grid|too_far"), Slot.WHEN),
    (re.compile(r"name|dni|identity|verified"), Slot.IDENTITY),
)
# The original's errors have no code: "El nombre proporcionado no coincide…", "Pedido 9 no encontrado".
_NOT_THEIRS = re.compile(r"no coincide|no encontrad|verificar la identidad")


def read_subject(task: Task, body: Mapping[str, Any]) -> Slot | None:
    """The slot to ask for again; None where no other answer would help."""
    code = str(body.get("code") or "")
    if not code:
        return _person(task) if _NOT_THEIRS.search(str(body.get("error"))) else None
    if "locked" in code:
        return None
    slot = next((slot for words, slot in _SUBJECTS if words.search(code)), None)
    return _person(task) if slot is Slot.IDENTITY else slot


def _person(task: Task) -> Slot:
    """A DNI proves whose an order is; all else goes by a full name."""
    return Slot.IDENTITY if task.kind is Kind.ORDER and task is not Task.CREATE_ORDER else Slot.NAME
