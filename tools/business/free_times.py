"""When there is room: a doctor's next free times, or those of a speciality, or of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Annotated

from common.spanish.clock import near_times
from common.spanish.spans import Span, parse_span
from common.spanish.wording import listed, local_iso
from common.times import BUENOS_AIRES
from data.errors import RuleBroken
from data.models import slots
from data.rules import MAX_HORIZON, MIN_NOTICE, check_duration, is_open
from data.store import Store
from tools.arguments import NAME_LIMIT, TEXT_LIMIT, Argument, Arguments, text
from tools.business.appointments import Duration
from tools.doctors import doctor_on_record, spoken_doctor
from tools.errors import NeedsInput, Refused
from tools.tool import Label, Result, ToolContext, tool

MOST_TIMES = 3
MOST_DOCTORS = 12  # whose time is looked through
LOOK_WEEKS = 5
GRID_MINUTES = 30


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
        Duration,
        Argument(
            "Duración en minutos (opcional)",
            ask="¿De cuántos minutos es la cita?",
            example=30,
            schema={"type": "integer"},
        ),
    ] = 30


@dataclass(frozen=True, slots=True, order=True)
class FreeTime:
    start: datetime
    doctor: str  # as on record


@tool(
    "horariosLibres",
    "Buscar los próximos horarios libres para una cita médica: con un profesional, de una especialidad o con"
    " cualquiera, en los días que el cliente prefiera. Sirve para contestar qué horarios hay, sin verificar identidad.",
    label=Label(es="Buscar horarios libres", en="Find free times"),
    proves=False,
    writes=False,
)
async def find_free_times(call: ToolContext, wanted: FreeTimes) -> Result:
    now = call.clock()
    span = parse_span(wanted.day or "", now)
    if span.first > (now + MAX_HORIZON).date():
        raise RuleBroken("too_far", "Solo damos turnos dentro del próximo año.")
    check_duration(wanted.duration)
    doctors = await _doctors(call.store, wanted)
    found = await _free_times(call.store, doctors, span, wanted.duration, now)
    said = _told(found, doctors, now)
    if not found:
        found = await _free_times(call.store, doctors, Span(span.first), wanted.duration, now)
        said = f"Para ese momento no tengo nada libre. {_told(found, doctors, now)}".strip()
    times = [{"doctorName": each.doctor, "date": local_iso(each.start), "duration": wanted.duration} for each in found]
    return {"success": True, "times": times, "message": said}


async def _doctors(store: Store, wanted: FreeTimes) -> Sequence[str]:
    """Whose time is looked through. Raise NeedsInput or Refused."""
    if wanted.doctor_name:
        return (await doctor_on_record(store, wanted.doctor_name),)
    doctors = await store.doctors()
    if not doctors:
        raise Refused("no_doctors", "En este momento no hay profesionales con agenda abierta.")
    if wanted.speciality or len(doctors) > MOST_DOCTORS:
        raise NeedsInput("doctor_needed", f"Atienden {listed(doctors[:MOST_DOCTORS])}. ¿Con quién querés el turno?")
    return doctors


async def _free_times(store: Store, doctors: Sequence[str], span: Span, duration: int, now: datetime) -> list[FreeTime]:
    """The next `MOST_TIMES`, of one doctor as they come, of several the first of each. What is read is bounded: a week
    at a time, and `LOOK_WEEKS` at most."""
    found: list[FreeTime] = []
    each_has = 1 if len(doctors) > 1 else MOST_TIMES
    missing = dict.fromkeys(doctors, each_has)
    for week in range(LOOK_WEEKS):
        first = span.first + timedelta(weeks=week)
        if len(found) >= MOST_TIMES or (span.last is not None and first > span.last):
            break
        for doctor, count in missing.items():
            free = await _of_week(store, doctor, span, first, duration, now)
            some = free[:count]
            missing[doctor] -= len(some)
            found += [FreeTime(start, doctor) for start in some]
    return sorted(found)[:MOST_TIMES]


async def _of_week(store: Store, doctor: str, span: Span, first: date, duration: int, now: datetime) -> list[datetime]:
    since = datetime.combine(first, time.min, BUENOS_AIRES)
    until = since + timedelta(weeks=1)
    busy = await store.busy(doctor, since, until)
    return [
        start
        for start in _starts(since, until)
        if start >= now + MIN_NOTICE
        and span.has(start)
        and is_open(start, duration)
        and slots(start, duration).isdisjoint(busy)
    ]


def _starts(since: datetime, until: datetime) -> Iterator[datetime]:
    step = timedelta(minutes=GRID_MINUTES)
    return (since + step * n for n in range((until - since) // step))


def _told(found: Sequence[FreeTime], doctors: Sequence[str], now: datetime) -> str:
    """What is free, in a sentence; empty for nothing."""
    if not found:
        return ""
    if len(doctors) == 1:
        return f"Con {spoken_doctor(doctors[0])} tengo {near_times([each.start for each in found], now)}."
    said: list[str] = []
    for start, at_once in groupby(found, key=lambda each: each.start):
        first, *others = [f"con {spoken_doctor(each.doctor)}" for each in at_once]
        said += [f"{near_times([start], now)} {first}", *others]
    return f"Tengo {listed(said, 'o')}."
