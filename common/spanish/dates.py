"""Spanish dates and times of day, as a model passes them on: "el viernes que viene a las tres y media de la tarde".

Two tables say it all: `_DAYS` and `_TIMES`, patterns over plain text (lower case, no accents, number words as
digits) and what they mean. Every word must be accounted for and every day named must be the same day; what is
left unclear, missing or past comes back as a question (`Unclear`), never as a guess. All wall-clock times are
those of Buenos Aires, a model's "15:00Z" among them: callers speak of their own clock, and models write the Z out of
habit. A real offset ("-03:00", "+00:00") is kept to.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
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
LONGEST = 200  # characters of what is read
_FILLERS = frozenset(
    ("el", "la", "los", "las", "de", "del", "para", "dia", "a", "al", "en", "por", "y", "es", "que", "este",
     "esta", "fecha", "hora", "turno", "cita", "|", "@", "~")
)  # fmt: skip

_WEEKDAY = {plain(name): number for number, name in enumerate(WEEKDAYS)}
_MONTH = {plain(name): number for number, name in enumerate(MONTHS, 1)} | {"setiembre": 9}
# As they are written; "mar" is either, and stands for the month after a number only.
_SHORT_WEEKDAY = {name[:3]: number for name, number in _WEEKDAY.items() if name[:3] != "mar"}
_SHORT_MONTH = {name[:3]: number for name, number in _MONTH.items() if name[:3] != "mar"} | {"sept": 9}

# What can only be answered with a question, whatever else is said.
_QUESTIONS = tuple(
    (re.compile(pattern), code, sentence)
    for pattern, code, sentence in (
        (
            r"\b(?:ayer|anteayer|antes de ayer|(?:semana|mes|ano) pasad[oa]|pasad[oa] (?:semana|mes)"
            rf"|(?:{'|'.join(_WEEKDAY)}) pasado)\b(?! manana)",
            "past_date", "Esa fecha ya pasó. ¿Qué día y a qué hora te sirve?",
        ),
        (
            r"\b(?:cerca|alrededor|despues|antes|a partir|pasadas|entre|desde|hasta|hacia) (?:de )?(?:las? )?\d",
            "time_needed", "¿A qué hora exactamente?",
        ),
        (
            r"\b(?:primera|ultima|cualquier) hora\b|\btemprano\b|\btempranito\b",
            "time_needed", "¿A qué hora te viene bien, por ejemplo a las nueve?",
        ),
        (r"\b(?:fin de semana|finde)\b", "date_ambiguous", "¿Qué día del fin de semana, y a qué hora?"),
        (r"\bfin(?:es)? de(?:l)? (?:mes|ano)\b|\bfin de este mes\b", "date_ambiguous", "¿Qué día, con número?"),
    )
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
    if len(text) > LONGEST:
        _unclear()
    said = _Said(numerals(_expand(text)))
    for pattern, code, sentence in _QUESTIONS:
        if pattern.search(said.rest):
            raise Unclear(code, sentence)
    at = _time_of_day(said)
    day = _day(said, today)
    if not said.is_done:
        _unclear(day is not None, at is not None)
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


def _unclear(has_day: bool = False, has_time: bool = False) -> NoReturn:
    """Ask for what was not understood, so that the question helps."""
    if has_day and not has_time:
        raise Unclear("date_unclear", "No entendí bien la hora. ¿A qué hora, por ejemplo a las diez y media?")
    if has_time and not has_day:
        raise Unclear("date_unclear", "No entendí bien el día. ¿Me lo decís con número y mes, como tres de diciembre?")
    raise Unclear("date_unclear", "No entendí bien la fecha. ¿Me la decís con día, mes y hora?")


def _iso(text: str) -> Moment | None:
    """Whole ISO texts: a date, a time, or both; without an offset, or with a Z, it is Buenos Aires."""
    stripped = re.sub(r"(?<=\d) ?Z$", "", plain(text[: LONGEST + 1]).upper())
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", stripped):
        return Moment(_calendar(lambda: date.fromisoformat(stripped)), None)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([+-]\d{2}:?\d{2})?", stripped):
        return None
    moment = _calendar(lambda: datetime.fromisoformat(stripped))
    local = _calendar(lambda: moment.astimezone(BUENOS_AIRES)) if moment.tzinfo else moment
    return Moment(local.date(), local.time().replace(second=0, microsecond=0))


def _calendar[T](make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, OverflowError) as error:
        raise Unclear("no_such_date", "Esa fecha no existe. ¿Me la repetís?") from error


_ORDINAL = r"(?:°|o|ro|ero|er|do|to|mo|vo|no)"
_EXPANDED = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"\b([ap])\. ?m\b\.?", r"\1m"),
        (r"\b(\d{4})/(\d{2})/(\d{2})\b", r"\1-\2-\3"),
        (r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b", r"\1/\2/\3"),
        (r"\bde (?:aca|aqui) a\b", "en"),
        (r"\b(tarde|noche)cita\b", r"\1"),
        (r"\b(\d{1,2})h(\d{2})\b", r"\1:\2"),
        (r"\b(\d{1,2}:\d{2}(?::\d{2})?) ?z\b", r"\1"),
        (r"(?<=\d)(hs?|horas?|am|pm)\b\.?", r" \1"),
        (rf"\b(\d{{1,2}}){_ORDINAL}(?![\w°])", r"\1"),
        (r"\bprimero\b", "1"),
        (rf"\b({'|'.join(_SHORT_MONTH)})\b\.?", lambda found: MONTHS[_SHORT_MONTH[found[1]] - 1]),
        (rf"\b({'|'.join(_SHORT_WEEKDAY)})\b\.?", lambda found: plain(WEEKDAYS[_SHORT_WEEKDAY[found[1]]])),
        (r"(?<=\d )mar\b\.?|(?<=\d de )mar\b\.?|(?<=\d[-/])mar\b\.?", "marzo"),
        (r"\bmar\b\.?", "martes"),
        (r"(?<=\d)[-/](?=[a-z])|(?<=[a-z])[-/](?=\d)", " "),
        (r"[,;!?¿¡]|\.(?= |$)", " "),
        (r"\b(?:a eso de|tipo|sobre|como a|mas o menos a) (?:las? )?(?=\S)", "a las "),
        (r"\b(?:mas o menos|aproximadamente|aprox|en punto)\b", " "),
    )
)


def _expand(text: str) -> str:
    """Forms that would hide words, in plain ones: "a.m.", "10hs", "1º", "3 de dic.", "tipo 10"."""
    said = plain(text)
    for pattern, written in _EXPANDED:
        said = pattern.sub(written, said)
    return " ".join(said.split())


class _Said:
    """Text from which what was understood is taken away, each time leaving a mark in its place."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def take(self, pattern: re.Pattern[str], mark: str = "|") -> re.Match[str] | None:
        if match := pattern.search(self.rest):
            left = f"{self.rest[: match.start()]} {mark} {self.rest[match.end() :]}"
            self.rest = " ".join(left.split())
        return match

    @property
    def is_done(self) -> bool:
        return all(word in _FILLERS for word in self.rest.split())


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
        rf"(?<!\bel )(?<!\bdia )\b(?P<hour>\d{{1,2}}){_MINUTES}(?= ~)",  # not "el 24 a la mañana"
        rf"\b(?P<hour>\d{{1,2}}){_MINUTES}(?= (?:hs?|horas?|am|pm)\b)",
        r"\b(?P<hour>\d{1,2}) y (?P<plus>media|cuarto)",
        r"(?<!de )\b(?P<hour>[89]|1\d|2[0-3]) (?P<minute>[0-5][05])$",
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

