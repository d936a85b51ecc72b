"""What each of the seven tools needs to know, and what is made of it: the arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, Literal

from common.spanish.consent import AN_APPOINTMENT, AN_ORDER, BOOKING, CANCELLING, MOVING, PLACING
from sandbox.dialogue.dates import to_iso
from sandbox.dialogue.intents import Kind, Task
from sandbox.dialogue.items import Item, counted
from sandbox.dialogue.understanding import Slot, Understanding

NEEDS: dict[Task, tuple[Slot, ...]] = {
    Task.CONSULT_ORDER: (Slot.RECORD_ID, Slot.IDENTITY),
    Task.CANCEL_ORDER: (Slot.RECORD_ID, Slot.IDENTITY),
    Task.CREATE_ORDER: (Slot.ITEMS, Slot.NAME, Slot.EMAIL),
    Task.BOOK: (Slot.DOCTOR, Slot.NAME, Slot.EMAIL, Slot.WHEN),
    Task.CANCEL_APPOINTMENT: (Slot.RECORD_ID, Slot.NAME),
    Task.MOVE: (Slot.RECORD_ID, Slot.NAME, Slot.WHEN),
    Task.CONSULT_APPOINTMENT: (Slot.RECORD_ID, Slot.NAME),
    Task.FIND_ORDERS: (Slot.NAME, Slot.PROOF),
    Task.FIND_APPOINTMENTS: (Slot.NAME, Slot.PROOF),
    Task.FREE_TIMES: (),
}

AGREEING = {  # the verbs and nouns in which a caller may agree to it
    Task.CANCEL_ORDER: (CANCELLING, AN_ORDER),
    Task.CREATE_ORDER: (PLACING, AN_ORDER),
    Task.BOOK: (BOOKING, AN_APPOINTMENT),
    Task.CANCEL_APPOINTMENT: (CANCELLING, AN_APPOINTMENT),
    Task.MOVE: (MOVING, AN_APPOINTMENT),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the caller has said so far; it outlives a task."""

    order_id: str | None = None
    appointment_id: str | None = None
    dni: str | None = None
    name: str | None = None
    identity: Literal["dni", "name"] | None = None  # the one given last
    email: str | None = None
    items: tuple[Item, ...] = ()
    doctor: str | None = None
    speciality: str | None = None
    day: date | None = None
    hour: time | None = None
    span: str | None = None  # days in words, "la semana que viene"
    kind_of_visit: str | None = None

    def record_id(self, kind: Kind) -> str | None:
        return self.order_id if kind is Kind.ORDER else self.appointment_id

    def with_record(self, kind: Kind, record_id: str | None) -> Facts:
        if kind is Kind.ORDER:
            return replace(self, order_id=record_id)
        return replace(self, appointment_id=record_id)

    def learn(self, said: Understanding, kind: Kind | None) -> Facts:
        """With what a sentence adds; `kind` is what its number is the number of."""
        facts = self.with_record(kind, said.record_id) if kind and said.record_id else self
        name = facts.name if said.name is None else facts._whole_name(said.name)
        identity = "dni" if said.dni else "name" if said.name else facts.identity
        return replace(
            facts,
            dni=said.dni or facts.dni,
            name=name,
            identity=identity,
            email=said.email or facts.email,
            items=facts._items_after(said),
            doctor=said.doctor or facts.doctor,
            speciality=said.speciality or facts.speciality,
            day=said.day or facts.day,
            hour=facts.hour if said.hour is None else said.hour,
            span=said.span or facts.span,
            kind_of_visit=said.kind_of_visit or facts.kind_of_visit,
        )

    def _items_after(self, said: Understanding) -> tuple[Item, ...]:
        items = self.items
        for change in said.changes:
            items = change.of(items)
        replaces = {"mejor", "solo", "solamente"} & set(said.words.split())
        return said.items if said.items and replaces else counted(items, said.items) if said.items else items

    def without(self, slot: Slot, kind: Kind) -> Facts:
        """Without what the caller says is wrong."""
        match slot:
            case Slot.RECORD_ID:
                return self.with_record(kind, None)
            case Slot.IDENTITY | Slot.NAME:
                return replace(self, dni=None, name=None, identity=None)
            case Slot.EMAIL | Slot.PROOF:
                return replace(self, email=None)
            case Slot.DAY:
                return replace(self, day=None)
            case Slot.HOUR:
                return replace(self, hour=None)
            case Slot.WHEN:
                return replace(self, day=None, hour=None)
            case Slot.ITEMS:
                return replace(self, items=())
            case Slot.DOCTOR:
                return replace(self, doctor=None)
            case _:
                return self

    def forget_errand(self) -> Facts:
        """Who is calling and what the call is about stay; what was being booked or ordered goes."""
        return replace(self, items=(), doctor=None, speciality=None, day=None, hour=None, span=None, kind_of_visit=None)

    @property
    def has_full_name(self) -> bool:
        return self.name is not None and " " in self.name

    def _whole_name(self, said: str) -> str:
        """A surname that answers the question for it completes the given name."""
        halves = self.name is not None and not self.has_full_name and " " not in said
        return f"{self.name} {said}" if halves and said != self.name else said


