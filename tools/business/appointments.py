"""Looking up, booking, moving and cancelling appointments."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from common.spanish.consent import AN_APPOINTMENT, BOOKING, CANCELLING, MOVING
from common.spanish.dates import parse_move, parse_when
from common.spanish.emails import spelled
from common.spanish.names import plain
from common.spanish.quantities import LONGEST as DURATION_LENGTH
from common.spanish.quantities import minutes_of
from common.spanish.wording import day_and_time, listed, local_iso
from common.text import clean
from common.times import to_iso
from data.errors import SlotTaken
from data.facts import Doctor
from data.models import Appointment, AppointmentType, Record
from data.records import APPOINTMENTS
from data.rules import (
    cancel_appointment,
    check_time,
    create,
    free_times,
    move_appointment,
    taken,
)
from data.store import IdempotencyRecord, Store
from tools.arguments import (
    NAME_LIMIT,
    NOTES_LIMIT,
    TEXT_LIMIT,
    Argument,
    Arguments,
    Email,
    FullName,
    RecordId,
    short_text,
    text,
)
from tools.confirmation import Plan, fingerprint, next_of, require_room
from tools.doctors import doctor_on_record
from tools.errors import NeedsInput, Refused
from tools.identity import Proof
from tools.tool import Label, Result, ToolContext, tool
from tools.wording import APPOINTMENT_STATUS, APPOINTMENT_TYPE

WHOSE_NAME = "¿Me decís el nombre y apellido completos del paciente?"
_TYPES = {
    AppointmentType.CONSULTATION: ("consultation", "consulta", "primera consulta", "consulta general", "primera vez"),
    AppointmentType.FOLLOW_UP: ("follow-up", "follow up", "followup", "seguimiento", "control de seguimiento"),
    AppointmentType.EMERGENCY: ("emergency", "emergencia", "urgencia", "urgente", "guardia"),
    AppointmentType.ROUTINE: ("routine", "rutina", "control", "control de rutina", "chequeo", "chequeo general"),
}
_TYPE_BY_WORD = {word: type_ for type_, words in _TYPES.items() for word in words}
_BEFORE_TYPE = re.compile(r"(?:es |para |por )*(?:una? |el |la |de )?")


def _type(value: Any) -> AppointmentType:
    said = "consultation" if value in (None, "") else plain(short_text(value, 40)).strip(" .")
    word = _BEFORE_TYPE.sub("", said, count=1)
    if word not in _TYPE_BY_WORD:
        raise ValueError("not a type of appointment")
    return _TYPE_BY_WORD[word]


def _duration(value: Any) -> int:
    if value in (None, ""):
        return 30
    minutes = minutes_of(short_text(value, DURATION_LENGTH))
    if minutes is None:
        raise ValueError("not a duration")
    return minutes


Duration = Annotated[int, BeforeValidator(_duration)]  # in minutes


class AppointmentProof(Arguments):
    """An appointment, and what is said to prove whose it is."""

    appointment_id: Annotated[RecordId, Argument("ID de la cita", ask="¿Cuál es el número de la cita?", example="1")]
    patient_name: Annotated[
        str | None,
        text(NAME_LIMIT),
        Argument("Nombre completo del paciente", ask=WHOSE_NAME, example="María González", required=True),
    ] = None

    async def proven(self, call: ToolContext) -> Appointment:
        """The appointment, once the caller has given the patient's full name. Raise Refused or NeedsInput."""
        return await call.identity.record(APPOINTMENTS, self.appointment_id, Proof(self.patient_name))


class Move(AppointmentProof):
    new_date: Annotated[
        str | None, text(TEXT_LIMIT), Argument("Nueva fecha (opcional)", ask="¿Para qué día?", example="viernes")
    ] = None
    new_time: Annotated[
        str | None, text(TEXT_LIMIT), Argument("Nueva hora (opcional)", ask="¿A qué hora?", example="15:00")
    ] = None


class NewAppointment(Arguments):
    patient_name: Annotated[
        FullName, Argument("Nombre completo del paciente", ask=WHOSE_NAME, example="María González")
    ]
    patient_email: Annotated[
        Email,
        Argument("Email del paciente", ask="¿Cuál es el correo electrónico del paciente?", example="maria@email.com"),
    ]
    doctor_name: Annotated[
        str,
        text(NAME_LIMIT),
        Argument("Nombre del doctor", ask="¿Con qué profesional querés el turno?", example="doctora López"),
    ]
    date: Annotated[
        str,
        text(TEXT_LIMIT),
        Argument("Fecha y hora de la cita (ISO format)", ask="¿Para qué día y a qué hora?", example="mañana a las 10"),
    ]
    duration: Annotated[
        Duration,
        Argument("Duración en minutos", ask="¿De cuántos minutos es la cita?", example=30, schema={"type": "integer"}),
    ] = 30
    type: Annotated[
        AppointmentType,
        BeforeValidator(_type),
        Argument(
            "Tipo de cita (consultation, follow-up, emergency, routine)",
            ask="¿Es una consulta, un seguimiento, una urgencia o un control de rutina?",
            example="seguimiento",
            schema={"enum": [each.value for each in AppointmentType]},
        ),
    ] = AppointmentType.CONSULTATION
    notes: Annotated[
        str | None,
        text(NOTES_LIMIT),
        Argument("Notas adicionales", ask="¿Me lo decís más corto?", example="Rodilla"),
    ] = None


