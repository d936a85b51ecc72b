"""Items as the original wrote them."""

from __future__ import annotations

from decimal import Decimal

from data.backends.base import Item


def original_order(order_id: str, **more: object) -> Item:
    """As the original's seed wrote it."""
    key = f"ORDER#{order_id}"
    return {
        "PK": key,
        "SK": key,
        "GSI1PK": "maria@email.com",
        "GSI1SK": "pending#2025-07-15T10:30:00.000-03:00",
        "id": order_id,
        "customerName": "María González",
        "customerEmail": "maria@email.com",
        "items": [{"id": "1", "name": "Mouse", "quantity": 2, "price": Decimal("29.99"), "description": "Óptico"}],
        "total": Decimal("59.98"),
        "status": "pending",
        "createdAt": "2025-07-15T10:30:00.000-03:00",
        "updatedAt": "2025-07-15T10:30:00.000-03:00",
        **more,
    }


def original_appointment(appointment_id: str, **more: object) -> Item:
    key = f"APPOINTMENT#{appointment_id}"
    return {
        "PK": key,
        "SK": key,
        "GSI1PK": "maria@email.com",
        "GSI1SK": "maria@email.com",
        "GSI2PK": "Dr. Carlos Rodríguez",
        "GSI2SK": "2026-12-01T10:00:00.000-03:00",
        "GSI3PK": "scheduled",
        "GSI3SK": "scheduled",
        "id": appointment_id,
        "patientName": "María González",
        "patientEmail": "maria@email.com",
        "doctorName": "Dr. Carlos Rodríguez",
        "date": "2026-12-01T10:00:00.000-03:00",
        "duration": 30,
        "type": "consultation",
        "notes": "Control",
        "status": "scheduled",
        **more,
    }
