"""Looking up, booking, moving and cancelling appointments."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.spanish.dates import parse_move, parse_when
from common.spanish.names import doctor_words, plain
from common.spanish.wording import day_and_time, listed, local_iso
from common.text import clean
from common.times import Clock, to_iso
from data.errors import SlotTaken
from data.models import Appointment, Record
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
    TEXT_LIMIT,
    AppointmentProof,
    Move,
    NewAppointment,
    read,
)
from tools.confirmation import Plan, fingerprint, next_of
from tools.errors import NeedsInput, Refused
from tools.identity import Identity, Proof
from tools.wording import APPOINTMENT_STATUS, APPOINTMENT_TYPE


class AppointmentTools:
    """The appointment tools of one call."""

    def __init__(self, store: Store, identity: Identity, call_id: str, clock: Clock) -> None:
        self._store = store
        self._identity = identity
        self._call_id = call_id
        self._clock = clock

    async def look_up(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        appointment = await self._proven(read(AppointmentProof, arguments))
        said = f"La cita {appointment.id} es el {day_and_time(appointment.start)}"
        return {
            "success": True,
            "appointment": _shown(appointment),
            "message": f"{said} y está {APPOINTMENT_STATUS[appointment.status]}.",
        }

    async def cancel(self, arguments: Mapping[str, Any]) -> Plan:
        appointment = await self._proven(read(AppointmentProof, arguments))
        change = cancel_appointment(appointment)
        agreed = fingerprint("cancelarTurno", appointment.id, appointment.version)
        result = {
            "success": True,
            "message": f"Cita #{appointment.id} cancelada exitosamente",
            "appointmentId": appointment.id,
        }

        async def carry_out(tool_use_id: str) -> dict[str, Any]:
            done = await self._store.commit(change, IdempotencyRecord(self._call_id, tool_use_id, agreed, result))
            return dict(done.result) if done else result

        return Plan(agreed, f"Cancelar la cita {appointment.id}, {_told(appointment)}.", carry_out)

    async def move(self, arguments: Mapping[str, Any]) -> Plan:
        wanted = read(Move, arguments)
        appointment = await self._proven(wanted)
        if wanted.new_date is None and wanted.new_time is None:
            raise NeedsInput("new_date_needed", "¿Para qué día y a qué hora la querés pasar?")
        now = self._clock()
        start = parse_move(wanted.new_date, wanted.new_time, appointment.start, now)
        change = move_appointment(appointment, start, now)
        if await taken(self._store, appointment.doctor_name, start, appointment.duration, appointment.id):
            raise await self._slot_refusal(appointment.doctor_name, start, appointment.duration)
        agreed = fingerprint("modificarTurno", appointment.id, appointment.version, to_iso(start))
        result = {
            "success": True,
            "message": f"Cita #{appointment.id} modificada exitosamente",
            "appointmentId": appointment.id,
            "newDate": local_iso(start),
        }

        async def carry_out(tool_use_id: str) -> dict[str, Any]:
            idempotency = IdempotencyRecord(self._call_id, tool_use_id, agreed, result)
            done = await self._unless_taken(replace(appointment, start=start), self._store.commit(change, idempotency))
            return dict(done.result) if done else result

        proposal = f"Pasar la cita {appointment.id}, {_told(appointment)}, al {day_and_time(start)}."
        return Plan(agreed, proposal, carry_out)

    async def book(self, arguments: Mapping[str, Any]) -> Plan | dict[str, Any]:
        """The plan, or the result if this very call has made this very booking already."""
        self._identity.require_unlocked()
        wanted = read(NewAppointment, arguments)
        doctor = await self._doctor(wanted.doctor_name)
        start = parse_when(wanted.date, self._clock())
        check_time(start, wanted.duration, self._clock())
        draft = _draft(wanted, doctor, start)
        intent = fingerprint(
            "agendarTurno",
            plain(draft.patient_name),
            draft.patient_email,
            doctor,
            to_iso(start),
            draft.duration,
            draft.type,
            plain(draft.notes),
        )
        agreed, before = next_of(intent, await self._store.receipts(self._call_id))
        if await taken(self._store, doctor, start, draft.duration):
            if before and await self._stands(before, start):
                return dict(before.result)
            raise await self._slot_refusal(doctor, start, draft.duration)

        async def carry_out(tool_use_id: str) -> dict[str, Any]:
            def build(appointment_id: str) -> tuple[Record, IdempotencyRecord]:
                result = _booked(appointment_id, draft)
                idempotency = IdempotencyRecord(self._call_id, tool_use_id, agreed, result)
                return replace(draft, id=appointment_id), idempotency

            _, done = await self._unless_taken(draft, create(self._store, Appointment, build))
            return dict(done.result) if done else {}

        proposal = (
            f"Agendar para {draft.patient_name}, correo {draft.patient_email}, una cita de"
            f" {APPOINTMENT_TYPE[draft.type]} de {draft.duration} minutos, {_told(draft)}."
        )
        return Plan(agreed, proposal, carry_out)

    async def _proven(self, said: AppointmentProof) -> Appointment:
        return await self._identity.appointment(said.appointment_id, Proof(said.patient_name))

    async def _doctor(self, said: str) -> str:
        """The doctor's name as it is on record: "el doctor Rodríguez" is enough if there is only one."""
        doctors = await self._store.doctors()
        words = set(doctor_words(said))
        found = [name for name in doctors if words and words <= set(doctor_words(name))]
        if len(found) == 1:
            return found[0]
        if found:
            raise NeedsInput("doctor_ambiguous", f"¿Con {listed(found, 'o')}?")
        if not doctors:
            raise Refused("no_doctors", "En este momento no hay profesionales con agenda abierta.")
        raise Refused("unknown_doctor", f"No tengo a ese profesional. Atienden {listed(doctors)}.")

    async def _stands(self, booking: IdempotencyRecord, start: datetime) -> bool:
        """True if this call's own booking holds that time: its answer may have been lost on the way."""
        appointment = await self._store.appointment(str(booking.result["appointmentId"]))
        return appointment is not None and appointment.is_active and appointment.start == start

    async def _unless_taken[T](self, wanted: Appointment, write: Awaitable[T]) -> T:
        try:
            return await write
        except SlotTaken:
            refusal = await self._slot_refusal(wanted.doctor_name, wanted.start, wanted.duration)
        raise refusal

    async def _slot_refusal(self, doctor: str, start: datetime, duration: int) -> Refused:
        free = await free_times(self._store, doctor, start, duration, self._clock())
        said = "Ese horario ya está ocupado."
        if free:
            said += f" Con {doctor} tengo libre el {listed([day_and_time(time) for time in free], 'o')}."
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


def _booked(appointment_id: str, draft: Appointment) -> dict[str, Any]:
    return {
        "success": True,
        "message": f"Cita #{appointment_id} agendada exitosamente",
        "appointmentId": appointment_id,
        "date": local_iso(draft.start),
        "doctorName": draft.doctor_name,
    }


def _shown(appointment: Appointment) -> dict[str, Any]:
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


def _told(appointment: Appointment) -> str:
    return f"el {day_and_time(appointment.start)} con {clean(appointment.doctor_name, NAME_LIMIT)}"
