"""What may be done to a record, for tools and for admins alike.

Each function returns the `Change` to commit, or raises `RuleBroken` with a sentence that Carlos can say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from common.spanish.wording import day, listed
from common.times import BUENOS_AIRES
from data.errors import Conflict, RuleBroken
from data.facts import LONGEST_MINUTES, SHORTEST_MINUTES, Facts
from data.models import (
    SLOT_MINUTES,
    Appointment,
    AppointmentStatus,
    Order,
    OrderStatus,
    Record,
    slots,
)
from data.opening import days_from, moment
from data.store import Change, IdempotencyRecord, Store
from data.told import hour_told, hours_told, plural

MIN_NOTICE = timedelta(minutes=10)
MAX_HORIZON = timedelta(days=365)
_OFFER_GRID_MINUTES = 30
_OFFER_DAYS = 14
_ID_ATTEMPTS = 20

_NOT_CANCELLABLE = {
    OrderStatus.SHIPPED: "ya fue enviado, así que no se puede cancelar",
    OrderStatus.DELIVERED: "ya fue entregado, así que no se puede cancelar",
    OrderStatus.CANCELLED: "ya está cancelado",
}
_NOT_ACTIVE = {
    AppointmentStatus.CANCELLED: "ya está cancelada",
    AppointmentStatus.COMPLETED: "ya se realizó, así que no se puede cambiar",
}


def cancel_order(order: Order, now: datetime) -> Change:
    """Cancel an order, which must be pending or processing."""
    if not order.can_be_cancelled:
        raise RuleBroken(f"order_{order.status}", f"El pedido {order.id} {_NOT_CANCELLABLE[order.status]}.")
    return Change(order, replace(order, status=OrderStatus.CANCELLED, updated_at=now))


def cancel_appointment(appointment: Appointment) -> Change:
    """Cancel an appointment, which must be scheduled or confirmed; its doctor's time becomes free."""
    _require_active(appointment)
    return Change(appointment, replace(appointment, status=AppointmentStatus.CANCELLED))


def move_appointment(appointment: Appointment, start: datetime, now: datetime, facts: Facts) -> Change:
    """Move an appointment: its old time becomes free, the new one is taken."""
    _require_active(appointment)
    check_time(start, appointment.duration, now, facts, appointment.doctor_name)
    if start == appointment.start:
        raise RuleBroken("same_time", f"La cita {appointment.id} ya está en ese horario.")
    return Change(appointment, replace(appointment, start=start))


def check_time(start: datetime, duration: int, now: datetime, facts: Facts, doctor: str) -> None:
    """Raise RuleBroken for a time when the business or the doctor is not there, off the grid, too soon, past or too far
    away, and for a length that the doctor does not give."""
    _check_length(duration, facts, doctor)
    if start < now + MIN_NOTICE:
        raise RuleBroken("past_date", "Ese horario ya pasó o está demasiado cerca. ¿Qué otro horario te sirve?")
    if start > now + MAX_HORIZON:
        raise RuleBroken("too_far", "Solo damos turnos dentro del próximo año.")
    if not facts.is_open(start, duration, doctor):
        raise RuleBroken("closed", _closed(start.astimezone(BUENOS_AIRES), duration, facts, doctor))
    if start.minute % SLOT_MINUTES or start.second or start.microsecond:
        raise RuleBroken("off_grid", f"Los turnos empiezan en minutos múltiplos de {SLOT_MINUTES}.")


async def doctors(store: Store) -> tuple[str, ...]:
    """Return the doctors who take appointments: those of the facts, or of the records where the facts name none."""
    facts = await store.facts()
    return tuple(doctor.name for doctor in facts.doctors) or await store.doctors()


def _check_length(duration: int, facts: Facts, doctor: str) -> None:
    if duration % SLOT_MINUTES or not SHORTEST_MINUTES <= duration <= LONGEST_MINUTES:
        raise RuleBroken(
            "bad_duration",
            f"La duración tiene que ser de {SHORTEST_MINUTES} a {LONGEST_MINUTES} minutos,"
            f" de {SLOT_MINUTES} en {SLOT_MINUTES}.",
        )
    known = facts.doctor(doctor)
    if known and known.slot_minutes and duration not in known.slot_minutes:
        lengths = listed([str(each) for each in known.slot_minutes], "o")
        raise RuleBroken("bad_duration", f"Con {known.name} los turnos son de {lengths} minutos.")