_NEXT_WEEK = r"semana que viene|proxima semana|semana proxima|otra semana|semana siguiente"
_WEEKDAY_SAID = re.compile(
    rf"(?:\b(?P<before>(?:la|de la) (?:{_NEXT_WEEK})|esta semana) (?:el )?)?"
    rf"\b(?:(?P<next>proximo|otro) )?(?P<day>{'|'.join(_WEEKDAY)})\b"
    rf"(?: (?P<coming>que viene|proximo)\b| de la (?P<week>{_NEXT_WEEK})\b| de (?P<this>esta semana)\b)?"
    r"(?: en (?P<later>8|15)\b(?! de))?"
)
_UNIT_DAYS = {"dia": 1, "semana": 7}
_LAST_DAY = 31
_IDIOM_DAYS = {"8": 7, "15": 14}


def _later(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=int(match[1]) * _UNIT_DAYS[match[2]])


def _months_later(match: re.Match[str], today: date) -> date:
    months = today.month - 1 + int(match[1])
    return today.replace(year=today.year + months // 12, month=months % 12 + 1)


def _from_day_on(match: re.Match[str], today: date) -> date:
    """ "De hoy en ocho" is a week, "en quince" two: both ends are counted."""
    return today + timedelta(days=(match[1] == "manana") + _IDIOM_DAYS[match[2]])


def _in_month(match: re.Match[str], today: date) -> date:
    ahead = "este" not in match[2]
    months = today.month - 1 + ahead
    return date(today.year + months // 12, months % 12 + 1, int(match[1]))


def _iso_date(match: re.Match[str], today: date) -> date:
    return date.fromisoformat(match[0])


def _numeric(match: re.Match[str], today: date) -> date:
    return _dated(int(match[1]), int(match[2]), match[3], today)


def _month_named(match: re.Match[str], today: date) -> date:
    return _dated(int(match[1]), _MONTH[match[2]], match[3], today)


def _month_first(match: re.Match[str], today: date) -> date:
    return _dated(int(match[2]), _MONTH[match[1]], match[3], today)


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
    """This month's, if it is still to come; "el 31" in a month of 30 is asked about like one that is past."""
    number = int(match[1])
    if 0 < number < today.day or monthrange(today.year, today.month)[1] < number <= _LAST_DAY:
        raise Unclear("date_ambiguous", f"¿El {'primero' if number == 1 else number} de qué mes?")
    return today.replace(day=number)


def _weekday_of_month(weekday: int, match: re.Match[str], today: date) -> date:
    """ "Martes primero" is next month's, where this month's is past."""
    number, months = int(match[1]), today.month
    following = date(today.year + months // 12, months % 12 + 1, 1)
    if number < today.day and number and following.replace(day=number).weekday() == weekday:
        return following.replace(day=number)
    return _day_of_month(match, today)


_MONTHS = "|".join(_MONTH)
_YEAR = r"(?: (?:del? )?(?:ano )?(\d{4}))?(?!\d)"
_DAYS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date]], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"\b\d{4}-\d{2}-\d{2}\b", _iso_date),
        (r"\b(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}|\d{2}))?\b", _numeric),
        (rf"\b(\d{{1,2}}) (?:de )?({_MONTHS})\b{_YEAR}", _month_named),
        (rf"\b({_MONTHS}) (\d{{1,2}})\b(?![:.]\d){_YEAR}", _month_first),
        (rf"\b(\d{{1,2}}) del (\d{{1,2}})\b{_YEAR}", _numeric),
        (r"\b(\d{1,2}) de(?:l)? (mes que viene|proximo mes|mes proximo|este mes)\b", _in_month),
        (r"\b(?:de )?(hoy|manana) en (8|15)\b(?! dias)", _from_day_on),
        (r"\bpasado(?: manana)?\b", lambda match, today: today + timedelta(days=2)),
        (r"\bmanana(?: mismo)?\b", lambda match, today: today + timedelta(days=1)),
        (r"\bhoy(?: mismo)?\b", lambda match, today: today),
        (r"\b(?:en|dentro de) (\d{1,3}) (dia|semana)s?\b", _later),
        (r"\b(?:en|dentro de) (\d{1,2}) mes(?:es)?\b", _months_later),
        (r"\b(?:el|dia) (\d{1,2})\b(?![:.]\d)", _day_of_month),
    )
)
_NUMBER_BESIDE = re.compile(rf"@(?: @)? (?:dia )?(\d{{1,2}})\b(?![:./-]\d| (?:del?|{_MONTHS})\b)")
_SPANS = tuple(
    (re.compile(pattern), f"¿Qué día {named}?")
    for pattern, named in (
        (rf"\b(?:{_NEXT_WEEK})\b", "de la semana que viene"),
        (r"\besta semana\b", "de esta semana"),
        (r"\b(?:mes que viene|proximo mes|mes proximo)\b", "del mes que viene"),
        (r"\beste mes\b", "de este mes"),
    )
)


