"""Between the models and the stored items, whose shape is the original's plus `dni` and `version`.

Amounts are stored as numbers of currency (899.99), as the original did, and read back as cents.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from common.spanish.names import doctor_key
from common.times import from_iso, to_iso
from data.backends.base import Item, Key
from data.models import (
    Appointment,
    AppointmentStatus,
    AppointmentType,
    Order,
    OrderItem,
    OrderStatus,
)

# What an item that is none of ours makes of reading it; whoever reads raises Malformed for it.
MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, RecursionError)

MOST_DIGITS = 18
_LONGEST_NUMBER = 64  # characters; DynamoDB keeps 38 digits


def amount(cents: int) -> Decimal:
    """Cents as the stored number: 89999 -> 899.99."""
    return Decimal(cents) / 100


def number(value: Any) -> Decimal:
    """A number as it was stored or said. ValueError for one of more than `MOST_DIGITS` digits before the point, or
    written longer than any of ours: to make an int of `Decimal("1e999990")` takes minutes."""
    text = str(value)
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("too long for a number")
    try:
        read = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    if not read.is_finite() or read.adjusted() >= MOST_DIGITS:
        raise ValueError("too large a number")
    return read


def whole(value: Any) -> int:
    """A stored whole number. ValueError as `number`."""
    return int(number(value))


def cents(value: Any) -> int:
    """A stored number of currency as cents, to the nearest cent. ValueError as `number`."""
    return int((number(value) * 100).to_integral_value(ROUND_HALF_EVEN))


def to_order(item: Mapping[str, Any]) -> Order:
    """Raise one of MISSHAPEN for an item that is not an order of ours; `carlos migrate` mends the original's."""
    return Order(
        id=item["id"],
        customer_name=item["customerName"],
        customer_email=item["customerEmail"],
        items=tuple(_to_order_item(line) for line in item["items"]),
        status=OrderStatus(item["status"]),
        created_at=from_iso(item["createdAt"]),
        updated_at=from_iso(item["updatedAt"]),
        estimated_delivery=_time(item.get("estimatedDelivery")),
        tracking_number=item.get("trackingNumber"),
        dni=item.get("dni"),
        version=whole(item.get("version", 0)),
    )


def to_appointment(item: Mapping[str, Any]) -> Appointment:
    """Raise one of MISSHAPEN for an item that is not an appointment of ours."""
    return Appointment(
        id=item["id"],
        patient_name=item["patientName"],
        patient_email=item["patientEmail"],
        doctor_name=item["doctorName"],
        start=from_iso(item["date"]),
        duration=whole(item["duration"]),
        type=AppointmentType(item["type"]),
        status=AppointmentStatus(item["status"]),
        notes=item.get("notes", ""),
        version=whole(item.get("version", 0)),
    )


def order_item(order: Order) -> Item:
    """Its attributes, beside those that every record has (data.records)."""
    return present(
        {
            "customerName": order.customer_name,
            "customerEmail": order.customer_email,
            "items": [
                present(
                    {
                        "id": line.id,
                        "name": line.name,
                        "quantity": line.quantity,
                        "price": amount(line.price_cents),
                        "description": line.description,
                    }
                )
                for line in order.items
            ],
            "total": amount(order.total_cents),
            "status": order.status.value,
            "createdAt": to_iso(order.created_at),
            "updatedAt": to_iso(order.updated_at),
            "estimatedDelivery": optional_iso(order.estimated_delivery),
            "trackingNumber": order.tracking_number,
            "dni": order.dni or None,  # an index takes no empty key
        }
    )


def appointment_item(appointment: Appointment) -> Item:
    """Its attributes, beside those that every record has (data.records)."""
    return {
        "patientName": appointment.patient_name,
        "patientEmail": appointment.patient_email,
        "doctorName": appointment.doctor_name,
        "date": to_iso(appointment.start),
        "duration": appointment.duration,
        "type": appointment.type.value,
        "status": appointment.status.value,
        "notes": appointment.notes,
    }


def slots_key(doctor: str) -> str:
    """The partition of a doctor's taken time."""
    return f"SLOTS#{doctor_key(doctor)}"


def slot_items(appointment: Appointment) -> dict[Key, Item]:
    """The items that hold the doctor's time for an appointment, by key."""
    pk = slots_key(appointment.doctor_name)
    keys = [(pk, to_iso(cell)) for cell in sorted(appointment.slots)]
    return {(pk, sk): {"PK": pk, "SK": sk, "appointmentId": appointment.id} for pk, sk in keys}


def _to_order_item(line: Mapping[str, Any]) -> OrderItem:
    return OrderItem(
        name=line["name"],
        quantity=whole(line["quantity"]),
        price_cents=cents(line["price"]),
        description=line.get("description", ""),
        id=line.get("id"),
    )


def present(item: Item) -> Item:
    """Without what is None: an item has no such attribute then."""
    return {name: value for name, value in item.items() if value is not None}


def optional_iso(moment: datetime | None) -> str | None:
    return None if moment is None else to_iso(moment)


def _time(text: str | None) -> datetime | None:
    return None if text is None else from_iso(text)
