"""The original's seven orders and eight appointments, around the day of seeding.

The original's first appointment, 2025-07-22, becomes two days after that day, and every other date keeps its
distance to it and its wall-clock time in Buenos Aires; deliveries still to come lie in the days ahead. The
original stored no DNI: ours are made up.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from common.times import BUENOS_AIRES
from data.models import Appointment, AppointmentStatus, AppointmentType, Order, OrderItem, OrderStatus

_FIRST_APPOINTMENT = date(2025, 7, 22)
_LEAD = timedelta(days=2)


def sample_orders(today: date) -> tuple[Order, ...]:
    return tuple(_order(today, *row) for row in _ORDERS)


def sample_appointments(today: date) -> tuple[Appointment, ...]:
    return tuple(_appointment(today, *row) for row in _APPOINTMENTS)


def _order(
    today: date,
    order_id: str,
    name: str,
    dni: str,
    items: tuple[OrderItem, ...],
    status: OrderStatus,
    created: str,
    updated: str,
    delivery_in: int | None,
    tracking: str | None,
) -> Order:
    delivery = None if delivery_in is None else _local(today + timedelta(days=delivery_in), time())
    return Order(
        id=order_id,
        customer_name=name,
        customer_email=_email(name),
        items=items,
        status=status,
        created_at=_moved(today, created),
        updated_at=_moved(today, updated),
        estimated_delivery=delivery,
        tracking_number=tracking,
        dni=dni,
    )


def _appointment(
    today: date,
    appointment_id: str,
    patient: str,
    doctor: str,
    when: str,
    duration: int,
    type_: AppointmentType,
    status: AppointmentStatus,
    notes: str,
) -> Appointment:
    return Appointment(
        id=appointment_id,
        patient_name=patient,
        patient_email=_email(patient),
        doctor_name=doctor,
        start=_moved(today, when),
        duration=duration,
        type=type_,
        status=status,
        notes=notes,
    )


def _moved(today: date, original: str) -> datetime:
    """`07-22 10:00` of the original, moved."""
    then = datetime.fromisoformat(f"2025-{original}")
    return _local(today + _LEAD + (then.date() - _FIRST_APPOINTMENT), then.time())


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, BUENOS_AIRES)


def _email(name: str) -> str:
    plain = name.lower().translate(str.maketrans("áéíóú", "aeiou"))
    return f"{plain.replace(' ', '.')}@email.com"


def _item(item_id: str, name: str, quantity: int, price_cents: int, description: str) -> OrderItem:
    return OrderItem(name, quantity, price_cents, description, item_id)


_ORDERS = (
    (
        "1",
        "María González",
        "28456789",
        (
            _item("1", "Laptop Dell Inspiron 15", 1, 899_99,
                  "Laptop de 15 pulgadas, Intel i5, 8GB RAM, 256GB SSD"),
            _item("2", "Mouse inalámbrico Logitech", 2, 29_99, "Mouse óptico inalámbrico con receptor USB"),
        ),
        OrderStatus.PENDING, "07-15 10:30", "07-15 10:30", 1, None,
    ),
    (
        "2",
        "Carlos Mendoza",
        "31204578",
        (
            _item("3", 'Monitor Samsung 24"', 1, 199_99, "Monitor LED Full HD 1920x1080, 60Hz"),
            _item("4", "Teclado mecánico RGB", 1, 89_99, "Teclado mecánico con switches Cherry MX Blue"),
        ),
        OrderStatus.PROCESSING, "07-14 14:15", "07-16 09:45", None, "TRK789456123",
    ),
    (
        "3",
        "Ana Rodríguez",
        "27893412",
        (
            _item("5", "iPhone 15 Pro", 1, 1199_99, "iPhone 15 Pro 128GB, Titanio Natural"),
            _item("6", "Carcasa protectora", 1, 39_99, "Carcasa de silicona transparente para iPhone 15 Pro"),
        ),
        OrderStatus.SHIPPED, "07-13 11:20", "07-17 16:30", 1, "TRK456789321",
    ),
    (
        "4",
        "Luis Fernández",
        "33567120",
        (
            _item("7", "Auriculares Sony WH-1000XM5", 1, 349_99,
                  "Auriculares inalámbricos con cancelación de ruido"),
            _item("8", "Cable USB-C", 3, 12_99, "Cable USB-C de alta velocidad 100W"),
        ),
        OrderStatus.DELIVERED, "07-10 08:45", "07-12 14:20", None, "TRK123789456",
    ),
    (
        "5",
        "Carmen Silva",
        "29781345",
        (
            _item("9", "Tablet Samsung Galaxy Tab S9", 1, 649_99, "Tablet Android 11 pulgadas, 128GB"),
            _item("10", "Funda con teclado", 1, 79_99, "Funda protectora con teclado bluetooth"),
        ),
        OrderStatus.CANCELLED, "07-08 16:30", "07-09 10:15", None, None,
    ),
    (
        "6",
        "Roberto Vargas",
        "35012678",
        (
            _item("11", "Smartwatch Apple Watch Series 9", 1, 399_99, "Apple Watch Series 9 GPS 41mm"),
            _item("12", "Banda deportiva", 2, 49_99, "Banda de silicona deportiva para Apple Watch"),
        ),
        OrderStatus.PENDING, "07-18 12:00", "07-18 12:00", 4, None,
    ),
    (
        "7",
        "Elena Martínez",
        "26340981",
        (
            _item("13", "Cámara Canon EOS R7", 1, 1499_99, "Cámara mirrorless APS-C, 33MP, 4K video"),
            _item("14", "Lente 24-70mm f/2.8", 1, 899_99, "Lente zoom profesional RF 24-70mm"),
        ),
        OrderStatus.PROCESSING, "07-17 09:30", "07-19 15:45", None, "TRK987321654",
    ),
)  # fmt: skip

_APPOINTMENTS = (
    ("1", "María González", "Dr. Carlos Rodríguez", "07-22 10:00", 30, AppointmentType.CONSULTATION,
     AppointmentStatus.SCHEDULED, "Consulta de rutina - Control anual"),
    ("2", "Luis Fernández", "Dra. Ana López", "07-24 14:30", 45, AppointmentType.FOLLOW_UP,
     AppointmentStatus.CONFIRMED, "Seguimiento post-cirugía de rodilla"),
    ("3", "Carmen Silva", "Dr. Roberto Mendoza", "07-25 09:00", 60, AppointmentType.EMERGENCY,
     AppointmentStatus.SCHEDULED, "Dolor agudo en el pecho - Requiere evaluación inmediata"),
    ("4", "Carlos Mendoza", "Dr. Carlos Rodríguez", "07-22 11:00", 30, AppointmentType.ROUTINE,
     AppointmentStatus.CONFIRMED, "Control de presión arterial y diabetes"),
    ("5", "Elena Martínez", "Dra. Ana López", "07-26 16:00", 45, AppointmentType.CONSULTATION,
     AppointmentStatus.SCHEDULED, "Primera consulta - Evaluación general"),
    ("6", "Roberto Vargas", "Dr. Roberto Mendoza", "07-23 13:00", 30, AppointmentType.FOLLOW_UP,
     AppointmentStatus.CONFIRMED, "Seguimiento tratamiento de alergias"),
    ("7", "Ana Rodríguez", "Dra. Carmen Ruiz", "07-27 10:30", 60, AppointmentType.CONSULTATION,
     AppointmentStatus.SCHEDULED, "Consulta ginecológica de rutina"),
    ("8", "Luis Pérez", "Dr. Carlos Rodríguez", "07-28 15:00", 45, AppointmentType.EMERGENCY,
     AppointmentStatus.SCHEDULED, "Dolor de cabeza intenso y mareos"),
)  # fmt: skip
