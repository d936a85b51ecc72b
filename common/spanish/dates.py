"""Spanish dates and times of day, as a model passes them on: "el viernes que viene a las tres y media de la tarde".

Two tables say it all: `_DAYS` and `_TIMES`, patterns over plain text (lower case, no accents, number words as
digits) and what they mean. Every word must be accounted for and every day named must be the same day; what is
left unclear, missing or past comes back as a question (`Unclear`), never as a guess. All wall-clock times are
those of Buenos Aires.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NoReturn

from common.spanish.errors import Unclear
from common.spanish.names import plain
from common.spanish.numbers import numerals
from common.spanish.wording import MONTHS, WEEKDAYS
from common.times import BUENOS_AIRES

# "15 de marzo" said in April means next year's; said a few weeks after it, it may be a slip.
_RECENT = timedelta(days=60)
_FILLERS = frozenset(
    ("el", "la", "los", "las", "de", "del", "para", "dia", "a", "al", "en", "por", "y", "es", "que", "este",
     "esta", "fecha", "hora", "turno", "cita", "|", "@", "~")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """What was said: a day, a time of day, or both; Buenos Aires."""

    day: date | None
    time: time | None


def parse_when(text: str, now: datetime) -> datetime:
    """The day and time that the text says, aware. Raises Unclear when one is missing, unclear or past."""
    said = parse_moment(text, now)
    if said.day is None:
        raise Unclear("date_needed", "¿Para qué día?")
    if said.time is None:
        raise Unclear("time_needed", "¿A qué hora?")
    return _future(said.day, said.time, now)


def parse_move(new_date: str | None, new_time: str | None, present: datetime, now: datetime) -> datetime:
    """Where an appointment moves: each of the two may be missing, and then stays as at present.

    A day given without a time keeps the time, a midnight in `new_date` (ISO from a calendar) is no time, and
    `new_time` wins over a time in `new_date`. A full ISO moment in `new_time` alone gives both.
    """
    first = parse_moment(new_date, now) if new_date else Moment(None, None)
    second = parse_moment(_hour_alone(new_time), now) if new_time else Moment(None, None)
    local = present.astimezone(BUENOS_AIRES)
    date_time = None if first.time == time() else first.time
    day = first.day or second.day or local.date()
    return _future(day, second.time or date_time or local.time(), now)


def parse_moment(text: str, now: datetime) -> Moment:
    """What the text says of day and time. Raises Unclear for anything that it cannot account for."""
    today = now.astimezone(BUENOS_AIRES).date()
    if iso := _iso(text):
        return iso
    said = _Said(numerals(_expand(text)))
    at = _time_of_day(said)
    day = _day(said, today)
    said.must_be_done()
    if day is None and at is None:
        _unclear()
    return Moment(day, at)


def _hour_alone(text: str) -> str:
    """Where a time is expected, "15" is an hour."""
    return f"a las {text}" if re.fullmatch(r"\d{1,2}", numerals(text)) else text


def _future(day: date, at: time, now: datetime) -> datetime:
    moment = datetime.combine(day, at, BUENOS_AIRES)
    if moment < now:
        raise Unclear("past_date", "Esa fecha ya pasó. ¿Qué día y a qué hora te sirve?")
    return moment


def _unclear() -> NoReturn:
    raise Unclear("date_unclear", "No entendí bien la fecha. ¿Me la decís con día, mes y hora?")


def _iso(text: str) -> Moment | None:
    """Whole ISO texts: a date, a time, or both; without an offset it is Buenos Aires."""
    stripped = plain(text).upper()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", stripped):
        return Moment(_calendar(lambda: date.fromisoformat(stripped)), None)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?Z|[+-]\d{2}:?\d{2})?", stripped):
        return None
    moment = _calendar(lambda: datetime.fromisoformat(stripped.replace(" Z", "Z")))
    local = _calendar(lambda: moment.astimezone(BUENOS_AIRES)) if moment.tzinfo else moment
    return Moment(local.date(), local.time().replace(second=0, microsecond=0))


def _calendar[T](make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, OverflowError) as error:
        raise Unclear("no_such_date", "Esa fecha no existe. ¿Me la repetís?") from error


def _expand(text: str) -> str:
    """Written forms that would hide words: "a.m.", "10hs", "15:30hs"."""
    spaced = re.sub(r"\b([ap])\. ?m\b\.?", r"\1m", plain(text))
    spaced = re.sub(r"\b(\d{1,2})h(\d{2})\b", r"\1:\2", spaced)
    spaced = re.sub(r"(?<=\d)(hs?|horas?|am|pm)\b\.?", r" \1", spaced)
    return re.sub(r"[,;!?¿¡]|\.(?= |$)", " ", spaced)


class _Said:
    """Text from which what was understood is taken away, each time leaving a mark in its place."""

    def __init__(self, text: str) -> None:
        self._rest = text

    def take(self, pattern: re.Pattern[str], mark: str = "|") -> re.Match[str] | None:
        if match := pattern.search(self._rest):
            left = f"{self._rest[: match.start()]} {mark} {self._rest[match.end() :]}"
            self._rest = " ".join(left.split())
        return match

    def must_be_done(self) -> None:
        if any(word not in _FILLERS for word in self._rest.split()):
            _unclear()


# Times of day.

_PERIODS: dict[str, range] = {  # the hours, on a 24-hour clock, that a part of the day has
    "madrugada": range(0, 7),
    "manana": range(5, 12),
    "mediodia": range(12, 15),
    "tarde": range(12, 21),
    "noche": range(19, 24),
}
_PERIOD = re.compile(r"\b(?:de|por|a|en) la (madrugada|manana|tarde|noche)\b|\b(?:del|al) (mediodia)\b")
_NOON = re.compile(r"\bmediodia\b")

_MINUTES = r"(?: (?:y (?P<plus>media|cuarto|\d{1,2})|menos (?P<minus>cuarto|\d{1,2})))?"
_TAIL = r"(?: minutos?)?(?: en punto)?(?: (?:hs?|horas?))?(?: (?P<half>am|pm))?(?![\w:/])"
_TIMES = tuple(
    re.compile(pattern + _TAIL)
    for pattern in (
        r"(?:\blas? )?\b(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::\d{2})?",
        r"\blas? (?P<hour>\d{1,2}) (?P<minute>[0-5]\d)",
        rf"\blas? (?P<hour>\d{{1,2}}){_MINUTES}",
        rf"\b(?P<hour>\d{{1,2}}){_MINUTES}(?= ~)",
        rf"\b(?P<hour>\d{{1,2}}){_MINUTES}(?= (?:hs?|horas?|am|pm)\b)",
        r"\b(?P<hour>\d{1,2}) y (?P<plus>media|cuarto)",
    )
)


def _time_of_day(said: _Said) -> time | None:
    period = said.take(_PERIOD, "~")
    name = period and (period[1] or period[2])
    for pattern in _TIMES:
        if match := said.take(pattern):
            return _clock(match.groupdict(), _PERIODS[name] if name else None)
    if name == "mediodia" or said.take(_NOON):
        return time(12)
    if name:
        part = "mañana" if name == "manana" else name
        raise Unclear("time_needed", f"¿A qué hora de la {part}?")
    return None


def _clock(groups: dict[str, str | None], period: range | None) -> time:
    if half := groups["half"]:
        period = range(0, 12) if half == "am" else range(12, 24)
    said = groups["hour"] or ""
    minute = _minute(groups)
    hour = int(said) - (minute < 0)
    on_24_hours = groups.get("minute") is not None and len(said) == 2
    return _calendar(lambda: time(_hour_of_day(hour, period, on_24_hours), minute % 60 if minute < 0 else minute))


def _minute(groups: dict[str, str | None]) -> int:
    if minute := groups.get("minute"):
        return int(minute)
    fractions = {"media": 30, "cuarto": 15}
    for name, sign in (("plus", 1), ("minus", -1)):
        if word := groups.get(name):
            return sign * (fractions[word] if word in fractions else int(word))
    return 0


def _hour_of_day(hour: int, period: range | None, on_24_hours: bool) -> int:
    """On a 24-hour clock. "A las 3" alone is asked about; from 8 to 12 it is the morning's, as offices say."""
    if hour > 23:
        raise ValueError("no such hour")
    if period is not None:
        fitting = [candidate for candidate in {hour, (hour + 12) % 24} if candidate in period]
        if len(fitting) != 1:
            _unclear()
        return fitting[0]
    if not on_24_hours and 1 <= hour <= 7:
        article = "la" if hour == 1 else "las"
        raise Unclear("time_ambiguous", f"¿A {article} {hour} de la mañana o de la tarde?")
    return hour


