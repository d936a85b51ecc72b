"""The course of one call, without input or output: sentences and tool results in, moves out.

Every move is made after the state has changed, so that a line which the caller cuts short counts as said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from common.spanish.consent import A_MESSAGE, SENDING, Consent, consent
from sandbox.dialogue import lines
from sandbox.dialogue.answers import answer
from sandbox.dialogue.callback import ASK_CALLBACK, CallBackTalk
from sandbox.dialogue.intents import Aspect, Kind, Reply, Task, Topic, Verb
from sandbox.dialogue.offers import Offer, choose, read_offers
from sandbox.dialogue.questions import another_way, question, slot_asked_by
from sandbox.dialogue.refusals import read_subject
from sandbox.dialogue.speech import say_aloud, say_date, say_id, say_proposal, slowly
from sandbox.dialogue.tasks import AGREEING, NEEDS, Facts, arguments, missing
from sandbox.dialogue.understanding import MOST_LETTERS, Slot, Understanding, understand
from sandbox.dialogue.wishes import is_correction, read_wish
from sandbox.dialogue.words import read_words

HANG_UP = "finalizarLlamada"
INFORM = "consultarInformacion"
SEND = "enviarMensaje"
TO_PERSON = "pasarConPersona"

_WORTH_REPEATING = frozenset({"changed", "unavailable", "internal"})  # "¿Lo intentamos de nuevo?"
_HOLDS = {  # what a result of each task has, when it is done
    Task.CONSULT_ORDER: "order",
    Task.CANCEL_ORDER: "orderId",
    Task.CREATE_ORDER: "total",
    Task.CONSULT_APPOINTMENT: "appointment",
    Task.CANCEL_APPOINTMENT: "appointmentId",
    Task.BOOK: "doctorName",
    Task.MOVE: "newDate",
    Task.FIND_ORDERS: "orders",
    Task.FIND_APPOINTMENTS: "appointments",
    Task.FREE_TIMES: "times",
}
_SHORT = 4  # words
_MORE_TRIES = 1  # of proving who one is, after a refusal that does not itself ask for more
_SEARCHES = {Kind.ORDER: Task.FIND_ORDERS, Kind.APPOINTMENT: Task.FIND_APPOINTMENTS}
_LOOK_UPS = {Task.CANCEL_ORDER: Task.CONSULT_ORDER, Task.CANCEL_APPOINTMENT: Task.CONSULT_APPOINTMENT}
_TIMED = frozenset({Task.BOOK, Task.MOVE})
_MESSAGE = re.compile(r"¿Te mando un mensaje [^?]{1,60}\?")  # as the server's results put it
_REPEATING = frozenset({Reply.REPEAT, Reply.SLOWER, Reply.LOUDER})


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
        self._waiting: Task | None = None  # goes on when what it needs has been looked up
        self._later: list[Understanding] = []  # errands of the same sentence, one after the other
        self._aspects: frozenset[Aspect] = frozenset()
        self._asked: Slot | None = None
        self._offers: tuple[Offer, ...] = ()  # records or times that were told, to be chosen from
        self._proposal: Call | None = None  # waits for the caller's yes
        self._refused: Call | None = None  # is never called twice
        self._calling: Call | None = None
        self._looking_up: Call | None = None  # the proposal during which something was asked of its record
        self._failures = 0
        self._misses = 0  # sentences in a row that were not understood
        self._doubted_address = False  # "¿Me hablás a mí?" was asked
        self._closing = False  # "¿Algo más…?" is open
        self._message_offered = False  # "¿Te mando un mensaje…?" is open
        self._verb: Verb | None = None  # of a wish that did not say for what
        self._line = lines.GREETING
        self._opening = ""  # goes before the next line
        self._confirm = lines.CONFIRM  # how the next proposal is asked about
        self._slowly = False
        self._callback = CallBackTalk()
        self._waits = False  # for a caller who asked for a moment before the yes

    # What others may ask of it

    def greet(self) -> Move:
        return self._say(lines.GREETING)

    def resume(self) -> Move:
        """Go on after a cut: the open question again, or the work that was being done."""
        self._opening = lines.RESUME
        if self._proposal:
            return self._say(self._line.removeprefix(lines.RESUME).strip())
        if self._task and self._asked:
            return self._say(question(self._task, self._asked, self._facts))
        if self._task:
            return self._advance()
        return self._say(lines.ANYTHING_ELSE if self._closing else lines.HOW_CAN_I_HELP)

    def of_a_person(self, cue: str) -> Move:
        """What the server wants said of a person whom the caller asked for."""
        if "pasa con" in cue:
            return self._say(lines.PASSING_ON)
        return self._nobody(lines.NOBODY_CAME if "Ninguna" in cue else lines.NO_PERSON)

    def read(self, text: str) -> Understanding:
        """Understand a sentence as an answer to what is open; changes nothing."""
        return understand(text, self._today(), self._open_slots(), self._kind)

    def heard(self, said: Understanding) -> Move:
        """The caller's sentence; the move that answers it."""
        if not said.text:
            return Say(lines.NOT_HEARD)
        if self._message_offered and (move := self._answer_to_message(said)):
            return move
        if self._callback.is_open and (move := self._call_back(said)):
            return move
        if move := self._aside(said) or self._question(said) or self._vague_time(said):
            return move
        if said.later and not (self._proposal or said.intent.names_a_wish):
            said = replace(said.later[0], text=said.text, later=said.later[1:])  # "sí, y también quiero saber…"
        wish = None if self._proposal and said.for_others else read_wish(said, self._task, self._last, self._verb)
        if self._task and self._proposal and wish and wish is _LOOK_UPS.get(self._task) and not said.record_id:
            return self._look_up(self._task, self._proposal, said.intent.aspects)
        if wish is None and self._choice(said) is None and (talk := self._talk(said)):
            return talk
        self._later += said.later
        changed = self._learn(said, wish)
        if wish:
            return self._start(wish, said)
        if self._task and said.doubts and not changed:
            return self._ask_anew(said.doubts)
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
        if call.name == SEND:
            return self._message_result(body)
        if call.name == TO_PERSON:
            return self._say(lines.PASSING_ON) if _succeeded(body) else self._nobody(lines.NO_PERSON)
        if call.name == ASK_CALLBACK:
            return self._called_back(body)
        if call.name == INFORM:
            return self._back(_told(body) or lines.NO_SUCH_FACT)
        if not isinstance(body, Mapping) or self._task is None:
            return self._finish(lines.CANNOT)
        if self._looking_up:
            return self._looked_up(self._task, body)
        if body.get("confirmation_required"):
            return self._propose(call, body)
        self._confirm, self._waits = lines.CONFIRM, False
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
        self._calling = Call(task.tool, arguments(task, self._facts))
        return self.result(result)

    def remember(self, role: str, text: str) -> None:
        """Take in one line of an earlier conversation, without acting on it."""
        if role == "USER":
            if not text.startswith("["):
                self.heard(self.read(text))
        elif text.endswith((lines.CONFIRM, lines.YES_OR_NO)) and self._task:
            self._proposal, self._line = Call(self._task.tool, arguments(self._task, self._facts)), text
        elif lines.ANYTHING_ELSE in text:
            self._close()
        elif _MESSAGE.search(text):
            self._close()
            self._message_offered = True
        else:
            self._asked = slot_asked_by(text) or self._asked
        self._calling = None
        self._opening = ""

    # Wishes

    @property
    def _kind(self) -> Kind | None:
        task = self._task or self._last
        return task.kind if task else None

    def _open_slots(self) -> set[Slot]:
        slots = {self._asked} if self._asked else set()
        if self._proposal and self._task in _TIMED:
            slots.add(Slot.WHEN)
        if self._task is Task.CREATE_ORDER and (self._proposal or self._facts.items):
            slots.add(Slot.COUNTED_ITEMS)
        if self._task is None and self._last:
            slots.add(Slot.RECORD_ID)
        if self._task and Slot.RECORD_ID in NEEDS[self._task] and self._facts.record_id(self._task.kind):
            slots.add(Slot.KNOWN_ID)
        return slots

    def _start(self, task: Task, said: Understanding) -> Move:
        self._task = task
        self._aspects = said.intent.aspects or frozenset({Aspect.STATE})
        self._asked = self._proposal = self._refused = self._verb = self._waiting = None
        self._failures, self._misses, self._closing = 0, 0, False
        if said.intent.another and not said.record_id:
            self._facts = self._facts.with_record(task.kind, None)
        if Reply.UNKNOWN in said.intent.replies and missing(task, self._facts) is Slot.RECORD_ID:
            self._asked = Slot.RECORD_ID
            return self._without(said)
        return self._advance(said)

    def _learn(self, said: Understanding, wish: Task | None) -> bool:
        kind = wish.kind if wish else said.intent.kind or self._kind
        before, self._facts = self._facts, self._facts.learn(said, kind)
        needs = NEEDS[task] if (task := wish or self._task) else ()
        if self._offers and (self._asked in (Slot.WHEN, Slot.RECORD_ID) or Slot.RECORD_ID in needs):
            self._take(said, kind)
        if self._task and said.intent.aspects and self._proposal is None:
            self._aspects = said.intent.aspects
        return self._facts != before

    def _take(self, said: Understanding, kind: Kind | None) -> None:
        """Choose from what was offered: "la primera", "el del jueves", "a las diez"."""
        by_time = self._asked is Slot.WHEN
        if said.record_id or (not by_time and any(offer.record_id is None for offer in self._offers)):
            return
        offer = self._choice(said)
        if offer and offer.record_id and kind:
            self._facts = replace(self._facts.with_record(kind, offer.record_id), day=None, hour=None)
        elif offer and offer.moment and by_time:
            moment, doctor = offer.moment, offer.doctor or self._facts.doctor
            self._facts = replace(self._facts, day=moment.date(), hour=moment.time(), doctor=doctor)

    def _choice(self, said: Understanding) -> Offer | None:
        if len(self._offers) == 1 and said.intent.answer is True and self._asked in (Slot.WHEN, Slot.RECORD_ID):
            return self._offers[0]
        return choose(self._offers, read_words(said.text[:MOST_LETTERS]), said.day, said.hour, said.doctor)

    # What comes before any errand, and what is no errand

    def _aside(self, said: Understanding) -> Move | None:
        if said.emergency:
            return self._say(lines.EMERGENCY)
        if Reply.PERSON in said.intent.replies and not said.aside:
            return self._to_person()
        if said.aside and not (said.intent.named or said.brings_data) and said.intent.verb in (None, Verb.ASK):
            return self._back(said.aside)
        return None

    # A person, or a call from one

    def _to_person(self) -> Move:
        if TO_PERSON not in self._tools:
            return self._nobody(lines.NO_PERSON)
        self._calling = Call(TO_PERSON, {"reason": "otro"})
        return self._calling

    def _nobody(self, line: str) -> Move:
        """A call-back is offered, where one can be noted."""
        if ASK_CALLBACK not in self._tools:
            return self._back(line)
        self._callback.offer()
        return self._say(line, lines.CALL_YOU_LATER)

    def _call_back(self, said: Understanding) -> Move | None:
        """The answer to the offer, to what is proposed, or to the question for a number; None for anything else."""
        asked = self._callback.heard(said.text)
        if asked is None:
            declined = said.intent.answer is False and _declines(said)
            return self._finish(lines.DROPPED) if declined else None
        self._calling = Call(ASK_CALLBACK, asked)
        return self._calling

    def _called_back(self, body: Any) -> Move:
        if not isinstance(body, Mapping):
            return self._finish(lines.CANNOT)
        self._callback.answered(body)
        if body.get("confirmation_required"):
            return self._say(say_proposal(str(body.get("proposal") or "hacerlo.")), lines.CONFIRM)
        if "question" in body:
            return self._say(str(body["question"]))
        return self._finish(_told(body) or lines.CANNOT)

    # Questions that are about no record of which the number is known

    def _question(self, said: Understanding) -> Move | None:
        topic, asks = said.intent.topic, "?" in said.text
        if said.intent.verb not in (None, Verb.ASK) and not (topic is Topic.FACTS and asks):
            return None
        if topic is Topic.FACTS and said.intent.named and (said.record_id or "mi" in said.words.split()):
            return None  # "¿qué productos tienen mi pedido dos?"
        if topic is Topic.MINE and Task.FIND_ORDERS.tool in self._tools:
            kind = said.intent.kind or Kind.APPOINTMENT
            self._learn(said, _SEARCHES[kind])
            return self._seek(_SEARCHES[kind])
        if topic is Topic.TIMES and said.hour is None:
            return self._times(said)
        if topic is Topic.DOCTORS and INFORM not in self._tools:
            return self._back(lines.WHICH_DOCTORS)
        return self._inform(said) if topic in (Topic.FACTS, Topic.DOCTORS) else None

    def _inform(self, said: Understanding) -> Move:
        if INFORM not in self._tools:
            return self._back(lines.NO_SUCH_FACT)
        self._calling = Call(INFORM, {"question": said.text})
        return self._calling

    def _times(self, said: Understanding) -> Move | None:
        if Task.FREE_TIMES.tool in self._tools:
            self._facts = self._facts.learn(said, Kind.APPOINTMENT)
            return self._seek(Task.FREE_TIMES)
        if said.day:
            return None
        self._facts = self._facts.learn(said, Kind.APPOINTMENT)
        return self._back(lines.TRY_A_TIME)

    def _vague_time(self, said: Understanding) -> Move | None:
        """ "A la tarde", "lo antes posible": to the question when."""
        vague = (said.any_time or said.span) and said.hour is None
        open_when = self._asked in (Slot.WHEN, Slot.DAY, Slot.HOUR) or (self._proposal and self._task in _TIMED)
        if not vague or not open_when or self._choice(said):
            return None
        if Task.FREE_TIMES.tool in self._tools:
            return self._times(said)
        if self._proposal:
            return self._ask_anew(Slot.HOUR)
        return None if said.day else self._back(lines.TRY_A_TIME)

    def _seek(self, task: Task) -> Move:
        """Look up what the errand needs that is under way, and go on with it then."""
        if self._task not in (Task.FIND_ORDERS, Task.FIND_APPOINTMENTS, Task.FREE_TIMES):
            self._waiting = self._task
        self._task, self._asked, self._proposal, self._closing = task, None, None, False
        return self._advance()

    def _without(self, said: Understanding) -> Move:
        """The caller has not got what is asked for."""
        task, slot = self._task, self._asked
        if task is None or slot is None:
            return self._say(lines.HOW_CAN_I_HELP)
        if slot is Slot.RECORD_ID and _SEARCHES[task.kind].tool in self._tools:
            self._opening = lines.LET_ME_LOOK
            return self._seek(_SEARCHES[task.kind])
        if task in _SEARCHES.values() and "numero" in said.words.split():
            return self._say(question(task, slot, self._facts))  # that is not what is missing
        number = lines.NO_ORDER_NUMBER if task.kind is Kind.ORDER else lines.NO_APPOINTMENT_NUMBER
        excuse = {Slot.RECORD_ID: number, Slot.IDENTITY: lines.BY_NAME}.get(slot, lines.NEEDED)
        return self._say(excuse, question(task, slot, self._facts))

    # Answers

    def _talk(self, said: Understanding) -> Move | None:
        """Talk that leaves everything as it was."""
        replies, intent = said.intent.replies, said.intent
        ours = self._task.kind if self._task else None
        if intent.verb is Verb.MOVE and (intent.kind or ours) is Kind.ORDER and not (said.changes or said.doubts):
            return self._back(lines.CANNOT_CHANGE_ORDER)
        if "que dia es hoy" in said.words or "que fecha es hoy" in said.words:
            return self._back(lines.TODAY.format(date=say_date(self._today())))
        if said.brings_data or said.doubts:
            return None
        if replies & _REPEATING:
            return self._repeat(replies)
        if said.for_others and not self._proposal and not self._doubted_address:
            self._doubted_address = True
            return Say(lines.IS_IT_FOR_ME)
        if Reply.HELP in replies:
            return self._say(lines.CAPABILITIES)
        if replies != {Reply.WAIT}:
            return None
        self._waits = self._proposal is not None
        return self._propose_anew() if self._waits else Say(lines.TAKE_YOUR_TIME)

    def _repeat(self, replies: Collection[Reply]) -> Move:
        self._misses += 1
        self._slowly = Reply.SLOWER in replies or self._misses > 1
        if self._proposal:
            return self._propose_anew()
        return self._say(self._line)

    def _decide(self, said: Understanding, changed: bool) -> Move:
        """The answer to "¿Lo confirmás?"."""
        call, task, replies = self._proposal, self._task, said.intent.replies
        if call is None or task is None or changed:
            self._proposal = None
            return self._advance(said)
        agreement = consent(said.text, *AGREEING.get(task, ((), ())))
        if agreement is Consent.YES:
            self._calling, self._proposal = call, None
            return call
        if Reply.GOODBYE in replies:
            return self._hang_up()
        if said.denies and task in _TIMED and not (said.intent.verb or Reply.DROP in replies):
            return self._ask_anew(Slot.WHEN)  # "el jueves no puedo"
        if Reply.MISTAKEN in replies and said.intent.answer is not True:
            self._proposal = None
            return self._say(lines.SAY_WHAT)
        gives_up = agreement is Consent.NO and said.intent.verb is not Verb.CANCEL
        if gives_up or Reply.DROP in replies or is_correction(task, said.intent.verb):
            return self._finish(lines.DROPPED)
        if said.intent.aspects and task in _LOOK_UPS:
            return self._look_up(task, call, said.intent.aspects)
        if said.later:
            self._opening = lines.FIRST_THIS
        elif not said.for_others:
            self._misses += 1
            self._opening = lines.YES_OR_NO_EXAMPLE if self._misses > 1 else ""
        return self._propose_anew(lines.CONFIRM if said.brings_data else lines.YES_OR_NO)

    def _propose_anew(self, confirm: str = lines.YES_OR_NO) -> Move:
        """Have the tool propose it again: what was said in between is then no part of the answer to it."""
        call, self._proposal = self._proposal, None
        self._calling, self._confirm = call, confirm
        return call or self._advance()

    def _look_up(self, task: Task, call: Call, aspects: frozenset[Aspect]) -> Move:
        """ "¿Cuánto era?", before the yes."""
        self._looking_up, self._aspects = call, aspects
        self._calling = Call(_LOOK_UPS[task].tool, arguments(_LOOK_UPS[task], self._facts))
        return self._calling

    def _looked_up(self, task: Task, body: Mapping[str, Any]) -> Move:
        self._proposal, self._looking_up = self._looking_up, None
        if not body.get("success"):
            return self._propose_anew()
        return self._back(answer(_LOOK_UPS[task], body, self._facts, self._aspects))

    def _continue(self, said: Understanding, changed: bool) -> Move:
        """The answer to a question for a datum."""
        task, slot, intent = self._task, self._asked, said.intent
        if Reply.GOODBYE in intent.replies and not changed:
            return self._hang_up()
        if changed or task is None or slot is None:
            return self._advance(said)
        otherwise = said.brings_data or said.denies or Reply.MISTAKEN in intent.replies or "?" in said.text
        refuses = intent.answer is False and not (otherwise or Reply.UNKNOWN in intent.replies)
        if said.any_doctor:
            return self._say(lines.WHICH_DOCTORS, question(task, slot, self._facts))
        if refuses and self._offers and Reply.DROP not in intent.replies:
            self._offers = ()
            return self._say(lines.ANOTHER_TIME, question(task, slot, self._facts))
        if refuses or Reply.DROP in intent.replies or is_correction(self._task, intent.verb):
            return self._finish(lines.DROPPED)
        if said.partial_dni and slot in (Slot.IDENTITY, Slot.PROOF):
            return self._say(lines.ASK_DNI_WHOLE)
        if said.partial_email and slot in (Slot.EMAIL, Slot.PROOF):
            return self._say(lines.ASK_EMAIL_AGAIN)
        if said.brings_data:
            return self._advance(said)  # what was refused is said once more
        if Reply.UNKNOWN in intent.replies:
            return self._without(said)
        if "?" in said.text and INFORM in self._tools and not (intent.replies or said.for_others):
            return self._inform(said)
        return self._say(self._excuse(intent.replies), question(task, slot, self._facts))

    def _excuse(self, replies: frozenset[Reply]) -> str:
        if Reply.MISTAKEN in replies:
            return lines.SAY_WHAT
        if replies & {Reply.YES, Reply.HELLO}:
            return ""
        self._misses += 1
        return another_way(self._asked, self._misses)

    def _idle(self, said: Understanding) -> Move:
        """A sentence with nothing open but "¿Algo más?"."""
        replies, answered = said.intent.replies, said.intent.answer
        is_all = answered is False or self._only_thanks(said) or "ya esta" in said.words
        if Reply.GOODBYE in replies or (self._closing and is_all):
            return self._hang_up()
        if self._last and self._is_next_record(said):
            return self._start(self._last, replace(said, intent=replace(said.intent, aspects=self._aspects)))
        if said.intent.verb and said.intent.verb is not Verb.ASK:
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
        if "?" in said.text and INFORM in self._tools:
            return self._inform(said)
        if said.denies or Reply.MISTAKEN in replies:
            return self._say(lines.HOW_CAN_I_HELP)
        self._misses += 1
        return self._say(another_way(None, self._misses), lines.WHAT_I_DO)

    def _is_next_record(self, said: Understanding) -> bool:
        """ "¿Y el seis?", and not any number in a longer sentence."""
        numbered = self._last is not None and Slot.RECORD_ID in NEEDS[self._last]
        return numbered and said.record_id is not None and len(said.text.split()) <= _SHORT

    def _only_thanks(self, said: Understanding) -> bool:
        return Reply.THANKS in said.intent.replies and said.intent.verb is None and "si" not in said.words.split()

    # Moves

    def _say(self, *parts: str) -> Say:
        self._line = " ".join(part for part in (self._opening, *parts) if part)
        self._opening = ""
        slow, self._slowly = self._slowly, False
        return Say(slowly(self._line) if slow else self._line)

    def _back(self, line: str) -> Move:
        """Say something in between, and then what is open."""
        if self._proposal:
            self._opening = line
            return self._propose_anew()
        asks = self._open_question()
        return self._say(line, "" if line.endswith("?") and asks == lines.HOW_CAN_I_HELP else asks)

    def _open_question(self) -> str:
        if self._task and self._asked:
            return question(self._task, self._asked, self._facts)
        return lines.ANYTHING_ELSE if self._closing else lines.HOW_CAN_I_HELP

    def _ask_anew(self, doubted: Slot) -> Move:
        """For what the caller says is wrong."""
        task = self._task
        if task is None:
            return self._say(lines.HOW_CAN_I_HELP)
        swaps = {Slot.IDENTITY: Slot.NAME, Slot.NAME: Slot.IDENTITY, Slot.DAY: Slot.WHEN, Slot.HOUR: Slot.WHEN}
        if doubted not in NEEDS[task] and swaps.get(doubted) not in NEEDS[task]:
            return self._say(lines.SAY_WHAT)
        if doubted in (Slot.IDENTITY, Slot.NAME) and doubted not in NEEDS[task]:
            doubted = swaps[doubted]
        self._facts = self._facts.without(doubted, task.kind)
        self._proposal, self._asked, self._misses = None, doubted, 0
        return self._say(question(task, doubted, self._facts))

    def _advance(self, said: Understanding | None = None) -> Move:
        """Ask for the next thing that is missing, or call the tool."""
        task = self._task
        self._misses = 0
        if task is None:
            return self._say(lines.HOW_CAN_I_HELP)
        if task.tool not in self._tools:
            return self._finish(lines.CANNOT)
        if slot := missing(task, self._facts):
            if slot is Slot.DOCTOR and self._facts.speciality and Task.FREE_TIMES.tool in self._tools:
                return self._seek(Task.FREE_TIMES)  # who has time is known then
            self._asked = slot
            return self._say(self._noted(task, said), question(task, slot, self._facts))
        call = Call(task.tool, arguments(task, self._facts))
        if call == self._refused:
            self._asked = self._asked or NEEDS[task][0]
            return self._say(question(task, self._asked, self._facts, again=True))
        self._asked, self._calling = None, call
        return call

    def _noted(self, task: Task, said: Understanding | None) -> str:
        """Reads back the number that was just said."""
        if said is None or said.record_id is None or said.record_id != self._facts.record_id(task.kind):
            return ""
        template = lines.ORDER_NOTED if task.kind is Kind.ORDER else lines.APPOINTMENT_NOTED
        return template.format(number=say_id(said.record_id))

    def _hang_up(self) -> Move:
        self._later = []
        self._close()
        if HANG_UP not in self._tools:
            return self._say(lines.GOODBYE)
        self._calling = Call(HANG_UP)
        return self._calling

    def _close(self) -> None:
        """The task is over, done or not."""
        self._last, self._task = self._task or self._last, None
        self._asked = self._proposal = self._refused = self._verb = self._waiting = None
        self._facts = self._facts.forget_errand()
        self._closing = True
        self._message_offered = False
        self._misses = 0

    def _finish(self, line: str) -> Move:
        self._close()
        if self._later:
            return self._next(line)
        return self._say(line, "" if line.endswith("?") else lines.ANYTHING_ELSE)

    def _next(self, line: str) -> Move:
        """The next errand of a sentence that had several."""
        said = self._later.pop(0)
        wish = read_wish(said, None, self._last, None)
        if wish is None:
            return self._finish(line)
        self._opening = " ".join(part for part in (self._opening, line) if part)
        self._facts = self._facts.with_record(wish.kind, None)
        self._learn(said, wish)
        return self._start(wish, said)

    # Results

    def _propose(self, call: Call, body: Mapping[str, Any]) -> Move:
        """In the server's words, which name what it is about."""
        self._proposal = call
        confirm, self._confirm = self._confirm, lines.CONFIRM
        if self._waits:
            self._waits = False
            return Say(lines.TAKE_YOUR_TIME)
        return self._say(say_proposal(str(body.get("proposal") or "hacerlo.")), confirm)

    def _done(self, task: Task, body: Mapping[str, Any]) -> Move:
        if task is Task.FREE_TIMES:
            return self._offer_times(body)
        if task in (Task.FIND_ORDERS, Task.FIND_APPOINTMENTS):
            return self._found(task, body)
        said = answer(task, body, self._facts, self._aspects)
        for kind, key in ((Kind.ORDER, "orderId"), (Kind.APPOINTMENT, "appointmentId")):
            if key in body:
                self._facts = self._facts.with_record(kind, str(body[key]))
        asks = _MESSAGE.search(str(body.get("next", "")))
        if asks is None or SEND not in self._tools or self._later:
            return self._finish(said)
        self._close()
        self._message_offered = True
        return self._say(said, asks[0])

    # A message with what was done

    def _answer_to_message(self, said: Understanding) -> Move | None:
        """The answer to "¿Te mando un mensaje…?"; None for what is about something else."""
        self._message_offered = False
        agreement = consent(said.text, SENDING, A_MESSAGE)
        if agreement is Consent.YES:
            self._calling = Call(SEND)
            return self._calling
        return self._say(lines.ANYTHING_ELSE) if agreement is Consent.NO and _declines(said) else None

    def _message_result(self, body: Any) -> Move:
        if isinstance(body, Mapping) and body.get("confirmation_required"):
            self._message_offered = True
            return self._say(say_proposal(str(body.get("proposal") or "")), lines.CONFIRM)
        return self._say(_told(body), lines.ANYTHING_ELSE)

    def _offer_times(self, body: Mapping[str, Any]) -> Move:
        self._offers = read_offers(body.get("times"))
        self._task, self._waiting = self._waiting if self._waiting in _TIMED else Task.BOOK, None
        self._facts = replace(self._facts, speciality=None, day=None, hour=None, span=None)
        self._asked = Slot.WHEN
        return self._say(_told(body), lines.WHICH_TIME if self._offers else lines.ASK_WHEN)

    def _found(self, task: Task, body: Mapping[str, Any]) -> Move:
        """What the caller has with us; the errand that needed its number goes on with it."""
        self._offers = read_offers(body.get("orders" if task is Task.FIND_ORDERS else "appointments"))
        errand, self._waiting = self._waiting, None
        if errand is None or not self._offers:
            self._task = Task.CONSULT_ORDER if task is Task.FIND_ORDERS else Task.CONSULT_APPOINTMENT
            return self._finish(_told(body))
        self._task, self._asked = errand, Slot.RECORD_ID
        if len(self._offers) > 1:
            return self._say(_told(body), lines.WHICH_ONE)
        self._facts = replace(
            self._facts.with_record(errand.kind, self._offers[0].record_id), doctor=self._offers[0].doctor
        )
        self._opening = _told(body)
        return self._advance()

    def _pass_on(self, task: Task, body: Mapping[str, Any]) -> Move:
        """A question of the tool's own."""
        self._asked = read_subject(task, body)
        return self._say(say_aloud(str(body["question"])))

    def _refuse(self, call: Call, task: Task, body: Mapping[str, Any]) -> Move:
        """Say why not; and where another datum may help, ask for it once more."""
        error = str(body.get("error") or lines.CANNOT)
        asks = error.rstrip().endswith("?")
        subject = read_subject(task, body)
        self._offers = read_offers(body.get("alternatives"))
        if body.get("code") in _WORTH_REPEATING and asks:
            self._proposal, self._refused = call, None
            return self._say(error)
        self._failures += subject in (Slot.IDENTITY, Slot.NAME)
        if subject is None or (self._failures > _MORE_TRIES and not asks):
            return self._finish(error)
        self._asked = subject
        return self._say(error, "" if asks else question(task, subject, self._facts, again=True))


def _declines(said: Understanding) -> bool:
    return not (said.intent.names_a_wish or Reply.GOODBYE in said.intent.replies)


def _succeeded(body: Any) -> bool:
    return isinstance(body, Mapping) and bool(body.get("success"))


def _told(body: Any) -> str:
    """What a look-up says about itself."""
    said = body.get("speak") or body.get("message") or body.get("error") if isinstance(body, Mapping) else None
    return say_aloud(str(said)) if said else ""
