"""A message with what was done in a call, for a caller who wants one.

After a write the model is told to ask, and the server takes a clear yes to that as a yes to a message to the number
that calls; for another number it is proposed, with that number read back. What the message says is read from the
records that the call's receipts name, as they stand. It is sent at most once for each write (data.outbox).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Literal, Protocol

from loguru import logger
from pydantic import BeforeValidator

from common.phones import known_number
from common.spanish.consent import A_MESSAGE, SENDING
from common.spanish.phones import LONGEST, is_mobile, mobile_of, spelled_number
from common.spanish.wording import day, day_and_time, listed, money
from common.tasks import TaskSet
from common.text import clean
from data.errors import DataError
from data.models import Appointment, AppointmentStatus, Order, OrderStatus, Record
from data.records import record_types
from data.store import IdempotencyRecord, Store
from tools.arguments import NAME_LIMIT, TEXT_LIMIT, Argument, Arguments, short_text
from tools.confirmation import Plan, fingerprint, next_of, require_room
from tools.errors import NeedsInput, Refused
from tools.tool import Label, Result, Tool, ToolContext, tool
from tools.wording import APPOINTMENT_STATUS, ORDER_STATUS

NAME = "enviarMensaje"
MOST_WRITES = 20  # that one message tells of; a call makes five orders and five appointments at most
MOST_CHARACTERS = 900  # of a text; a WhatsApp template has room for 1,024 with its own words, an SMS for 1,600
MOST_TO_ONE_NUMBER = 10  # messages within a day, from all calls: whoever orders has proven nothing
DAY = timedelta(days=1)

_ASK = "¿A qué celular te lo mando? Decímelo con la característica."
_SENT: Result = {"success": True, "message": "Mensaje enviado", "speak": "Listo, ya te mandé el mensaje con los datos."}
_IN_DOUBT: Result = {
    "success": False,
    "code": "message_in_doubt",
    "error": "No pude confirmar que el mensaje haya salido, así que anotá los datos por las dudas.",
}
_NOT_SENT = "No te pude mandar el mensaje, así que anotá los datos por favor."
# By Twilio's codes, https://www.twilio.com/docs/api/errors
_WHY_NOT = {
    "21610": "No te lo puedo mandar, porque desde ese número pidieron no recibir mensajes nuestros.",
    "21614": "Ese número no recibe mensajes. Si querés, decime otro celular.",
    "21211": "Ese número no recibe mensajes. Si querés, decime otro celular.",
}
SPOKEN = (str(_SENT["speak"]), str(_IN_DOUBT["error"]), _NOT_SENT, *_WHY_NOT.values(), _ASK)


class NotSent(Exception):
    """Surely no message went out. `reason` is a word for the record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MaybeSent(NotSent):
    """Nobody knows whether one went out."""


class Messenger(Protocol):
    """Sends messages; by a carrier, or a double of one."""

    @property
    def kind(self) -> Literal["sms", "whatsapp"]: ...

    async def send(self, to: str, text: str, call_id: str) -> str:
        """Return the message's id once it is on its way. Raise NotSent or MaybeSent. What becomes of it then is
        told to the record of `call_id`."""
        ...


type Note = Callable[[Mapping[str, Any]], None]


def _mobile(value: Any) -> str | None:
    if value in (None, ""):
        return None
    number = mobile_of(short_text(value, LONGEST))
    if number is None:
        raise ValueError("not a mobile number")
    return number


class MessageTo(Arguments):
    phone: Annotated[
        str | None,
        BeforeValidator(_mobile),
        Argument("Otro celular, cuando el cliente pide que vaya a otro", ask=_ASK, example="11 5555 1234"),
    ] = None


LABEL = Label(es="Mandar un mensaje", en="Send a message")

_declared = tool(
    NAME,
    "Mandarle al cliente un mensaje con los datos de lo que se hizo en esta llamada.",
    label=LABEL,
    proves=False,
    writes=True,
)


@dataclass(frozen=True, slots=True)
class _Message:
    """One under way: which writes it tells of, and the receipt that stands until it is known what came of it."""

    to: str
    text: str
    writes: Sequence[str]
    receipt: IdempotencyRecord


class FollowUps:
    """The messages of a process. A message goes on though its call be over; `settled` waits for those under way."""

    def __init__(self, store: Store, messenger: Messenger) -> None:
        self._store = store
        self._messenger = messenger
        self._tasks = TaskSet()

    def of_call(self, caller_number: str | None, note: Note) -> FollowUp | None:
        """Return what one call is offered, None for a caller who withholds the number, or has none. `note` gets what
        came of each message, for the call's record; no number and no text is in it."""
        number = known_number(caller_number)
        if number is None or not number.startswith("+"):
            return None
        return FollowUp(self, self._messenger.kind, number if is_mobile(number) else None, note)

    async def settled(self) -> None:
        await self._tasks.wait()

    async def send(self, message: _Message, note: Note) -> Result:
        """Send it in a task of its own, and return the result for the tool's use."""
        return await asyncio.shield(self._tasks.create(self._send(message, note), name="send a message"))

    async def _send(self, message: _Message, note: Note) -> Result:
        told: dict[str, Any] = {"by": self._messenger.kind, "use": message.receipt.tool_use_id}
        to, text, call_id = message.to, message.text, message.receipt.call_id
        result, not_sent = _SENT, False
        try:
            told |= {"status": "sent", "id": await self._messenger.send(to, text, call_id)}
        except MaybeSent as doubt:
            told |= {"status": "unknown", "reason": doubt.reason}
            result = _IN_DOUBT
        except NotSent as failure:
            told |= {"status": "failed", "reason": failure.reason}
            result, not_sent = _failure(failure.reason), True
        logger.info("a message was {}: {}", told["status"], told.get("reason", "accepted"))
        note(told)
        receipt = message.receipt
        settled = replace(receipt, result=result)
        try:
            await self._store.settle_message(message.writes, settled, not_sent=not_sent)
        except DataError as error:  # the mark stays: it is not sent again
            logger.error("what came of a message is not kept: {!r}", error)
        return dict(result)