# Days.

_WEEKDAY = {plain(name): number for number, name in enumerate(WEEKDAYS)}
_MONTH = {plain(name): number for number, name in enumerate(MONTHS, 1)} | {"setiembre": 9}
_WEEKDAY_SAID = re.compile(
    rf"\b(?:(?P<next>proximo) )?(?P<day>{'|'.join(_WEEKDAY)})\b"
    r"(?: (?P<coming>que viene|proximo)\b"
    r"| de la (?P<week>semana que viene|proxima semana|semana proxima|otra semana)\b)?"
)
_UNIT_DAYS = {"dia": 1, "semana": 7}


def _later(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=int(match[1]) * _UNIT_DAYS[match[2]])


def _iso_date(match: re.Match[str], today: date) -> date:
    return date.fromisoformat(match[0])


def _numeric(match: re.Match[str], today: date) -> date:
    return _dated(int(match[1]), int(match[2]), match[3], today)


def _month_named(match: re.Match[str], today: date) -> date:
    return _dated(int(match[1]), _MONTH[match[2]], match[3], today)


def _dated(day: int, month: int, year: str | None, today: date) -> date:
    if year:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    if (month, day) == (2, 29) and not isleap(today.year):
        return date(today.year + 1, month, day)
    this_year = date(today.year, month, day)
    if this_year >= today:
        return this_year
    if today - this_year <= _RECENT:
        raise Unclear("past_date", f"El {day} de {MONTHS[month - 1]} ya pasó. ¿Qué día te sirve?")
    return date(today.year + 1, month, day)


