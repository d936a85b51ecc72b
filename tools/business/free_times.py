"""When there is room: a doctor's next free times, or those of a speciality, or of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated

from common.spanish.clock import near_times
from common.spanish.spans import Span, parse_span
from common.spanish.wording import listed, local_iso
from data.errors import RuleBroken
from data.facts import Doctor, Facts
from data.models import slots
from data.opening import days_from, moment
from data.rules import MAX_HORIZON, MIN_NOTICE, check_length, doctors, open_times
from data.store import Store
from tools.arguments import BLANK_IS_NONE, NAME_LIMIT, TEXT_LIMIT, Argument, Arguments, text
from tools.business.appointments import Duration
from tools.doctors import MOST_TOLD, NO_DOCTORS, doctor_on_record, spoken_doctor
from tools.errors import NeedsInput, Refused
from tools.tool import Label, Result, ToolContext, tool

MOST_TIMES = 3
MOST_DOCTORS = 12  # whose time is looked through
LOOK_WEEKS = 5
USUAL_MINUTES = 30


class FreeTimes(Arguments):
    doctor_name: Annotated[
        str | None,
        text(NAME_LIMIT),
        Argument("Nombre del profesional (opcional)", ask="¿Con qué profesional?", example="doctora López"),
    ] = None
    speciality: Annotated[
        str | None,
        text(NAME_LIMIT),
        Argument("Especialidad (opcional)", ask="¿De qué especialidad?", example="clínica médica"),
    ] = None
    day: Annotated[
        str | None,
        text(TEXT_LIMIT),
        Argument(
            "Día o días en que puede, como los dijo el cliente: el lunes, la semana que viene a la tarde (opcional)",
            ask="¿Para qué día, o entre qué días?",
            example="la semana que viene a la tarde",
        ),
    ] = None
    duration: Annotated[
        Duration | None,
        BLANK_IS_NONE,
        Argument(
            "Duración en minutos (opcional)",
            ask="¿De cuántos minutos es la cita?",
            example=30,
            schema={"type": "integer"},
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class _Agenda:
    """A doctor's, looked through for appointments of one length."""

    doctor: str  # as on record
    minutes: int


@dataclass(frozen=True, slots=True)
class _FreeTime:
    start: datetime
    agenda: _Agenda


@tool(
    "horariosLibres",
    "Buscar los próximos horarios libres para una cita médica: con un profesional, de una especialidad o con"
    " cualquiera, en los días que el cliente prefiera. Sirve para contestar qué horarios hay, sin verificar identidad.",
    label=Label(es="Buscar horarios libres", en="Find free times"),
    proves=False,
    writes=False,
)
async def find_free_times(call: ToolContext, wanted: FreeTimes) -> Result:
    """The next ones; where the days that were said have none, the next ones after their beginning."""
    now, facts = call.clock(), await call.store.facts()
    span = parse_span(wanted.day or "", now)
    if span.first > (now + MAX_HORIZON).date():
        raise RuleBroken("too_far", "Solo damos turnos dentro del próximo año.")
    agendas = _agendas(await _doctors(call.store, facts, wanted), facts, wanted.duration)
    found = await _free_times(call.store, facts, agendas, span, now)
    said = _told(found, agendas, now)
    if not found:
        found = await _free_times(call.store, facts, agendas, Span(span.first), now)
        said = f"Para ese momento no tengo nada libre. {_told(found, agendas, now)}".strip()
    times = [
        {"doctorName": each.agenda.doctor, "date": local_iso(each.start), "duration": each.agenda.minutes}
        for each in found
    ]
    return {"success": True, "times": times, "message": said}