@tool(
    "agendarTurno",
    "Agendar una nueva cita médica",
    label=Label(es="Agendar un turno", en="Book an appointment"),
    proves=False,
    writes=True,
)
async def book(call: ToolContext, wanted: NewAppointment) -> Plan | Result:
    """The plan, or the result if this very call has made this very booking already."""
    doctor = await doctor_on_record(call.store, wanted.doctor_name)
    facts = await call.store.facts()
    wanted = _of_usual_length(wanted, facts.doctor(doctor))
    start = parse_when(wanted.date, call.clock())
    check_time(start, wanted.duration, call.clock(), facts, doctor)
    draft = _draft(wanted, doctor, start)
    intent = fingerprint(
        call.tool,
        plain(draft.patient_name),
        draft.patient_email,
        doctor,
        to_iso(start),
        draft.duration,
        draft.type,
        plain(draft.notes),
    )
    receipts = await call.store.receipts(call.call_id)
    agreed, before = next_of(intent, receipts)
    if await taken(call.store, doctor, start, draft.duration):
        if before and await _stands(call.store, before, start):
            return dict(before.result)
        raise await _slot_refusal(call, draft)
    require_room(call.tool, receipts)

    async def carry_out(tool_use_id: str) -> Result:
        def build(appointment_id: str) -> tuple[Record, IdempotencyRecord]:
            result = _booked(appointment_id, draft, call.clock())
            idempotency = call.receipt(tool_use_id, agreed, result)
            return replace(draft, id=appointment_id), idempotency

        _, done = await _unless_taken(call, draft, create(call.store, Appointment, build))
        return dict(done.result) if done else {}

    proposal = (
        f"Agendar para {draft.patient_name}, correo {spelled(draft.patient_email)}, una cita de"
        f" {APPOINTMENT_TYPE[draft.type]} de {draft.duration} minutos, {_told(draft, call.clock())}."
    )
    if twin := await _at_the_same_time(call.store, receipts, draft):
        other = f"la cita {twin.id}, {_told(twin, call.clock())}"
        proposal = f"{draft.patient_name} ya tiene a esa hora {other}. {proposal}"
    return Plan(agreed, proposal, carry_out, BOOKING, AN_APPOINTMENT)


@tool(
    "cancelarTurno",
    "Cancelar una cita médica existente. Se requiere verificación de identidad con nombre del paciente.",
    label=Label(es="Cancelar un turno", en="Cancel an appointment"),
    describe={"appointmentId": "ID de la cita a cancelar"},
    proves=True,
    writes=True,
)
async def cancel(call: ToolContext, said: AppointmentProof) -> Plan:
    appointment = await said.proven(call)
    change = cancel_appointment(appointment)
    agreed = fingerprint(call.tool, appointment.id, appointment.version)
    result = {
        "success": True,
        "message": f"Cita #{appointment.id} cancelada exitosamente",
        "speak": f"Listo, cancelé la cita {appointment.id}.",
        "appointmentId": appointment.id,
    }

    async def carry_out(tool_use_id: str) -> Result:
        return await call.commit(change, tool_use_id, agreed, result)

    told = f"Cancelar la cita {appointment.id}, {_told(appointment, call.clock())}."
    return Plan(agreed, told, carry_out, CANCELLING, AN_APPOINTMENT)


@tool(
    "modificarTurno",
    "Modificar la fecha u hora de una cita médica. Se requiere verificación de identidad con nombre del paciente.",
    label=Label(es="Mover un turno", en="Move an appointment"),
    describe={"appointmentId": "ID de la cita a modificar"},
    proves=True,
    writes=True,
)
async def move(call: ToolContext, wanted: Move) -> Plan:
    appointment = await wanted.proven(call)
    if wanted.new_date is None and wanted.new_time is None:
        raise NeedsInput("new_date_needed", "¿Para qué día y a qué hora la querés pasar?")
    now = call.clock()
    moved = replace(appointment, start=parse_move(wanted.new_date, wanted.new_time, appointment.start, now))
    change = move_appointment(appointment, moved.start, now, await call.store.facts())
    if await taken(call.store, moved.doctor_name, moved.start, moved.duration, moved.id):
        raise await _slot_refusal(call, moved)
    agreed = fingerprint(call.tool, appointment.id, appointment.version, to_iso(moved.start))
    result = {
        "success": True,
        "message": f"Cita #{appointment.id} modificada exitosamente",
        "speak": f"Listo, la cita {appointment.id} quedó para el {day_and_time(moved.start)}.",
        "appointmentId": appointment.id,
        "newDate": local_iso(moved.start),
    }

    async def carry_out(tool_use_id: str) -> Result:
        return await _unless_taken(call, moved, call.commit(change, tool_use_id, agreed, result))

    proposal = f"Pasar la cita {appointment.id}, {_told(appointment, now)}, al {day_and_time(moved.start, now)}."
    return Plan(agreed, proposal, carry_out, MOVING, AN_APPOINTMENT)


