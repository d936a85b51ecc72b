"""How Carlos asks for each datum, and which datum a line of his asked for."""

from __future__ import annotations

from sandbox.dialogue import lines
from sandbox.dialogue.intents import Kind, Task
from sandbox.dialogue.tasks import Facts
from sandbox.dialogue.understanding import Slot

# The question, and the same one after an answer that did not do.
_QUESTIONS = {
    Slot.IDENTITY: (lines.ASK_IDENTITY, lines.ASK_IDENTITY_AGAIN),
    Slot.NAME: (lines.ASK_PATIENT, lines.ASK_PATIENT_AGAIN),
    Slot.EMAIL: (lines.ASK_EMAIL, lines.ASK_EMAIL_AGAIN),
    Slot.ITEMS: (lines.ASK_ITEMS, lines.ASK_ITEMS),
    Slot.DOCTOR: (lines.ASK_DOCTOR, lines.ASK_DOCTOR),
    Slot.WHEN: (lines.ASK_WHEN, lines.ASK_WHEN),
    Slot.DAY: (lines.ASK_DAY, lines.ASK_DAY),
    Slot.HOUR: (lines.ASK_HOUR, lines.ASK_HOUR),
    Slot.PROOF: (lines.ASK_PROOF, lines.ASK_PROOF),
}
# What to say beside the question to whoever was not understood once or twice.
_EXAMPLES = {
    Slot.RECORD_ID: lines.BY_KEYPAD,
    Slot.IDENTITY: lines.BY_KEYPAD,
    Slot.PROOF: lines.BY_KEYPAD,
    Slot.NAME: lines.NAME_EXAMPLE,
    Slot.EMAIL: lines.EMAIL_EXAMPLE,
    Slot.ITEMS: lines.ITEMS_EXAMPLE,
    Slot.DOCTOR: lines.DOCTOR_EXAMPLE,
    Slot.WHEN: lines.WHEN_EXAMPLE,
    Slot.DAY: lines.WHEN_EXAMPLE,
    Slot.HOUR: lines.WHEN_EXAMPLE,
}
_MORE_LINES = {
    lines.ASK_ORDER: Slot.RECORD_ID,
    lines.ASK_APPOINTMENT: Slot.RECORD_ID,
    lines.ASK_DNI_WHOLE: Slot.IDENTITY,
    lines.ASK_NAME: Slot.NAME,
    lines.ASK_NAME_AGAIN: Slot.NAME,
    lines.ASK_SURNAME: Slot.NAME,
    lines.ASK_CHANGE: Slot.WHEN,
    lines.ASK_KNOWN_EMAIL: Slot.PROOF,
    lines.WHICH_ONE: Slot.RECORD_ID,
    lines.WHICH_TIME: Slot.WHEN,
}
_SLOT_OF_LINE = _MORE_LINES | {line: slot for slot, asked in _QUESTIONS.items() for line in asked}


def question(task: Task, slot: Slot, facts: Facts, *, again: bool = False) -> str:
    """How Carlos asks for it."""
    if slot in (Slot.NAME, Slot.IDENTITY) and facts.name and not facts.has_full_name:
        return lines.ASK_SURNAME
    if slot is Slot.RECORD_ID:
        return lines.ASK_ORDER if task.kind is Kind.ORDER else lines.ASK_APPOINTMENT
    if slot is Slot.NAME and task.kind is Kind.ORDER:
        return lines.ASK_NAME_AGAIN if again else lines.ASK_NAME
    if slot is Slot.WHEN and task is Task.MOVE:
        return lines.ASK_CHANGE
    if slot is Slot.PROOF and task is Task.FIND_APPOINTMENTS:
        return lines.ASK_KNOWN_EMAIL
    return _QUESTIONS[slot][again]


def another_way(slot: Slot | None, misses: int) -> str:
    """What goes before the question after so many answers in a row that were not understood."""
    if misses < 2:
        return lines.NOT_UNDERSTOOD
    example = _EXAMPLES.get(slot, lines.WISH_EXAMPLE) if slot else lines.WISH_EXAMPLE
    return example if misses % 2 == 0 else lines.OR_LEAVE_IT


def slot_asked_by(text: str) -> Slot | None:
    """What a line of an earlier conversation asked for."""
    return next((slot for line, slot in _SLOT_OF_LINE.items() if line in text), None)