def _day(said: _Said, today: date) -> date | None:
    """The one day that is named, in as many ways as it is named: "mañana jueves", "el viernes 27"."""
    weekday = said.take(_WEEKDAY_SAID, "@")
    days: set[date] = set()
    if weekday and (number := said.take(_NUMBER_BESIDE)):
        days.add(_calendar(lambda: _weekday_of_month(_WEEKDAY[weekday["day"]], number, today)))
    for pattern, meaning in _DAYS:
        while match := said.take(pattern):
            days.add(_calendar(lambda match=match, meaning=meaning: meaning(match, today)))  # type: ignore[misc]
    if len(days) > 1:
        _unclear()
    day = days.pop() if days else None
    if weekday is None:
        for pattern, question in _SPANS:
            if day is None and pattern.search(said.rest):
                raise Unclear("date_ambiguous", question)
        return day
    if day is None:
        return _calendar(lambda: _coming(weekday, today))
    if day.weekday() != _WEEKDAY[weekday["day"]]:
        real = f"El {day.day} de {MONTHS[day.month - 1]} es {WEEKDAYS[day.weekday()]}"
        raise Unclear("date_mismatch", f"{real}. ¿Qué día te sirve?")
    return day


def _coming(said: re.Match[str], today: date) -> date:
    """ "El viernes (que viene)" is the first one after today; "de la semana que viene" counts from its Monday.

    "El viernes en ocho" is a week after it.
    """
    wanted = _WEEKDAY[said["day"]]
    ahead = (wanted - today.weekday()) % 7
    if said["next"] == "otro":
        first = today + timedelta(days=ahead or 7)
        second = first + timedelta(days=7)
        days = f"{first.day} de {MONTHS[first.month - 1]} o el {second.day} de {MONTHS[second.month - 1]}"
        raise Unclear("date_ambiguous", f"¿El {WEEKDAYS[wanted]} {days}?")
    monday = today - timedelta(days=today.weekday())
    before = said["before"] or ""
    if said["this"] or before == "esta semana":
        return monday + timedelta(days=wanted)
    if said["week"] or before:
        return monday + timedelta(days=7 + wanted)
    if said["later"]:
        return today + timedelta(days=(ahead or 7) + _IDIOM_DAYS[said["later"]])
    if ahead == 0 and not (said["coming"] or said["next"]):
        raise Unclear("date_ambiguous", f"¿Hoy {WEEKDAYS[wanted]} o el de la semana que viene?")
    return today + timedelta(days=ahead or 7)
