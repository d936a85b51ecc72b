"""What Carlos says when a tool has done its work: what was asked for and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.dialogue import lines
from sandbox.dialogue.intents import Aspect, Task
from sandbox.dialogue.speech import (
    read_moment,
    say_code,
    say_date,
    say_doctor,
    say_id,
    say_money,
    say_products,
    say_time,
)
from sandbox.dialogue.tasks import Facts

_ON_ITS_WAY = frozenset({"pending", "processing", "shipped"})


def answer(task: Task, result: Mapping[str, Any], facts: Facts, aspects: Collection[Aspect]) -> str:
    """The sentence for a successful result of the task's tool."""
    match task:
        case Task.CONSULT_ORDER:
            return _order(result["order"], aspects)
        case Task.CONSULT_APPOINTMENT:
            return _appointment(result["appointment"], aspects)
        case Task.CANCEL_ORDER:
            return lines.ORDER_CANCELLED.format(number=say_id(facts.order_id or ""))
        case Task.CANCEL_APPOINTMENT:
            return lines.APPOINTMENT_CANCELLED.format(number=say_id(facts.appointment_id or ""))
        case Task.CREATE_ORDER:
            return _created(result)
        case Task.BOOK:
            return _booked(result)
        case Task.MOVE:
            return _moved(result, say_id(facts.appointment_id or ""))
        case _:
            return str(result.get("message") or "")


def _order(order: Mapping[str, Any], aspects: Collection[Aspect]) -> str:
    said = []
    if Aspect.STATE in aspects or not aspects:
        said.append(_order_state(order))
    if Aspect.DETAILS in aspects:
        said.append(lines.ORDER_DETAILS.format(items=say_products(order.get("items") or [])))
    if Aspect.TOTAL in aspects:
        said.append(lines.ORDER_TOTAL.format(money=say_money(float(order.get("total") or 0))))
    if Aspect.TRACKING in aspects:
        code = order.get("trackingNumber")
        said.append(lines.ORDER_TRACKING.format(code=say_code(code)) if code else lines.ORDER_NO_TRACKING)
    return " ".join(said)


def _order_state(order: Mapping[str, Any]) -> str:
    status = str(order.get("status"))
    words = lines.ORDER_STATUSES.get(status, status)
    delivery = read_moment(order.get("estimatedDelivery"))
    if status not in _ON_ITS_WAY:
        return lines.ORDER_STATE.format(status=words)
    if delivery is None:
        return lines.ORDER_STATE_NO_DATE.format(status=words)
    return lines.ORDER_STATE_DELIVERY.format(status=words, date=say_date(delivery))


def _appointment(appointment: Mapping[str, Any], aspects: Collection[Aspect]) -> str:
    said = []
    if Aspect.DETAILS not in aspects or Aspect.STATE in aspects:
        said.append(_appointment_state(appointment))
    if Aspect.DETAILS in aspects:
        kind = str(appointment.get("type"))
        doctor = say_doctor(str(appointment.get("doctorName")))
        said.append(lines.APPOINTMENT_DETAILS.format(doctor=doctor, kind=lines.APPOINTMENT_KINDS.get(kind, kind)))
    return " ".join(said)


def _appointment_state(appointment: Mapping[str, Any]) -> str:
    status = str(appointment.get("status"))
    words = lines.APPOINTMENT_STATUSES.get(status, status)
    moment = read_moment(appointment.get("date"))
    if moment is None:
        return lines.APPOINTMENT_STATE_BARE.format(status=words)
    return lines.APPOINTMENT_STATE.format(date=say_date(moment), time=say_time(moment.time()), status=words)


def _created(result: Mapping[str, Any]) -> str:
    number = say_id(str(result.get("orderId")))
    delivery = read_moment(result.get("estimatedDelivery"))
    if delivery is None:
        return lines.ORDER_CREATED.format(number=number)
    return lines.ORDER_CREATED_DELIVERY.format(number=number, date=say_date(delivery))


def _booked(result: Mapping[str, Any]) -> str:
    number = say_id(str(result.get("appointmentId")))
    moment = read_moment(result.get("date"))
    if moment is None:
        return lines.APPOINTMENT_BOOKED_BARE.format(number=number)
    doctor = say_doctor(str(result.get("doctorName")))
    return lines.APPOINTMENT_BOOKED.format(
        number=number, date=say_date(moment), time=say_time(moment.time()), doctor=doctor
    )


def _moved(result: Mapping[str, Any], number: str) -> str:
    moment = read_moment(result.get("newDate"))
    if moment is None:
        return lines.APPOINTMENT_MOVED_BARE.format(number=number)
    return lines.APPOINTMENT_MOVED.format(number=number, date=say_date(moment), time=say_time(moment.time()))