def _day_of_month(match: re.Match[str], today: date) -> date:
    day = today.replace(day=int(match[1]))
    if day < today:
        raise Unclear("date_ambiguous", f"¿El {day.day} de qué mes?")
    return day


_DAYS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date]], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"\b\d{4}-\d{2}-\d{2}\b", _iso_date),
        (r"\b(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}|\d{2}))?\b", _numeric),
        (rf"\b(\d{{1,2}}) de ({'|'.join(_MONTH)})(?: del? (?:ano )?(\d{{4}}))?\b", _month_named),
        (r"\bpasado manana\b", lambda match, today: today + timedelta(days=2)),
        (r"\bmanana\b", lambda match, today: today + timedelta(days=1)),
        (r"\bhoy(?: mismo)?\b", lambda match, today: today),
        (r"\b(?:en|dentro de) (\d{1,3}) (dia|semana)s?\b", _later),
        (r"(?:\bel dia|\bel|\bdia|@)(?: @)? (\d{1,2})\b(?![:.]\d)", _day_of_month),
    )
)


def _day(said: _Said, today: date) -> date | None:
    """The one day that is named, in as many ways as it is named: "mañana jueves", "el viernes 27"."""
    weekday = said.take(_WEEKDAY_SAID, "@")
    days: set[date] = set()
    for pattern, meaning in _DAYS:
        while match := said.take(pattern):
            days.add(_calendar(lambda match=match, meaning=meaning: meaning(match, today)))  # type: ignore[misc]
    if len(days) > 1:
        _unclear()
    day = days.pop() if days else None
    if weekday is None:
        return day
    if day is None:
        return _coming(weekday, today)
    if day.weekday() != _WEEKDAY[weekday["day"]]:
        real = f"El {day.day} de {MONTHS[day.month - 1]} es {WEEKDAYS[day.weekday()]}"
        raise Unclear("date_mismatch", f"{real}. ¿Qué día te sirve?")
    return day


def _coming(said: re.Match[str], today: date) -> date:
    """ "El viernes (que viene)" is the first one after today; "de la semana que viene" counts from its Monday."""
    wanted = _WEEKDAY[said["day"]]
    if said["week"]:
        return today + timedelta(days=7 - today.weekday() + wanted)
    ahead = (wanted - today.weekday()) % 7
    if ahead == 0 and not (said["coming"] or said["next"]):
        raise Unclear("date_ambiguous", f"¿Hoy {WEEKDAYS[wanted]} o el de la semana que viene?")
    return today + timedelta(days=ahead or 7)