async def _doctors(store: Store, facts: Facts, wanted: FreeTimes) -> Sequence[str]:
    """Whose time is looked through: the doctor's who was named, else those of the speciality, else all. Raise
    NeedsInput or Refused."""
    if wanted.doctor_name:
        return (await doctor_on_record(store, wanted.doctor_name),)
    known = await doctors(store)
    if not known:
        raise Refused("no_doctors", NO_DOCTORS)
    wanted_ones = [each.name for each in facts.doctors_for(wanted.speciality)] if wanted.speciality else known
    specialities = [*dict.fromkeys(each.speciality for each in facts.doctors if each.speciality)]
    if not wanted_ones and specialities:
        raise Refused("unknown_speciality", f"Esa especialidad no la tenemos. Tenemos {listed(specialities)}.")
    if not 1 <= len(wanted_ones) <= MOST_DOCTORS:
        raise NeedsInput("doctor_needed", f"Atienden {listed(known[:MOST_TOLD])}. ¿Con quién querés el turno?")
    return wanted_ones


def _agendas(names: Sequence[str], facts: Facts, minutes: int | None) -> list[_Agenda]:
    """Of those who give appointments of that length, or else of their usual one. Raise RuleBroken where nobody does."""
    agendas = [_Agenda(doctor, minutes or _usual_minutes(facts.doctor(doctor))) for doctor in names]
    able = [agenda for agenda in agendas if _gives_such(agenda, facts)]
    if not able:
        check_length(agendas[0].minutes, facts, agendas[0].doctor)
    return able


def _usual_minutes(doctor: Doctor | None) -> int:
    return doctor.slot_minutes[0] if doctor and doctor.slot_minutes else USUAL_MINUTES


def _gives_such(agenda: _Agenda, facts: Facts) -> bool:
    try:
        check_length(agenda.minutes, facts, agenda.doctor)
    except RuleBroken:
        return False
    return True


async def _free_times(
    store: Store, facts: Facts, agendas: Sequence[_Agenda], span: Span, now: datetime
) -> list[_FreeTime]:
    """The next `MOST_TIMES`: of one doctor as they come, of several the first of each. What is read is bounded: a week
    of each at a time, and `LOOK_WEEKS` at most."""
    missing = dict.fromkeys(agendas, 1 if len(agendas) > 1 else MOST_TIMES)
    found: list[_FreeTime] = []
    for week in range(LOOK_WEEKS):
        monday = span.first + timedelta(weeks=week)
        if len(found) >= MOST_TIMES or (span.last is not None and monday > span.last):
            break
        for agenda in agendas:
            some = [_FreeTime(start, agenda) for start in await _of_week(store, facts, agenda, span, monday, now)]
            found += some[: missing[agenda]]
            missing[agenda] -= min(len(some), missing[agenda])
    return sorted(found, key=lambda each: each.start)[:MOST_TIMES]


async def _of_week(
    store: Store, facts: Facts, agenda: _Agenda, span: Span, first: date, now: datetime
) -> list[datetime]:
    """The free times of seven days."""
    earliest, latest = now + MIN_NOTICE, now + MAX_HORIZON
    busy = await store.busy(agenda.doctor, moment(first, 0), moment(first + timedelta(weeks=1), 0))
    return [
        start
        for on in days_from(first, 7)
        for start in open_times(facts, agenda.doctor, on, agenda.minutes)
        if earliest <= start <= latest and span.has(start) and slots(start, agenda.minutes).isdisjoint(busy)
    ]


def _told(found: Sequence[_FreeTime], agendas: Sequence[_Agenda], now: datetime) -> str:
    """What is free, in a sentence; empty for nothing."""
    if not found:
        return ""
    if len(agendas) == 1:
        return f"Con {spoken_doctor(agendas[0].doctor)} tengo {near_times([each.start for each in found], now)}."
    said: list[str] = []
    for start, at_once in groupby(found, key=lambda each: each.start):
        first, *others = [f"con {spoken_doctor(each.agenda.doctor)}" for each in at_once]
        said += [f"{near_times([start], now)} {first}", *others]
    return f"Tengo {listed(said, 'o')}."
