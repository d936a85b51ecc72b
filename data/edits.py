"""What an admin may change in a record: the rules that the tools have, and the steps that only people take."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from common.spanish.names import doctor_key
from data.errors import RuleBroken
from data.facts import Facts
from data.models import Appointment, Order, OrderStatus
from data.rules import cancel_appointment, cancel_order, check_time, doctors
from data.store import Change, Store

_ORDER_STEPS = {
    OrderStatus.PENDING: {OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED},
    OrderStatus.PROCESSING: {OrderStatus.SHIPPED, OrderStatus.DELIVERED},
    OrderStatus.SHIPPED: {OrderStatus.DELIVERED},
    OrderStatus.DELIVERED: set[OrderStatus](),
    OrderStatus.CANCELLED: set[OrderStatus](),
}


def edit_order(order: Order, now: datetime, **fields: Any) -> Change:
    """Change an order's fields. Its status only goes forward; its items are fixed once it is shipped."""
    status = fields.pop("status", order.status)
    if status != order.status and status is not OrderStatus.CANCELLED and status not in _ORDER_STEPS[order.status]:
        raise RuleBroken("bad_status", f"Un pedido no pasa de {order.status} a {status}.")
    if "items" in fields and fields["items"] != order.items and not order.can_be_cancelled:
        raise RuleBroken("items_fixed", f"Los productos del pedido {order.id} ya no se pueden cambiar.")
    if status is OrderStatus.CANCELLED and status != order.status:
        cancel_order(order, now)  # raises where it may not be
    return Change(order, replace(order, **fields, status=status, updated_at=now))


def edit_appointment(appointment: Appointment, now: datetime, facts: Facts, **fields: Any) -> Change:
    """Change an appointment's fields. One that is cancelled or completed keeps its time, doctor and status."""
    status = fields.pop("status", appointment.status)
    wanted = replace(appointment, **fields)
    moved = (wanted.start, wanted.duration, wanted.doctor_name) != (
        appointment.start,
        appointment.duration,
        appointment.doctor_name,
    )
    if moved or status != appointment.status:
        cancel_appointment(appointment)  # raises for one that is over
    if moved:
        check_time(wanted.start, wanted.duration, now, facts, wanted.doctor_name)
    return Change(appointment, replace(wanted, status=status))


async def known_doctor(store: Store, name: str) -> str:
    """Return the doctor's name as it is on record."""
    known = {doctor_key(doctor): doctor for doctor in await doctors(store)}
    if doctor_key(name) not in known:
        raise RuleBroken("unknown_doctor", f"No hay un profesional {name}.")
    return known[doctor_key(name)]
