"""What may be done to a record, for tools and for admins alike.

Each function returns the `Change` to commit, or raises `RuleBroken` with a sentence that Carlos can say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from common.spanish.wording import listed
from common.times import BUENOS_AIRES
from data.errors import Conflict, RuleBroken
from data.facts import Facts
from data.models import (
    SLOT_MINUTES,
    Appointment,
    AppointmentStatus,
    Order,
    OrderStatus,
    Record,
    slots,
)
from data.opening import moment
from data.store import Change, IdempotencyRecord, Store

OPENS, CLOSES = time(8), time(20)  # every day, Buenos Aires
SHORTEST_MINUTES, LONGEST_MINUTES = 10, 120
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


def move_appointment(appointment: Appointment, start: datetime, now: datetime) -> Change:
    """Move an appointment: its old time becomes free, the new one is taken."""
    _require_active(appointment)
    check_time(start, appointment.duration, now)
    if start == appointment.start:
        raise RuleBroken("same_time", f"La cita {appointment.id} ya está en ese horario.")
    return Change(appointment, replace(appointment, start=start))


def check_time(start: datetime, duration: int, now: datetime) -> None:
    """Raise RuleBroken for a time outside working hours, off the grid, too soon, past or too far away."""
    if duration % SLOT_MINUTES or not SHORTEST_MINUTES <= duration <= LONGEST_MINUTES:
        raise RuleBroken(
            "bad_duration",
            f"La duración tiene que ser de {SHORTEST_MINUTES} a {LONGEST_MINUTES} minutos,"
            f" de {SLOT_MINUTES} en {SLOT_MINUTES}.",
        )
    if start < now + MIN_NOTICE:
        raise RuleBroken("past_date", "Ese horario ya pasó o está demasiado cerca. ¿Qué otro horario te sirve?")
    if start > now + MAX_HORIZON:
        raise RuleBroken("too_far", "Solo damos turnos dentro del próximo año.")
    if not is_open(start, duration):
        raise RuleBroken("closed", f"Atendemos todos los días de {OPENS.hour} a {CLOSES.hour} horas.")
    if start.minute % SLOT_MINUTES or start.second or start.microsecond:
        raise RuleBroken("off_grid", f"Los turnos empiezan en minutos múltiplos de {SLOT_MINUTES}.")


def check_length(duration: int, facts: Facts, doctor: str) -> None:
    """Raise RuleBroken for a duration, in minutes, that no appointment with the doctor may have."""
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


def is_open(start: datetime, duration: int) -> bool:
    local = start.astimezone(BUENOS_AIRES)
    opens = local.replace(hour=OPENS.hour, minute=0, second=0, microsecond=0)
    closes = local.replace(hour=CLOSES.hour, minute=0, second=0, microsecond=0)
    return opens <= local and local + timedelta(minutes=duration) <= closes


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
    last = start + timedelta(days=_OFFER_DAYS)
    busy = await store.busy(doctor, start, last)
    found: list[datetime] = []
    for candidate in _offers(max(start, now + MIN_NOTICE), last):
        if len(found) == count:
            break
        if is_open(candidate, duration) and slots(candidate, duration).isdisjoint(busy):
            found.append(candidate)
    return found


def open_times(facts: Facts, doctor: str, on: date, duration: int) -> Iterator[datetime]:
    """The full and half hours of a day at which an appointment could begin, were the doctor's time not taken."""
    for hours in facts.hours_on(on, doctor):
        at = -(-hours.opens // _OFFER_GRID_MINUTES) * _OFFER_GRID_MINUTES
        for minutes in range(at, hours.closes - duration + 1, _OFFER_GRID_MINUTES):
            yield moment(on, minutes)


def _offers(first: datetime, last: datetime) -> Iterator[datetime]:
    step = timedelta(minutes=_OFFER_GRID_MINUTES)
    candidate = first.replace(minute=0, second=0, microsecond=0)
    while candidate < last:
        if candidate >= first:
            yield candidate
        candidate += step


def _require_active(appointment: Appointment) -> None:
    if not appointment.is_active:
        raise RuleBroken(
            f"appointment_{appointment.status}",
            f"La cita {appointment.id} {_NOT_ACTIVE[appointment.status]}.",
        )
