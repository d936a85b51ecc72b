"""The course of one call, without input or output: sentences and tool results in, moves out.

Every move is made after the state has changed, so that a line which the caller cuts short counts as said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from common.spanish.consent import Consent, consent
from sandbox.dialogue import lines
from sandbox.dialogue.answers import answer
from sandbox.dialogue.emails import say_email
from sandbox.dialogue.intents import Aspect, Kind, Reply, Task, Verb
from sandbox.dialogue.questions import question, slot_asked_by
from sandbox.dialogue.refusals import read_subject
from sandbox.dialogue.speech import say_id
from sandbox.dialogue.tasks import AGREEING, NEEDS, Facts, announce, arguments, missing
from sandbox.dialogue.understanding import Slot, Understanding, understand
from sandbox.dialogue.wishes import is_correction, read_wish

HANG_UP = "finalizarLlamada"

_WORTH_REPEATING = frozenset({"changed", "unavailable", "internal"})  # "¿Lo intentamos de nuevo?"
_HOLDS = {  # what a result of each task has, when it is done
    Task.CONSULT_ORDER: "order",
    Task.CANCEL_ORDER: "orderId",
    Task.CREATE_ORDER: "total",
    Task.CONSULT_APPOINTMENT: "appointment",
    Task.CANCEL_APPOINTMENT: "appointmentId",
    Task.BOOK: "doctorName",
    Task.MOVE: "newDate",
}
_SHORT = 4  # words
_MORE_TRIES = 1  # of proving who one is, after a refusal that does not itself ask for more


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Move = Say | Call


class Conversation:
    """One call. `tools` are the names that the client declared."""

    def __init__(self, tools: Collection[str], today: Callable[[], date]) -> None:
        self._tools = frozenset(tools)
        self._today = today
        self._facts = Facts()
        self._task: Task | None = None
        self._last: Task | None = None  # the task before this one, for "¿y qué productos trae?"
        self._aspects: frozenset[Aspect] = frozenset()
        self._asked: Slot | None = None
        self._proposal: Call | None = None  # waits for the caller's yes
        self._refused: Call | None = None  # is never called twice
        self._calling: Call | None = None
        self._failures = 0
        self._closing = False  # "¿Algo más…?" is open
        self._verb: Verb | None = None  # of a wish that did not say for what
        self._line = lines.GREETING
        self._opening = ""  # goes before the next line

    # What others may ask of it

    def greet(self) -> Move:
        return self._say(lines.GREETING)

    def resume(self) -> Move:
        """Go on after a cut: the open question again, or the work that was being done."""
        self._opening = lines.RESUME
        if self._proposal and self._task:
            return self._say(announce(self._task, self._facts), lines.CONFIRM)
        if self._task and self._asked:
            return self._say(question(self._task, self._asked, self._facts))
        if self._task:
            return self._advance()
        return self._say(lines.ANYTHING_ELSE if self._closing else lines.HOW_CAN_I_HELP)

    def read(self, text: str) -> Understanding:
        """Understand a sentence as an answer to what is open; changes nothing."""
        return understand(text, self._today(), self._open_slots())

    def heard(self, said: Understanding) -> Move:
        """The caller's sentence; the move that answers it."""
        if not said.text:
            return Say(lines.NOT_HEARD)
        if Reply.PERSON in said.intent.replies:
            return self._say(lines.NO_PERSON, self._open_question())
        wish = read_wish(said, self._task, self._last, self._verb)
        if wish is None and (talk := self._talk(said)):
            return talk
        changed = self._learn(said, wish)
        if wish:
            return self._start(wish, said)
        if self._proposal:
            return self._decide(said, changed)
        if self._task:
            return self._continue(said, changed)
        return self._idle(said)

    def result(self, result: Mapping[str, Any]) -> Move:
        """The result of the `Call` that was moved last."""
        call, self._calling = self._calling, None
        body = result.get("result", result)
        if call is None or call.name == HANG_UP:
            return self._say(lines.GOODBYE)
        if not isinstance(body, Mapping) or self._task is None:
            return self._finish(lines.CANNOT)
        if body.get("confirmation_required"):
            return self._propose(call, self._task)
        if body.get("success"):
            return self._done(self._task, body)
        self._refused = call
        return self._pass_on(self._task, body) if "question" in body else self._refuse(call, self._task, body)

    def late_result(self, result: Mapping[str, Any]) -> Move:
        """The result of a tool that was called on a stream since lost: the open task's, if it looks like one."""
        body = result.get("result", result)
        body = body if isinstance(body, Mapping) else {}
        task = self._task
        if task is None:
            return self._say(str(body.get("speak") or lines.ANYTHING_ELSE))
        if missing(task, self._facts) is not None or (body.get("success") and _HOLDS[task] not in body):
            return self.resume()
        self._calling = Call(task.value, arguments(task, self._facts))
        return self.result(result)

    def remember(self, role: str, text: str) -> None:
        """Take in one line of an earlier conversation, without acting on it."""
        if role == "USER":
            if not text.startswith("["):
                self.heard(self.read(text))
        elif lines.CONFIRM in text and self._task:
            self._proposal = Call(self._task.value, arguments(self._task, self._facts))
        elif lines.ANYTHING_ELSE in text:
            self._close()
        else:
            self._asked = slot_asked_by(text) or self._asked
        self._calling = None

    # Wishes

    @property
    def _kind(self) -> Kind | None:
        task = self._task or self._last
        return task.kind if task else None

    def _open_slots(self) -> set[Slot]:
        slots = {self._asked} if self._asked else set()
        if self._proposal and self._task in (Task.BOOK, Task.MOVE):
            slots.add(Slot.WHEN)
        if self._proposal and self._task is Task.CREATE_ORDER:
            slots.add(Slot.COUNTED_ITEMS)
        if self._task is None and self._last:
            slots.add(Slot.RECORD_ID)
        return slots

    def _start(self, task: Task, said: Understanding) -> Move:
        self._task = task
        self._aspects = said.intent.aspects or frozenset({Aspect.STATE})
        self._asked = self._proposal = self._refused = self._verb = None
        self._failures, self._closing = 0, False
        if said.intent.another and not said.record_id:
            self._facts = self._facts.with_record(task.kind, None)
        return self._advance(said)

    def _learn(self, said: Understanding, wish: Task | None) -> bool:
        kind = wish.kind if wish else said.intent.kind or self._kind
        before, self._facts = self._facts, self._facts.learn(said, kind)
        if self._task and said.intent.aspects and self._proposal is None:
            self._aspects = said.intent.aspects
        return self._facts != before

    # Answers

    def _talk(self, said: Understanding) -> Move | None:
        """Talk that leaves everything as it was."""
        replies, verb = said.intent.replies, said.intent.verb
        if verb is Verb.MOVE and said.intent.kind is Kind.ORDER:
            return self._say(lines.CANNOT_CHANGE_ORDER, self._open_question())
        if said.brings_data:
            return None
        if Reply.HELP in replies:
            return self._say(lines.CAPABILITIES)
        if Reply.REPEAT in replies:
            return self._say(self._line)
        if replies == {Reply.WAIT}:
            return Say(lines.TAKE_YOUR_TIME)
        return None

    def _decide(self, said: Understanding, changed: bool) -> Move:
        """The answer to "¿Lo confirmás?"."""
        call, self._proposal = self._proposal, None
        replies = said.intent.replies
        if changed:
            return self._advance(said)
        agreement = consent(said.text, *AGREEING.get(self._task, ((), ()))) if self._task else Consent.UNCLEAR
        if call and agreement is Consent.YES:
            self._calling = call
            return call
        if Reply.GOODBYE in replies:
            return self._hang_up()
        if agreement is Consent.NO or Reply.DROP in replies:
            return self._finish(lines.DROPPED)
        self._proposal = call
        return self._say(lines.YES_OR_NO)

    def _continue(self, said: Understanding, changed: bool) -> Move:
        """The answer to a question for a datum."""
        task, slot, intent = self._task, self._asked, said.intent
        if changed or task is None or slot is None:
            return self._advance(said)
        if Reply.GOODBYE in intent.replies:
            return self._hang_up()
        refuses = intent.answer is False and not said.brings_data
        if refuses or Reply.DROP in intent.replies or is_correction(self._task, intent.verb):
            return self._finish(lines.DROPPED)
        if said.partial_dni and slot is Slot.IDENTITY:
            return self._say(lines.ASK_DNI_WHOLE)
        if said.partial_email and slot is Slot.EMAIL:
            return self._say(lines.ASK_EMAIL_AGAIN)
        if said.brings_data:
            return self._advance(said)  # what was refused is said once more
        first = lines.WHICH_DOCTORS if said.any_doctor else self._excuse(intent.replies)
        return self._say(first, question(task, slot, self._facts))

    def _excuse(self, replies: frozenset[Reply]) -> str:
        if Reply.UNKNOWN in replies:
            return lines.NEEDED
        return "" if replies & {Reply.YES, Reply.HELLO} else lines.NOT_UNDERSTOOD

    def _idle(self, said: Understanding) -> Move:
        """A sentence with nothing open but "¿Algo más?"."""
        replies, answered = said.intent.replies, said.intent.answer
        if Reply.GOODBYE in replies or (self._closing and (answered is False or self._only_thanks(said))):
            return self._hang_up()
        if self._last and self._is_next_record(said):
            return self._start(self._last, replace(said, intent=replace(said.intent, aspects=self._aspects)))
        if said.intent.verb:
            self._verb = said.intent.verb
            return self._say(lines.ORDER_OR_APPOINTMENT)
        if Reply.THANKS in replies:
            return self._finish(lines.WELCOME)
        if Reply.DROP in replies:
            return self._finish(lines.DROPPED)
        if answered:
            offered = "persona" in self._line
            return self._finish(lines.NO_PERSON) if offered else self._say(lines.GO_ON)
        if Reply.HELLO in replies or said.name:
            return self._say(lines.HELLO, lines.HOW_CAN_I_HELP)
        return self._say(lines.NOT_UNDERSTOOD, lines.WHAT_I_DO)

    def _is_next_record(self, said: Understanding) -> bool:
        """ "¿Y el seis?", and not any number in a longer sentence."""
        numbered = self._last is not None and Slot.RECORD_ID in NEEDS[self._last]
        return numbered and said.record_id is not None and len(said.text.split()) <= _SHORT

    def _only_thanks(self, said: Understanding) -> bool:
        return Reply.THANKS in said.intent.replies and said.intent.answer is not True and said.intent.verb is None

    # Moves

    def _say(self, *parts: str) -> Say:
        self._line = " ".join(part for part in (self._opening, *parts) if part)
        self._opening = ""
        return Say(self._line)

    def _open_question(self) -> str:
        if self._proposal:
            return lines.CONFIRM
        if self._task and self._asked:
            return question(self._task, self._asked, self._facts)
        return lines.HOW_CAN_I_HELP

    def _advance(self, said: Understanding | None = None) -> Move:
        """Ask for the next thing that is missing, or call the tool."""
        task = self._task
        if task is None:
            return self._say(lines.HOW_CAN_I_HELP)
        if task not in self._tools:
            return self._finish(lines.CANNOT)
        if slot := missing(task, self._facts):
            self._asked = slot
            return self._say(self._noted(task, said), question(task, slot, self._facts))
        call = Call(task.value, arguments(task, self._facts))
        if call == self._refused:
            slot = self._asked or Slot.RECORD_ID
            return self._say(question(task, slot, self._facts, again=True))
        self._asked, self._calling = None, call
        return call

    def _noted(self, task: Task, said: Understanding | None) -> str:
        """Reads back the number that was just said."""
        if said is None or said.record_id is None or said.record_id != self._facts.record_id(task.kind):
            return ""
        template = lines.ORDER_NOTED if task.kind is Kind.ORDER else lines.APPOINTMENT_NOTED
        return template.format(number=say_id(said.record_id))

    def _hang_up(self) -> Move:
        self._close()
        if HANG_UP not in self._tools:
            return self._say(lines.GOODBYE)
        self._calling = Call(HANG_UP)
        return self._calling

    def _close(self) -> None:
        """The task is over, done or not."""
        self._last, self._task = self._task or self._last, None
        self._asked = self._proposal = self._refused = self._verb = None
        self._facts = self._facts.forget_errand()
        self._closing = True

    def _finish(self, line: str) -> Move:
        self._close()
        return self._say(line, "" if line.endswith("?") else lines.ANYTHING_ELSE)

    # Results

    def _propose(self, call: Call, task: Task) -> Move:
        self._proposal = call
        return self._say(self._person(task), announce(task, self._facts), lines.CONFIRM)

    def _person(self, task: Task) -> str:
        """A new record's name and e-mail are read back: nobody can correct them later."""
        if task not in (Task.BOOK, Task.CREATE_ORDER):
            return ""
        return lines.NOTED_PERSON.format(name=self._facts.name, email=say_email(self._facts.email or ""))

    def _done(self, task: Task, body: Mapping[str, Any]) -> Move:
        said = answer(task, body, self._facts, self._aspects)
        for kind, key in ((Kind.ORDER, "orderId"), (Kind.APPOINTMENT, "appointmentId")):
            if key in body:
                self._facts = self._facts.with_record(kind, str(body[key]))
        return self._finish(said)

    def _pass_on(self, task: Task, body: Mapping[str, Any]) -> Move:
        """A question of the tool's own."""
        self._asked = read_subject(task, body)
        return self._say(str(body["question"]))

    def _refuse(self, call: Call, task: Task, body: Mapping[str, Any]) -> Move:
        """Say why not; and where another datum may help, ask for it once more."""
        error = str(body.get("error") or lines.CANNOT)
        asks = error.rstrip().endswith("?")
        subject = read_subject(task, body)
        if body.get("code") in _WORTH_REPEATING and asks:
            self._proposal = call
            return self._say(error)
        self._failures += subject in (Slot.IDENTITY, Slot.NAME)
        if subject is None or (self._failures > _MORE_TRIES and not asks):
            return self._finish(error)
        self._asked = subject
        return self._say(error, "" if asks else question(task, subject, self._facts, again=True))