@tool(
    "consultarTurno",
    "Consultar los detalles de una cita médica. Se requiere verificación de identidad con nombre del paciente.",
    label=Label(es="Consultar un turno", en="Look up an appointment"),
    describe={"appointmentId": "ID de la cita a consultar"},
    proves=True,
    writes=False,
)
async def look_up(call: ToolContext, said: AppointmentProof) -> Result:
    appointment = await said.proven(call)
    told = f"La cita {appointment.id} es el {day_and_time(appointment.start, call.clock())}"
    return {
        "success": True,
        "appointment": shown(appointment),
        "message": f"{told} y está {APPOINTMENT_STATUS[appointment.status]}.",
    }


def _of_usual_length(wanted: NewAppointment, doctor: Doctor | None) -> NewAppointment:
    """As long as the doctor's appointments usually are, where the caller did not say."""
    if "duration" in wanted.model_fields_set or doctor is None or not doctor.slot_minutes:
        return wanted
    return wanted.model_copy(update={"duration": doctor.slot_minutes[0]})


async def _stands(store: Store, booking: IdempotencyRecord, start: datetime) -> bool:
    """True if this call's own booking holds that time: its answer may have been lost on the way."""
    appointment = await store.appointment(str(booking.result["appointmentId"]))
    return appointment is not None and appointment.is_active and appointment.start == start


async def _at_the_same_time(
    store: Store, receipts: Sequence[IdempotencyRecord], draft: Appointment
) -> Appointment | None:
    """The appointment that this call has made for the same patient in the same time, with another doctor. Those of
    other calls are not told: whoever books has proven nothing, and would learn when somebody sees a doctor."""
    for receipt in receipts:
        made = await store.appointment(str(receipt.result.get("appointmentId", "")))
        if made and plain(made.patient_name) == plain(draft.patient_name) and made.slots & draft.slots:
            return made
    return None


async def _unless_taken[T](call: ToolContext, wanted: Appointment, write: Awaitable[T]) -> T:
    try:
        return await write
    except SlotTaken:
        refusal = await _slot_refusal(call, wanted)
    raise refusal


async def _slot_refusal(call: ToolContext, wanted: Appointment) -> Refused:
    free = await free_times(call.store, wanted.doctor_name, wanted.start, wanted.duration, call.clock())
    said = "Ese horario ya está ocupado."
    if free:
        times = listed([day_and_time(time, call.clock()) for time in free], "o")
        said += f" Con {wanted.doctor_name} tengo libre el {times}."
    return Refused("slot_taken", said, alternatives=[local_iso(time) for time in free])


def _draft(wanted: NewAppointment, doctor: str, start: datetime) -> Appointment:
    return Appointment(
        id="",
        patient_name=wanted.patient_name,
        patient_email=wanted.patient_email,
        doctor_name=doctor,
        start=start,
        duration=wanted.duration,
        type=wanted.type,
        notes=wanted.notes or "",
    )


def _booked(appointment_id: str, draft: Appointment, now: datetime) -> Result:
    return {
        "success": True,
        "message": f"Cita #{appointment_id} agendada exitosamente",
        "speak": f"Listo, la cita {appointment_id} quedó para {_told(draft, now)}.",
        "appointmentId": appointment_id,
        "date": local_iso(draft.start),
        "doctorName": draft.doctor_name,
    }


def shown(appointment: Appointment) -> Result:
    """The original's fields but the notes: they are medical, and a name is all that the caller has proven."""
    return {
        "id": appointment.id,
        "patientName": clean(appointment.patient_name, NAME_LIMIT),
        "patientEmail": clean(appointment.patient_email, TEXT_LIMIT),
        "doctorName": clean(appointment.doctor_name, NAME_LIMIT),
        "date": local_iso(appointment.start),
        "status": appointment.status.value,
        "type": appointment.type.value,
        "duration": appointment.duration,
    }


def _told(appointment: Appointment, now: datetime) -> str:
    return f"el {day_and_time(appointment.start, now)} con {clean(appointment.doctor_name, NAME_LIMIT)}"
