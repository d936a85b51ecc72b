"""How the states of a record are put for a caller, in Argentine Spanish."""

from __future__ import annotations

from data.models import AppointmentStatus, AppointmentType, OrderStatus

ORDER_STATUS = {
    OrderStatus.PENDING: "pendiente",
    OrderStatus.PROCESSING: "en preparación",
    OrderStatus.SHIPPED: "enviado",
    OrderStatus.DELIVERED: "entregado",
    OrderStatus.CANCELLED: "cancelado",
}
APPOINTMENT_STATUS = {
    AppointmentStatus.SCHEDULED: "agendada",
    AppointmentStatus.CONFIRMED: "confirmada",
    AppointmentStatus.CANCELLED: "cancelada",
    AppointmentStatus.COMPLETED: "realizada",
}
APPOINTMENT_TYPE = {
    AppointmentType.CONSULTATION: "consulta",
    AppointmentType.FOLLOW_UP: "seguimiento",
    AppointmentType.EMERGENCY: "urgencia",
    AppointmentType.ROUTINE: "control de rutina",
}
