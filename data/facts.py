"""The facts of a business, as its owner wrote them down (data.facts_file): what Carlos may say and offer.

Everything but the name is optional. A business without products sells what is asked for; one without doctors has
those of its records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from common.spanish.names import doctor_key, plain
from common.times import BUENOS_AIRES
from data.opening import USUAL_WEEK, Day, Holidays, Week, common_hours, days_from, is_within, moment
from data.products import Product, find

SHORTEST_MINUTES, LONGEST_MINUTES = 10, 120  # of an appointment
_LOOK_AHEAD_DAYS = 60
EMERGENCY = "Si es una emergencia, cortá y llamá ya al 107, o al 911."  # SAME's and the police's free numbers


@dataclass(frozen=True, slots=True)
class Doctor:
    name: str  # as on record
    speciality: str | None = None
    days: Week | None = None  # None: whenever the business is open
    off: tuple[tuple[date, date], ...] = ()  # from one day to another, both included
    slot_minutes: tuple[int, ...] = ()  # how long an appointment may be, the usual length first; empty: any length
    plans: tuple[str, ...] = ()  # empty: those of the business
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", doctor_key(self.name))

    def hours_on(self, day: date) -> Day | None:
        """Return the doctor's hours, None for all of the business's."""
        if any(first <= day <= last for first, last in self.off):
            return ()
        return None if self.days is None else self.days[day.weekday()]


@dataclass(frozen=True, slots=True)
class Question:
    asked: tuple[str, ...]  # ways in which it is asked
    answer: str


@dataclass(frozen=True, slots=True)
class Facts:
    name: str
    address: str | None = None
    hours: Week = USUAL_WEEK
    holidays: Holidays = Holidays()
    doctors: tuple[Doctor, ...] = ()
    plans: tuple[str, ...] = ()  # health plans that are taken
    products: tuple[Product, ...] = ()
    delivery: str | None = None  # what callers are told of delivery times
    emergency: str = EMERGENCY
    questions: tuple[Question, ...] = ()

    def is_open(self, start: datetime, minutes: int, doctor: str | None = None) -> bool:
        """Return True if the business, and the doctor where one is named, are there for all of the time."""
        local = start.astimezone(BUENOS_AIRES)
        return is_within(self.hours_on(local.date(), doctor), local, minutes)

    def hours_on(self, day: date, doctor: str | None = None) -> Day:
        """Return the hours of a day in which the business, and the doctor where one is named, are there."""
        hours = self.holidays.hours_on(day, self.hours)
        known = self.doctor(doctor)
        theirs = known.hours_on(day) if known else None
        return hours if theirs is None else common_hours(hours, theirs)

    def next_open(self, after: datetime, minutes: int = 0, doctor: str | None = None) -> datetime | None:
        """Return the first time not before `after` at which `minutes` fit in; None if there is none in 60 days."""
        local = after.astimezone(BUENOS_AIRES)
        return next((start for start in self._openings(local, minutes, doctor)), None)

    def doctor(self, name: str | None) -> Doctor | None:
        """Return what is known of a doctor by the name on record, however it is written."""
        key = doctor_key(name) if name else None
        return next((each for each in self.doctors if each.key == key), None)

    def doctors_for(self, speciality: str) -> tuple[Doctor, ...]:
        """Return the doctors of a speciality: "cardiología", "cardiólogo", "la cardióloga"."""
        wanted = _stems(speciality)
        return tuple(each for each in self.doctors if each.speciality and wanted and wanted <= _stems(each.speciality))

    def product(self, said: str) -> Product | None:
        """Return the product that is meant (data.products), None for none, or for several."""
        return find(self.products, said)

    def _openings(self, after: datetime, minutes: int, doctor: str | None) -> Iterator[datetime]:
        length = timedelta(minutes=minutes)
        for day in days_from(after.date(), _LOOK_AHEAD_DAYS):
            for hours in self.hours_on(day, doctor):
                start = max(moment(day, hours.opens), after)
                if start + length <= moment(day, hours.closes) and start < moment(day, hours.closes):
                    yield start


_NO_SPECIALITY = frozenset(
    ("con", "de", "del", "doctor", "doctora", "el", "en", "especialidad", "especialista", "la", "las", "los", "medica",
     "medico", "para", "un", "una", "y")
)  # fmt: skip
_STEM = 5  # letters that "clínica" and "clínico", "alergia" and "alergóloga" have in common


def _stems(speciality: str) -> frozenset[str]:
    words = plain(speciality[:80]).replace(",", " ").split()
    return frozenset(word[:_STEM] for word in words if word not in _NO_SPECIALITY)
