"""`/appointments`: the original's two lists, and the rest of what its README promised."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.envelope import ApiError
from api.http import (
    MAX_PAGE_RECORDS,
    Cursor,
    Day,
    From,
    IfMatch,
    Limit,
    RecordId,
    To,
    begins,
    ends,
    read_cursor,
    read_day,
    read_days,
)
from api.resource import Resource
from api.schemas import (
    AppointmentEdit,
    AppointmentJson,
    AppointmentStatusText,
    Email,
    Found,
    Name,
    NewAppointment,
    appointment_json,
    failures,
)
from common.times import Clock, from_iso, utcnow
from data.edits import edit_appointment, known_doctor
from data.models import Appointment, AppointmentStatus, AppointmentType
from data.records import APPOINTMENTS
from data.rules import check_time
from data.store import Store


def appointment_routes(store: Store, clock: Clock = utcnow) -> APIRouter:
    """Everything under /appointments. Days are days in Buenos Aires."""
    router = APIRouter(prefix="/appointments", tags=["appointments"])

    appointments = Resource(store, APPOINTMENTS, appointment_json)

    @router.get("", response_model=Found[list[AppointmentJson]], responses=failures())
    async def list_appointments(
        request: Request,
        date: Day = None,
        from_: From = None,
        to: To = None,
        status: AppointmentStatusText | None = None,
        email: Annotated[Email | None, Query()] = None,
        doctor: Annotated[Name | None, Query()] = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> Response:
        """Appointments, earliest first: of one day (`date`), or from one day to another, both included."""
        first, last = read_days(from_, to)
        if (day := read_day("date", date)) is not None:
            first = last = day
        page = await store.appointments(
            since=begins(first),
            until=ends(last),
            status=AppointmentStatus(status) if status else None,
            email=email,
            doctor=doctor,
            limit=limit or MAX_PAGE_RECORDS,
            after=read_cursor(cursor),
        )
        return await appointments.page(request, page)

    @router.get("/", include_in_schema=False)
    async def no_appointment() -> JSONResponse:
        raise ApiError(400, "Appointment ID is required", "Please provide a valid appointment ID")

    @router.get("/{appointment_id}", response_model=Found[AppointmentJson], responses=failures(404))
    async def get_appointment(appointment_id: RecordId) -> JSONResponse:
        """One appointment; its `ETag` is its version."""
        return appointments.one(await appointments.find(appointment_id))

    @router.post("", status_code=201, response_model=Found[AppointmentJson], responses=failures(409, 422))
    async def create_appointment(body: NewAppointment) -> JSONResponse:
        """A new appointment in a doctor's free time, by the rules that callers are held to."""
        doctor = await known_doctor(store, body.doctor_name)
        start = from_iso(body.date)
        check_time(start, body.duration, clock(), await store.facts(), doctor)

        def make(appointment_id: str) -> Appointment:
            return Appointment(
                appointment_id,
                body.patient_name,
                body.patient_email,
                doctor,
                start,
                body.duration,
                AppointmentType(body.type),
                notes=body.notes,
            )

        return await appointments.create(make)

    @router.put("/{appointment_id}", response_model=Found[AppointmentJson], responses=failures(404, 409, 412, 422))
    async def update_appointment(
        appointment_id: RecordId, body: AppointmentEdit, if_match: IfMatch = None
    ) -> JSONResponse:
        """Change the fields that are given. With `If-Match`, only the version that was read."""
        before = await appointments.find(appointment_id, if_match)
        fields = body.fields()
        if "doctor_name" in fields:
            fields["doctor_name"] = await known_doctor(store, fields["doctor_name"])
        return await appointments.update(before, edit_appointment(before, clock(), await store.facts(), **fields))

    @router.delete("/{appointment_id}", response_model=Found[AppointmentJson], responses=failures(404, 409, 412))
    async def delete_appointment(appointment_id: RecordId, if_match: IfMatch = None) -> JSONResponse:
        """Delete an appointment for good, and return what it was. To cancel one, update its status."""
        return await appointments.delete(await appointments.find(appointment_id, if_match))

    return router
