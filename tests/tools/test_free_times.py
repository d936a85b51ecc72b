"""When there is room, in the words in which it is asked for and told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from common.times import BUENOS_AIRES, Clock, from_iso
from data.store import Store
from tests.tools.caller import Call
from tools.business.free_times import LOOK_WEEKS, MOST_DOCTORS, MOST_TIMES
from tools.doctors import spoken_doctor

RODRIGUEZ, LOPEZ = "Dr. Carlos Rodríguez", "Dra. Ana López"
FACTS = """
name: Consultorio
hours:
  monday-friday: 9:00-12:30, 16:00-18:00
  saturday-sunday: closed
holidays:
  closed:
    2026-11-27: aniversario
doctors:
  - name: Dr. Carlos Rodríguez
    speciality: cardiología
    days:
      tuesday: 9:00-11:00
      friday: 9:00-18:00
    slot_minutes: [20, 40]
  - name: Dra. Ana López
    speciality: traumatología
  - name: Dr. Julio Paz
    speciality: traumatología
    days:
      monday: 16:00-18:00
"""


@pytest.fixture
async def practice(seeded: Store) -> Store:
    """With hours, days off and slot lengths. It is Monday 23, at noon, and a national holiday."""
    _, version = await seeded.facts_text()
    await seeded.save_facts(FACTS, version)
    return seeded


def starts(answer: dict[str, Any]) -> list[str]:
    return [f"{from_iso(each['date']).astimezone(BUENOS_AIRES):%d %H:%M}" for each in answer["times"]]


@pytest.fixture
def all_taken(seeded: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[datetime, datetime]]]:
    """Fill the time of these doctors until a day; returns what is asked for of their time from then on."""

    def fill(doctors: Collection[str], end: datetime) -> list[tuple[datetime, datetime]]:
        asked: list[tuple[datetime, datetime]] = []
        truly_busy = seeded.busy

        async def busy(doctor: str, since: datetime, until: datetime) -> dict[datetime, str]:
            asked.append((since, until))
            cells = (min(until, end) - since) // timedelta(minutes=5) if doctor in doctors else 0
            filled = {since + timedelta(minutes=5 * n): "1" for n in range(cells)}
            return filled | await truly_busy(doctor, since, until)

        monkeypatch.setattr(seeded, "busy", busy)
        return asked

    return fill


async def test_the_next_times_of_a_doctor_are_told_in_a_sentence(call: Call) -> None:
    answer = await call.use("horariosLibres", doctorName="la doctora López", day="la semana que viene a la tarde")
    assert starts(answer) == ["30 13:00", "30 13:30", "30 14:00"]
    assert answer["times"][0] == {"doctorName": LOPEZ, "date": "2026-11-30T13:00:00-03:00", "duration": 30}
    assert answer["message"] == (
        "Con la doctora López tengo el lunes 30 a la 1 de la tarde, a la 1 y media de la tarde o a las 2 de la tarde."
    )


async def test_without_a_doctor_the_first_time_of_each_is_told(
    call: Call, clock: Clock, all_taken: Callable[..., Any]
) -> None:
    all_taken([RODRIGUEZ], clock() + timedelta(days=3))
    answer = await call.use("horariosLibres")
    assert answer["message"] == (
        "Tengo mañana a las 8 con la doctora López, con el doctor Mendoza o con la doctora Ruiz."
    )


async def test_taken_times_are_passed_over(call: Call) -> None:
    """Appointments 1 and 4 are on Wednesday at 10 and at 11."""
    answer = await call.use("horariosLibres", doctorName=RODRIGUEZ, day="el miércoles a las 10", duration="media hora")
    assert starts(answer) == ["25 10:30", "25 11:30", "25 12:00"]
    answer = await call.use("horariosLibres", doctorName=RODRIGUEZ, day="el miércoles a las 10", duration="una hora")
    assert starts(answer) == ["25 11:30", "25 12:00", "25 12:30"]


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ({"doctorName": "Rodríguez"}, ["24 09:00", "24 09:30", "24 10:00"]),
        ({"doctorName": "Rodríguez", "duration": 40, "day": "el martes a las 10"}, ["24 10:00"]),
        ({"doctorName": "Rodríguez", "day": "después del martes"}, ["01 09:00", "01 09:30", "01 10:00"]),
        ({"speciality": "el cardiólogo"}, ["24 09:00", "24 09:30", "24 10:00"]),
        ({"speciality": "traumatología"}, ["24 09:00", "30 16:00"]),
        ({"doctorName": "López", "day": "al mediodía"}, ["24 12:00", "25 12:00", "26 12:00"]),
        ({"doctorName": "López", "day": "el jueves a la tarde"}, ["26 16:00", "26 16:30", "26 17:00"]),
        ({"doctorName": "Paz", "duration": "dos horas"}, ["30 16:00", "07 16:00", "14 16:00"]),
    ],
)
async def test_free_times_keep_to_hours_holidays_and_the_doctors_days(
    practice: Store, clock: Clock, said: dict[str, Any], times: list[str]
) -> None:
    """Friday 27 is the practice's own holiday, Tuesday 8 of December a national one."""
    assert starts(await Call(practice, clock).use("horariosLibres", **said)) == times


