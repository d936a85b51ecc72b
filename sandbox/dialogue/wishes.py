"""Which errand a sentence begins, against the one that is under way."""

from __future__ import annotations

from dataclasses import replace

from sandbox.dialogue.intents import Kind, Task, Verb
from sandbox.dialogue.understanding import Understanding

_MAKING = (Task.BOOK, Task.CREATE_ORDER)


def read_wish(said: Understanding, task: Task | None, last: Task | None, verb: Verb | None) -> Task | None:
    """The task that the sentence begins, None when it goes on with the present one.

    `last` is the task before, `verb` an earlier wish that did not say for what ("quiero cancelar").
    """
    about = task or last
    intent = said.intent
    if verb and intent.kind and not intent.verb:
        intent = replace(intent, verb=verb)
    if intent.verb is Verb.MOVE and intent.kind is None and task and task.kind is Kind.ORDER:
        return None  # an order is not moved
    wish = intent.task(about.kind if about else None)
    if wish is Task.CONSULT_APPOINTMENT and _wants_a_time(said):
        wish = Task.BOOK
    if task is None or wish is None:
        return wish
    goes_on = intent.kind is task.kind and intent.verb is None
    if said.denies_doing and intent.aspects:
        return wish
    bare = intent.kind is None and (intent.verb in (None, Verb.ASK) or is_correction(task, intent.verb))
    return None if goes_on or bare or wish is task else wish


def is_correction(task: Task | None, verb: Verb | None) -> bool:
    """ "Cambialo para el jueves" of a booking not made yet, "cancelá" of an order not placed yet."""
    return task in _MAKING and verb in (Verb.MOVE, Verb.CANCEL)


def _wants_a_time(said: Understanding) -> bool:
    """ "Un turno con la doctora López para mañana": no verb, no number, but something to book."""
    plain = said.intent.verb is None and not said.intent.aspects and said.record_id is None
    return plain and (said.doctor is not None or said.day is not None)
