"""Stretches of days, as callers say when they could come: "la semana que viene a la tarde", "entre lunes y jueves".

A table says which stretches there are (`_SPANS`); a single day, with its time or without, is read by
`common.spanish.dates`. What cannot be accounted for comes back as a question (`Unclear`). Days and times are those of
Buenos Aires.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from common.spanish.dates import Moment, parse_moment
from common.spanish.errors import Unclear
from common.spanish.names import plain
from common.spanish.numbers import numerals
from common.spanish.wording import MONTHS, WEEKDAYS
from common.times import BUENOS_AIRES


@dataclass(frozen=True, slots=True)
class Span:
    """The days `first` <= day <= `last` (None: from `first` on), those of `weekdays` alone (0 is Monday), and of each
    the times `since` <= time < `until`."""

    first: date
    last: date | None = None
    since: time = time.min
    until: time = time.max
    weekdays: frozenset[int] = frozenset(range(7))

    def has(self, moment: datetime) -> bool:
        local = moment.astimezone(BUENOS_AIRES)
        is_day = self.first <= local.date() and (self.last is None or local.date() <= self.last)
        return is_day and local.weekday() in self.weekdays and self.since <= local.time() < self.until


def parse_span(text: str, now: datetime) -> Span:
    """What the text says; nothing at all is from today on. Raise Unclear for what is past, or no stretch of days."""
    today = now.astimezone(BUENOS_AIRES).date()
    said = _SIGNS.sub(" ", numerals(text))
    part = None if _HOUR.search(said) else _PART.search(said)
    rest = " ".join((_PART.sub(" ", said) if part else said).split())
    span = _days(rest, now, today)
    if part:
        since, until = _PARTS[next(filter(None, part.groups()))]
        span = replace(span, since=since, until=until)
    if span.last is not None and span.last < max(today, span.first):
        raise Unclear("past_date", "Esa fecha ya pasó. ¿Qué día te sirve?")
    return replace(span, first=max(span.first, today))


_SIGNS = re.compile(r"[,;!?¿¡]|\.(?= |$)")
_HOUR = re.compile(r"\blas? \d|\d ?(?:hs?\b|horas?\b|:)")
_PART = re.compile(r"\b(?:de|por|a|en) la (manana|tarde|noche)\b|\b(?:del|al) (mediodia)\b")
_PARTS = {
    "manana": (time.min, time(12)),
    "mediodia": (time(12), time(14)),
    "tarde": (time(13), time(20)),
    "noche": (time(19), time.max),
}

_MONTH = {plain(name): number for number, name in enumerate(MONTHS, 1)} | {"setiembre": 9}
_WEEKDAY = {plain(name): number for number, name in enumerate(WEEKDAYS)}
_WEEKDAY_IN = re.compile("|".join(_WEEKDAY))
_NAMED = rf"(?:{'|'.join(_WEEKDAY)})s?"
_NEXT = r"(?:que viene|proxim[oa]|siguiente)"


def _days(said: str, now: datetime, today: date) -> Span:
    for pattern, meaning in _SPANS:
        if match := pattern.fullmatch(said):
            return meaning(match, now, today)
    moment = parse_moment(said, now)
    since = moment.time or time.min
    return Span(today, None, since) if moment.day is None else Span(moment.day, moment.day, since)


def _from_today(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(today)


def _this_part(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(today, today, *_PARTS[match[1]])


def _this_week(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(today, _monday(today, 1) - timedelta(days=1))


def _next_week(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(_monday(today, 1), _monday(today, 2) - timedelta(days=1))


def _weekend(match: re.Match[str], now: datetime, today: date) -> Span:
    sunday = _monday(today, 1) - timedelta(days=1)
    return Span(sunday - timedelta(days=1), sunday)


def _monday(today: date, weeks: int) -> date:
    return today + timedelta(days=7 * weeks - today.weekday())


def _this_month(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(today, _month(today.year, today.month).last)


def _next_month(match: re.Match[str], now: datetime, today: date) -> Span:
    return _month(today.year + today.month // 12, today.month % 12 + 1)


def _month_named(match: re.Match[str], now: datetime, today: date) -> Span:
    month = _MONTH[match[1]]
    return _month(today.year + (month < today.month), month)


def _month(year: int, month: int) -> Span:
    return Span(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _coming_days(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(today, today + timedelta(days=int(match[1]) * (7 if match[2] == "semana" else 1)))


def _weekdays(match: re.Match[str], now: datetime, today: date) -> Span:
    return Span(today, weekdays=frozenset(_WEEKDAY[name] for name in _WEEKDAY_IN.findall(match[0])))


def _weekdays_from_to(match: re.Match[str], now: datetime, today: date) -> Span:
    first, last = (_WEEKDAY[name] for name in _WEEKDAY_IN.findall(match[0]))
    return Span(today, weekdays=frozenset((first + n) % 7 for n in range((last - first) % 7 + 1)))


def _from(match: re.Match[str], now: datetime, today: date) -> Span:
    said = _moment(match[2], now)
    if said.day is None:
        return Span(today, since=said.time or time.min)
    return Span(said.day + timedelta(days=match[1].startswith("despues")), since=said.time or time.min)


def _up_to(match: re.Match[str], now: datetime, today: date) -> Span:
    said = _moment(match[2], now)
    if said.day is None:
        return Span(today, until=said.time or time.max)
    return Span(today, said.day - timedelta(days=match[1].startswith("antes")))


def _between(match: re.Match[str], now: datetime, today: date) -> Span:
    """A weekday at the end is the first one after the beginning; a bare number at the beginning is of its month."""
    if match[2] in _WEEKDAY:
        first = _day(match[1], now)
        return Span(first, first + timedelta(days=(_WEEKDAY[match[2]] - first.weekday()) % 7))
    last = _day(match[2], now)
    if not re.fullmatch(r"(?:dia )?\d{1,2}", match[1]):
        return Span(_day(match[1], now), last)
    first_day = int(match[1].split()[-1])
    if not 1 <= first_day <= last.day:
        raise Unclear("date_unclear", "¿Desde qué día y hasta qué día?")
    return Span(last.replace(day=first_day), last)


def _day(said: str, now: datetime) -> date:
    day = _moment(said, now).day
    if day is None:
        raise Unclear("date_needed", "¿Qué día?")
    return day


def _moment(said: str, now: datetime) -> Moment:
    return parse_moment(f"el {said}" if said.isdecimal() else said, now)


_SPANS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime, date], Span]], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"", _from_today),
        (r"(?:lo (?:mas )?|cuanto )(?:antes|pronto|primero)(?: posible)?|cuando (?:sea|haya|puedas?)", _from_today),
        (r"cualquier (?:dia|momento|horario|fecha)", _from_today),
        (
            r"(?:el|los|lo) (?:primer|proxim)o?s?(?: (?:turno|horario|dia)s?)?(?: libres?| disponibles?)?",
            _from_today,
        ),
        (r"(?:hoy )?(?:a|en|por)? ?esta (manana|tarde|noche)", _this_part),
        (r"(?:en |de |para |durante )?esta(?: misma)? semana", _this_week),
        (rf"(?:en |de |para |durante )?la (?:proxima semana|otra semana|semana {_NEXT})", _next_week),
        (r"(?:en |para )?(?:el |este )?(?:proximo )?fin de semana(?: que viene)?", _weekend),
        (r"(?:en |de |para |durante )?(?:este|el) mes", _this_month),
        (rf"(?:en |de |para |durante )?el (?:proximo mes|mes {_NEXT})", _next_month),
        (rf"(?:en |de |para |durante )?(?:el mes de )?({'|'.join(_MONTH)})", _month_named),
        (r"(?:en |dentro de )?(?:los|las) proxim[oa]s (\d{1,2}) (dia|semana)s", _coming_days),
        (rf"(?:solo |solamente |todos )?los {_NAMED}(?: (?:y|o)(?: los)? {_NAMED})*", _weekdays),
        (rf"(?:el )?{_NAMED}(?: (?:y|o)(?: el| los)? {_NAMED})+", _weekdays),
        (rf"(?:de |entre ){_NAMED} (?:a|y) {_NAMED}", _weekdays_from_to),
        (r"(?:entre|desde|de) (?:el )?(.+?) (?:y|hasta|a) (?:el )?(.+)", _between),
        (r"(?:desde el|del) (.+?) (?:al|hasta el) (.+)", _between),
        (r"(a partir de|desde|despues de)l? (?:el )?(.+)", _from),
        (r"(hasta|antes de)l? (?:el )?(.+)", _up_to),
    )
)