@pytest.mark.parametrize(
    "day", ["", "hoy", "el viernes", "el sábado", "este mes a la mañana", "los martes", "8 de diciembre"]
)
@pytest.mark.parametrize("doctor", ["López", "Rodríguez", "Paz", ""])
async def test_what_is_offered_can_be_booked(practice: Store, clock: Clock, doctor: str, day: str) -> None:
    call = Call(practice, clock)
    answer = await call.use("horariosLibres", doctorName=doctor, day=day)
    assert 1 <= len(answer["times"]) <= MOST_TIMES
    assert all(one["date"] <= other["date"] for one, other in pairwise(answer["times"]))
    for free in answer["times"]:
        booking = await call.use(
            "agendarTurno", patientName="Ana Paz", patientEmail="ana@email.com", date=free["date"],
            doctorName=free["doctorName"], duration=free["duration"],
        )  # fmt: skip
        assert booking.get("confirmation_required"), booking


async def test_where_the_days_that_were_said_have_none_the_next_ones_after_them_are_told(
    practice: Store, clock: Clock
) -> None:
    answer = await Call(practice, clock).use("horariosLibres", doctorName="López", day="el viernes")
    assert answer["message"] == (
        "Para ese momento no tengo nada libre."
        " Con la doctora López tengo el lunes 30 a las 9, a las 9 y media o a las 10."
    )


async def test_a_doctor_without_any_time_left_is_admitted(
    call: Call, clock: Clock, all_taken: Callable[..., Any]
) -> None:
    all_taken([LOPEZ], clock() + timedelta(days=90))
    answer = await call.use("horariosLibres", doctorName="López", day="mañana")
    assert (answer["success"], answer["times"]) == (True, [])
    assert answer["message"] == "Para ese momento no tengo nada libre."


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"doctorName": "doctor House"}, "unknown_doctor"),
        ({"speciality": "astrología"}, "unknown_speciality"),
        ({"doctorName": "López", "duration": 7}, "bad_duration"),
        ({"doctorName": "Rodríguez", "duration": 60}, "bad_duration"),
        ({"day": "ayer"}, "past_date"),
        ({"day": "2026-11-01"}, "past_date"),
        ({"day": "3 de mayo de 2029"}, "too_far"),
        ({"day": "9999-12-31"}, "too_far"),
        ({"day": "a partir del 31/12/9999"}, "too_far"),
    ],
)
async def test_what_cannot_be_looked_for_is_said(
    practice: Store, clock: Clock, said: dict[str, Any], code: str
) -> None:
    answer = await Call(practice, clock).use("horariosLibres", **said)
    assert (answer["success"], answer["code"]) == (False, code)
    assert answer.get("question") or answer.get("error")


async def test_without_specialities_the_doctors_are_named(call: Call, seeded: Store) -> None:
    _, version = await seeded.facts_text()
    await seeded.save_facts("name: Consultorio\n", version)
    answer = await call.use("horariosLibres", speciality="cardiología")
    assert (answer["code"], "Dra. Ana López" in answer["question"]) == ("doctor_needed", True)


async def test_of_many_doctors_one_is_asked_for(call: Call, seeded: Store) -> None:
    _, version = await seeded.facts_text()
    await seeded.save_facts("name: Consultorio\n", version)
    for number in range(MOST_DOCTORS):
        await seeded.add_doctor(f"Dra. Ana Otra{'abcdefghijklmnop'[number]}")
    assert (await call.use("horariosLibres"))["code"] == "doctor_needed"


async def test_what_is_read_is_bounded_however_full_everybody_is(
    call: Call, seeded: Store, clock: Clock, all_taken: Callable[..., list[tuple[datetime, datetime]]]
) -> None:
    asked = all_taken(await seeded.doctors(), clock() + timedelta(days=90))
    assert (await call.use("horariosLibres", day="en diciembre"))["times"] == []
    assert len(asked) <= 2 * LOOK_WEEKS * len(await seeded.doctors())
    assert all(until - since == timedelta(weeks=1) for since, until in asked)


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Dra. Ana López", "la doctora López"), ("Dr. Juan Carlos Paz", "el doctor Juan Carlos Paz"),
        ("Dr. Paz", "el doctor Paz"), ("Ana López", "Ana López"), ("Dra.", "Dra."), ("Lic. Ana Paz", "Lic. Ana Paz"),
    ],
)  # fmt: skip
def test_a_doctor_is_named_as_one_says_it(name: str, spoken: str) -> None:
    assert spoken_doctor(name) == spoken
