"""The seven tools as the model sees them: names, descriptions and schemas are the original's, word for word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.models import AppointmentType

type Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    name: str
    description: str
    input_schema: Mapping[str, Any]  # JSON Schema, draft 07


def _schema(properties: Schema, *required: str, **more: Any) -> Schema:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": properties,
        "required": list(required),
        **more,
    }


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _order_by_id(description: str) -> Schema:
    return _schema(
        {
            "orderId": _text(description),
            "dni": _text("Número de DNI del titular del pedido"),
            "customerName": _text("Nombre completo del titular del pedido"),
        },
        "orderId",
        anyOf=[{"required": ["dni"]}, {"required": ["customerName"]}],
    )


def _appointment_by_id(description: str, **more: Schema) -> Schema:
    return _schema(
        {
            "appointmentId": _text(description),
            "patientName": _text("Nombre completo del paciente"),
            **more,
        },
        "appointmentId",
        "patientName",
    )


SPECS = (
    ToolSpec(
        "consultarOrder",
        "Consultar el estado y detalles de un pedido por ID."
        " Se requiere verificación de identidad con DNI o nombre completo.",
        _order_by_id("ID del pedido a consultar"),
    ),
    ToolSpec(
        "cancelarOrder",
        "Cancelar un pedido existente por ID. Se requiere verificación de identidad con DNI o nombre completo.",
        _order_by_id("ID del pedido a cancelar"),
    ),
    ToolSpec(
        "crearOrder",
        "Crear un nuevo pedido con items y datos del cliente",
        _schema(
            {
                "customerName": _text("Nombre completo del cliente"),
                "customerEmail": _text("Email del cliente"),
                "items": {
                    "type": "array",
                    "description": "Lista de productos en el pedido",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "quantity": {"type": "integer"},
                            "price": {"type": "number"},
                            "description": {"type": "string"},
                        },
                    },
                },
            },
            "customerName",
            "customerEmail",
            "items",
        ),
    ),
    ToolSpec(
        "agendarTurno",
        "Agendar una nueva cita médica",
        _schema(
            {
                "patientName": _text("Nombre completo del paciente"),
                "patientEmail": _text("Email del paciente"),
                "doctorName": _text("Nombre del doctor"),
                "date": _text("Fecha y hora de la cita (ISO format)"),
                "duration": {"type": "integer", "description": "Duración en minutos"},
                "type": {
                    **_text("Tipo de cita (consultation, follow-up, emergency, routine)"),
                    "enum": [each.value for each in AppointmentType],
                },
                "notes": _text("Notas adicionales"),
            },
            "patientName",
            "patientEmail",
            "doctorName",
            "date",
        ),
    ),
    ToolSpec(
        "cancelarTurno",
        "Cancelar una cita médica existente. Se requiere verificación de identidad con nombre del paciente.",
        _appointment_by_id("ID de la cita a cancelar"),
    ),
    ToolSpec(
        "modificarTurno",
        "Modificar la fecha u hora de una cita médica. Se requiere verificación de identidad con nombre del paciente.",
        _appointment_by_id(
            "ID de la cita a modificar",
            newDate=_text("Nueva fecha (opcional)"),
            newTime=_text("Nueva hora (opcional)"),
        ),
    ),
    ToolSpec(
        "consultarTurno",
        "Consultar los detalles de una cita médica. Se requiere verificación de identidad con nombre del paciente.",
        _appointment_by_id("ID de la cita a consultar"),
    ),
)