def _closed(start: datetime, duration: int, facts: Facts, doctor: str) -> str:
    """Why nobody can be seen then, and when somebody is there again: `Los domingos no atendemos; abrimos el lunes 30 de
    noviembre a las 8.`"""
    why, again = _why_closed(start.date(), facts, doctor)
    following = facts.next_open(start, duration, doctor)
    if following is None:
        return f"{why}."
    on = "" if following.date() == start.date() else f" el {day(following)}"
    return f"{why}; {again}{on} a las {hour_told(following.hour * 60 + following.minute)}."


def _why_closed(then: date, facts: Facts, doctor: str) -> tuple[str, str]:
    """The reason, and the verb for the time when it is over."""
    this_day, this_weekday = f"el {day(moment(then, 0))}", f"los {plural(then.weekday())}"
    ours, theirs, known = facts.hours_on(then), facts.hours_on(then, doctor), facts.doctor(doctor)
    if holiday := facts.holidays.name_of(then):
        return f"{this_day.capitalize()} no atendemos: {holiday}", "abrimos"
    if not ours:
        is_weekly = not facts.hours[then.weekday()]
        return f"{(this_weekday if is_weekly else this_day).capitalize()} no atendemos", "abrimos"
    if known is None or theirs == ours:
        return f"Ese día atendemos {hours_told(ours)}", "abrimos"
    if theirs:
        return f"Ese día {known.name} atiende {hours_told(theirs)}", "atiende de nuevo"
    is_weekly = known.days is not None and not known.days[then.weekday()]
    return f"{known.name} no atiende {this_weekday if is_weekly else this_day}", "atiende"


async def create(
    store: Store, kind: type[Record], make: Callable[[str], tuple[Record, IdempotencyRecord | None]]
) -> tuple[Record, IdempotencyRecord | None]:
    """Give a new record its id and commit it; `make` builds record and receipt from the id.

    Ids that are taken although the counter did not know (records put there by other means) are passed over.
    The receipt that comes back is the one that stands, which may be older than this attempt.
    """
    for _ in range(_ID_ATTEMPTS):
        record, idempotency = make(await store.next_id(kind))
        try:
            return record, await store.commit(Change(None, record), idempotency)
        except Conflict:
            continue
    raise Conflict("no free id was found")


async def taken(store: Store, doctor: str, start: datetime, duration: int, mine: str | None = None) -> bool:
    """Return True if another appointment than `mine` holds some of this time."""
    busy = await store.busy(doctor, start, start + timedelta(minutes=duration))
    return any(busy.get(cell, mine) != mine for cell in slots(start, duration))


async def free_times(
    store: Store, doctor: str, start: datetime, duration: int, now: datetime, count: int = 3
) -> list[datetime]:
    """Return the doctor's next free times from `start` on, at full and half hours."""
    first = max(start, now + MIN_NOTICE).astimezone(BUENOS_AIRES)
    last = start + timedelta(days=_OFFER_DAYS)
    facts, busy = await store.facts(), await store.busy(doctor, start, last)
    found: list[datetime] = []
    for candidate in _offers(facts, doctor, first, last, duration):
        if len(found) == count:
            break
        if slots(candidate, duration).isdisjoint(busy):
            found.append(candidate)
    return found


def _offers(facts: Facts, doctor: str, first: datetime, last: datetime, duration: int) -> Iterator[datetime]:
    for then in days_from(first.date(), _OFFER_DAYS + 1):
        for hours in facts.hours_on(then, doctor):
            at = -(-hours.opens // _OFFER_GRID_MINUTES) * _OFFER_GRID_MINUTES
            for minutes in range(at, hours.closes - duration + 1, _OFFER_GRID_MINUTES):
                if first <= (candidate := moment(then, minutes)) < last:
                    yield candidate


def _require_active(appointment: Appointment) -> None:
    if not appointment.is_active:
        raise RuleBroken(
            f"appointment_{appointment.status}",
            f"La cita {appointment.id} {_NOT_ACTIVE[appointment.status]}.",
        )