class FollowUp:
    """What one call is offered: a tool, and the question after each write."""

    def __init__(self, messages: FollowUps, kind: str, mobile: str | None, note: Note) -> None:
        self._messages = messages
        self._what = "un mensaje de texto" if kind == "sms" else "un mensaje de WhatsApp"
        self._mobile = mobile
        self._note = note
        self.tool: Tool = _declared(self._plan)

    @property
    def question(self) -> str:
        """What the model is to do after a write."""
        if self._mobile is None:
            return (
                f"Preguntale si quiere {self._what} con los datos, y a qué celular."
                " Si te dice uno, mandáselo a ese. Si no, preguntale si necesita algo más."
            )
        return (
            f"Preguntale: «¿Te mando {self._what} con los datos a este número?»"
            " Con un sí claro, mandáselo. Si no, preguntale si necesita algo más."
        )

    @property
    def to_caller(self) -> Plan | None:
        """What a yes to the question is a yes to."""
        return None if self._mobile is None else _plan_to(self._mobile, "", _nothing)

    async def _plan(self, call: ToolContext, said: MessageTo) -> Plan:
        to = said.phone or self._mobile
        if to is None:
            raise NeedsInput("phone_needed", _ASK)
        receipts = await call.store.receipts(call.call_id)
        require_room(NAME, receipts)
        told = await call.store.told(call.call_id)
        done = [each for each in receipts if not _is_message(each) and each.result.get("success")]
        news = [each for each in done if each.fingerprint not in told][:MOST_WRITES]
        if not news:
            said_before = "Esos datos ya te los mandé." if done else "Todavía no hay datos para mandarte."
            raise Refused("nothing_to_send", said_before)

        async def carry_out(tool_use_id: str) -> Result:
            writes = sorted(each.fingerprint for each in news)
            text = await _text(call, news)
            agreed, _ = next_of(fingerprint(NAME, to, writes), receipts)
            receipt = call.receipt(tool_use_id, agreed, _IN_DOUBT)
            if await call.store.record_failure(f"messages to {to}", DAY) > MOST_TO_ONE_NUMBER:
                raise Refused("too_many", "A ese número ya le mandé muchos mensajes hoy.")
            if stands := await call.store.claim_message(writes, receipt):
                return dict(stands.result)
            return await self._messages.send(_Message(to, text, writes, receipt), self._note)

        where = "a este número" if said.phone in (None, self._mobile) else f"al {spelled_number(to)}"
        return _plan_to(to, f"Mandarte {self._what} con los datos {where}.", carry_out)


def _plan_to(to: str, proposal: str, carry_out: Callable[[str], Any]) -> Plan:
    """A yes is one to the number: what is told of is all that was done so far, and a further write asks anew."""
    return Plan(fingerprint(NAME, to), proposal, carry_out, SENDING, A_MESSAGE)


async def _nothing(tool_use_id: str) -> Result:
    raise AssertionError("a question is proposed, and the tool's own plan carried out")


def _is_message(receipt: IdempotencyRecord) -> bool:
    return receipt.fingerprint.startswith(f"{NAME}:")


def _failure(reason: str) -> Result:
    return {"success": False, "code": "message_not_sent", "error": _WHY_NOT.get(reason, _NOT_SENT)}


async def _text(call: ToolContext, receipts: Sequence[IdempotencyRecord]) -> str:
    """One line, for WhatsApp's variables hold no line breaks. Raise Refused where no record is left to tell of."""
    touched = {
        (each, str(receipt.result[f"{each.noun}Id"]))
        for receipt in receipts
        for each in record_types()
        if f"{each.noun}Id" in receipt.result
    }
    by_id = sorted(touched, key=lambda each: (each[0].noun, int(each[1]) if each[1].isdecimal() else 0))
    records = [await call.store.record(record_type, record_id) for record_type, record_id in by_id]
    told = [line for record in records if record is not None and (line := _line(record))]
    if not told:
        raise Refused("nothing_to_send", "No tengo datos para mandarte.")
    facts = await call.store.facts()
    text = f"{clean(facts.name, NAME_LIMIT)}:"
    for line in told:
        if len(text) + 1 + len(line) <= MOST_CHARACTERS:
            text = f"{text} {line}"
    return text


def _line(record: Record) -> str:
    """How a record stands, without whose it is: a telephone lies about."""
    match record:
        case Appointment(status=AppointmentStatus.SCHEDULED | AppointmentStatus.CONFIRMED):
            doctor = clean(record.doctor_name, NAME_LIMIT)
            return f"Cita {record.id}: {day_and_time(record.start)}, con {doctor}."
        case Appointment():
            return f"Cita {record.id}, del {day_and_time(record.start)}: {APPOINTMENT_STATUS[record.status]}."
        case Order(status=OrderStatus.CANCELLED):
            return f"Pedido {record.id}: {ORDER_STATUS[record.status]}."
        case Order():
            items = listed([f"{item.quantity} {clean(item.name, TEXT_LIMIT)}" for item in record.items])
            arrival = f" Llega el {day(record.estimated_delivery)}." if record.estimated_delivery else ""
            return f"Pedido {record.id}: {items}. Total: {money(record.total_cents)}.{arrival}"
    return ""