def missing(task: Task, facts: Facts) -> Slot | None:
    """The first thing that still has to be asked for."""
    return next((lack for slot in NEEDS[task] if (lack := _lack(task, slot, facts))), None)


def _lack(task: Task, slot: Slot, facts: Facts) -> Slot | None:
    match slot:
        case Slot.RECORD_ID:
            known = facts.record_id(task.kind) is not None
        case Slot.IDENTITY:
            known = facts.identity == "dni" or (facts.identity == "name" and facts.has_full_name)
        case Slot.NAME:
            known = facts.has_full_name
        case Slot.EMAIL:
            known = facts.email is not None
        case Slot.PROOF:
            known = facts.email is not None or facts.dni is not None
        case Slot.ITEMS:
            known = bool(facts.items)
        case Slot.DOCTOR:
            known = facts.doctor is not None
        case _:
            return _lack_of_time(task, facts)
    return None if known else slot


def _lack_of_time(task: Task, facts: Facts) -> Slot | None:
    if facts.day is None and facts.hour is None:
        return Slot.WHEN
    if task is Task.MOVE or (facts.day and facts.hour is not None):
        return None
    return Slot.HOUR if facts.day else Slot.DAY


def arguments(task: Task, facts: Facts) -> dict[str, Any]:
    """The tool's arguments; call it when nothing is missing."""
    match task:
        case Task.CONSULT_ORDER | Task.CANCEL_ORDER:
            who = {"dni": facts.dni} if facts.identity == "dni" else {"customerName": facts.name}
            return {"orderId": facts.order_id, **who}
        case Task.CREATE_ORDER:
            items = [item.argument() for item in facts.items]
            return {"customerName": facts.name, "customerEmail": facts.email, "items": items}
        case Task.BOOK:
            return _booking(facts)
        case Task.FIND_ORDERS | Task.FIND_APPOINTMENTS:
            proof = {"customerEmail": facts.email} if facts.email else {"dni": facts.dni}
            return {"customerName": facts.name, **proof, "kind": task.value.split()[1]}
        case Task.FREE_TIMES:
            return _wanted_times(facts)
        case _:
            return {"appointmentId": facts.appointment_id, "patientName": facts.name} | _change(task, facts)


def _booking(facts: Facts) -> dict[str, Any]:
    kind = {"type": facts.kind_of_visit} if facts.kind_of_visit else {}
    when = to_iso(facts.day, facts.hour) if facts.day and facts.hour is not None else None
    who = {"patientName": facts.name, "patientEmail": facts.email}
    return {**who, "doctorName": facts.doctor, "date": when, **kind}


def _wanted_times(facts: Facts) -> dict[str, Any]:
    day = facts.span or (facts.day.isoformat() if facts.day else None)
    whose = {"doctorName": facts.doctor} if facts.doctor else {"speciality": facts.speciality}
    return {name: value for name, value in {**whose, "day": day}.items() if value}


def _change(task: Task, facts: Facts) -> dict[str, Any]:
    if task is not Task.MOVE:
        return {}
    day = {"newDate": facts.day.isoformat()} if facts.day else {}
    return day | ({"newTime": f"{facts.hour:%H:%M}"} if facts.hour is not None else {})
