"""Spanish dates: a table of what people say, and properties that hold for all of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.dates import parse_moment, parse_move, parse_when
from common.spanish.errors import Unclear
from common.spanish.numbers import spell
from common.spanish.wording import MONTHS, WEEKDAYS, day_and_time
from common.times import BUENOS_AIRES

NOW = datetime(2026, 11, 22, 12, tzinfo=BUENOS_AIRES)  # a Sunday

SAID = [
    ("2026-11-24T10:00:00", "2026-11-24 10:00"),
    ("2026-11-24 10:00", "2026-11-24 10:00"),
    ("2026-11-24T10:00:00Z", "2026-11-24 10:00"),
    ("2026-11-24T10:00:00.000-03:00", "2026-11-24 10:00"),
    ("mañana a las 10", "2026-11-23 10:00"),
    ("MANANA A LAS 10", "2026-11-23 10:00"),
    ("mañana 10:00", "2026-11-23 10:00"),
    ("mañana a las 10hs.", "2026-11-23 10:00"),
    ("mañana a las 10 a.m.", "2026-11-23 10:00"),
    ("mañana a la mañana, a las 9", "2026-11-23 09:00"),
    ("mañana a las nueve de la mañana", "2026-11-23 09:00"),
    ("para mañana a la tarde a las 4", "2026-11-23 16:00"),
    ("pasado mañana a las diez y media", "2026-11-24 10:30"),
    ("hoy a las 18", "2026-11-22 18:00"),
    ("el viernes que viene a las tres y media de la tarde", "2026-11-27 15:30"),
    ("el viernes a las 15:00", "2026-11-27 15:00"),
    ("este viernes a las 15 horas", "2026-11-27 15:00"),
    ("el próximo martes a las once menos cuarto", "2026-11-24 10:45"),
    ("próximo domingo a las 9:15", "2026-11-29 09:15"),
    ("el domingo que viene a las 9 y cuarto", "2026-11-29 09:15"),
    ("el lunes de la semana que viene a las 9", "2026-11-23 09:00"),
    ("el miércoles de la próxima semana a las 9", "2026-11-25 09:00"),
    ("el viernes 27 a las 10", "2026-11-27 10:00"),
    ("viernes 27 de noviembre a las 11", "2026-11-27 11:00"),
    ("viernes 4 de diciembre a las 11", "2026-12-04 11:00"),
    ("mañana lunes a las 9", "2026-11-23 09:00"),
    ("15 de marzo a las 9", "2027-03-15 09:00"),
    ("el quince de marzo de dos mil veintisiete a las nueve de la mañana", "2027-03-15 09:00"),
    ("24/11 15:30hs", "2026-11-24 15:30"),
    ("24/11/2026 a las 8 pm", "2026-11-24 20:00"),
    ("24-11-26 a las 16", "2026-11-24 16:00"),
    ("el día 30 a las 10", "2026-11-30 10:00"),
    ("en tres días a las 16 hs", "2026-11-25 16:00"),
    ("dentro de una semana a las 4 de la tarde", "2026-11-29 16:00"),
    ("el martes al mediodía", "2026-11-24 12:00"),
    ("el martes a las doce del mediodía", "2026-11-24 12:00"),
    ("tres de la tarde del miércoles", "2026-11-25 15:00"),
    ("mañana a las ocho de la noche", "2026-11-23 20:00"),
    ("mañana a las veinte y quince", "2026-11-23 20:15"),
    ("a las 10 del martes", "2026-11-24 10:00"),
    ("martes a las 11 en punto", "2026-11-24 11:00"),
    ("el martes a las 9 15", "2026-11-24 09:15"),
    ("2026-11-24T15:00:00Z", "2026-11-24 15:00"),
    ("2026-11-24T15:00:00.000z", "2026-11-24 15:00"),
    ("2026-11-24T15:00:00+00:00", "2026-11-24 12:00"),
    ("el martes a las 15:00Z", "2026-11-24 15:00"),
    ("el primero de diciembre a las 10", "2026-12-01 10:00"),
    ("1º de diciembre a las 10", "2026-12-01 10:00"),
    ("1° de diciembre a las 10", "2026-12-01 10:00"),
    ("1ro de diciembre a las 10", "2026-12-01 10:00"),
    ("1ero de diciembre 10 hs", "2026-12-01 10:00"),
    ("uno de diciembre a las 10", "2026-12-01 10:00"),
    ("martes primero a las 10", "2026-12-01 10:00"),
    ("el martes día 1 a las 10", "2026-12-01 10:00"),
    ("viernes 4 a las 9", "2026-12-04 09:00"),
    ("diciembre 3 a las 10", "2026-12-03 10:00"),
    ("3 de dic. a las 10", "2026-12-03 10:00"),
    ("3-dic a las 10", "2026-12-03 10:00"),
    ("3 de mar a las 10", "2027-03-03 10:00"),
    ("mar 24/11 10:00", "2026-11-24 10:00"),
    ("jue 3 dic 10hs", "2026-12-03 10:00"),
    ("el tres del doce a las tres de la tarde", "2026-12-03 15:00"),
    ("jueves 3 del 12 a las 10", "2026-12-03 10:00"),
    ("el 3 del mes que viene a las 10", "2026-12-03 10:00"),
    ("el 30 de este mes a las 10", "2026-11-30 10:00"),
    ("mañana a eso de las 10", "2026-11-23 10:00"),
    ("mañana tipo 10", "2026-11-23 10:00"),
    ("mañana tipo diez y media", "2026-11-23 10:30"),
    ("mañana sobre las 10", "2026-11-23 10:00"),
    ("mañana a las 10 más o menos", "2026-11-23 10:00"),
    ("el lunes quince treinta", "2026-11-23 15:30"),
    ("mañana a las veinte y cinco", "2026-11-23 20:05"),
    ("de hoy en ocho a las 10", "2026-11-29 10:00"),
    ("de mañana en ocho a las 10", "2026-11-30 10:00"),
    ("hoy en quince a las 10", "2026-12-06 10:00"),
    ("el lunes en ocho a las 10", "2026-11-30 10:00"),
    ("en quince días a las 10", "2026-12-07 10:00"),
    ("dentro de un mes a las 10", "2026-12-22 10:00"),
    ("pasado a las 10", "2026-11-24 10:00"),
    ("mañana mismo a las 10", "2026-11-23 10:00"),
    ("lunes 7 de diciembre 2026 10:00", "2026-12-07 10:00"),
    ("2026/12/03 10:00", "2026-12-03 10:00"),
    ("03.12.2026 10:00", "2026-12-03 10:00"),
    ("de acá a una semana a las 10", "2026-11-29 10:00"),
    ("el 30 a la mañana a las 9", "2026-11-30 09:00"),
    ("la semana que viene, el jueves a las 15", "2026-11-26 15:00"),
    ("el jueves que viene a las 15", "2026-11-26 15:00"),
    ("el sábado 20 de noviembre de 2027 a las 10:00", "2027-11-20 10:00"),
]

ASKED = [
    ("mañana", "time_needed"),
    ("viernes", "time_needed"),
    ("mañana por la tarde", "time_needed"),
    ("2026-11-24", "time_needed"),
    ("a las 10", "date_needed"),
    ("mañana a las 3", "time_ambiguous"),
    ("el martes a la una", "time_ambiguous"),
    ("mañana 3:30", "time_ambiguous"),
    ("domingo a las 15", "date_ambiguous"),
    ("el 5 a las 10", "date_ambiguous"),
    ("jueves 27 de noviembre a las 11", "date_mismatch"),
    ("mañana jueves a las 9", "date_mismatch"),
    ("hoy a las 10", "past_date"),
    ("el 20 de noviembre a las 10", "past_date"),
    ("2025-07-22T10:00:00", "past_date"),
    ("2026-11-22T11:59:00Z", "past_date"),
    ("30 de febrero a las 10", "no_such_date"),
    ("2026-13-01T10:00", "no_such_date"),
    ("mañana a las 25", "no_such_date"),
    ("mañana a las 10:75", "no_such_date"),
    ("mañana a las 12 de la noche", "date_unclear"),
    ("mañana a las 25 de la tarde", "no_such_date"),
    ("quizás mañana a las 10", "date_unclear"),
    ("mañana o el martes a las 9", "date_mismatch"),
    ("mañana o pasado mañana a las 9", "date_unclear"),
    ("no mañana a las 9", "date_unclear"),
    ("mañana a las 9 o a las 10", "date_unclear"),
    ("cuando puedas", "date_unclear"),
    ("el 31 a las 10", "date_ambiguous"),
    ("el viernes 31 a las 10", "date_ambiguous"),
    ("el 24 a la mañana", "time_needed"),
    ("mañana a la tardecita", "time_needed"),
    ("el 32 a las 10", "no_such_date"),
    ("el 0 a las 10", "no_such_date"),
    ("el 31 de noviembre a las 10", "no_such_date"),
    ("pasado mañana a la tarde", "time_needed"),
    ("mañana a primera hora", "time_needed"),
    ("mañana temprano", "time_needed"),
    ("mañana después de las 10", "time_needed"),
    ("mañana cerca de las 10", "time_needed"),
    ("mañana entre las 10 y las 12", "time_needed"),
    ("la semana que viene a las 10", "date_ambiguous"),
    ("el mes que viene a las 10", "date_ambiguous"),
    ("el otro lunes a las 10", "date_ambiguous"),
    ("el fin de semana a las 10", "date_ambiguous"),
    ("a fin de mes a las 10", "date_ambiguous"),
    ("ayer a las 10", "past_date"),
    ("el viernes pasado a las 10", "past_date"),
    ("la semana pasada a las 10", "past_date"),
    ("9999-12-31T23:59-12:00", "no_such_date"),
    ("0001-01-01T00:00+14:00", "no_such_date"),
    ("0001-01-01T00:00:00", "past_date"),
    ("0000-01-01T00:00:00", "no_such_date"),
    ("1/1/0000 a las 10", "no_such_date"),
    ("mañana a las 10 " * 20, "date_unclear"),
    ("", "date_unclear"),
]


@pytest.mark.parametrize(("text", "meant"), SAID)
def test_what_people_say_is_understood(text: str, meant: str) -> None:
    assert f"{parse_when(text, NOW):%Y-%m-%d %H:%M}" == meant


@pytest.mark.parametrize(("text", "code"), ASKED)
def test_what_is_missing_unclear_or_past_is_asked_about(text: str, code: str) -> None:
    with pytest.raises(Unclear) as asked:
        parse_when(text, NOW)
    assert asked.value.code == code
    assert asked.value.sentence.endswith("?")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("el 31 a las 10", "¿El 31 de qué mes?"),
        ("el primero a las 10", "¿El primero de qué mes?"),
        ("el otro lunes a las 10", "¿El lunes 23 de noviembre o el 30 de noviembre?"),
        ("la semana que viene", "¿Qué día de la semana que viene?"),
        ("mañana a la hora del té", "No entendí bien la hora. ¿A qué hora, por ejemplo a las diez y media?"),
        (
            "el día del arquero a las 10",
            "No entendí bien el día. ¿Me lo decís con número y mes, como tres de diciembre?",
        ),
    ],
)
def test_a_question_asks_for_what_was_not_understood(text: str, sentence: str) -> None:
    with pytest.raises(Unclear) as asked:
        parse_when(text, NOW)
    assert asked.value.sentence == sentence


PRESENT = datetime(2026, 11, 24, 10, tzinfo=BUENOS_AIRES)


@pytest.mark.parametrize(
    ("new_date", "new_time", "meant"),
    [
        ("viernes", None, "2026-11-27 10:00"),
        (None, "15:00", "2026-11-24 15:00"),
        (None, "15", "2026-11-24 15:00"),
        (None, "tres de la tarde", "2026-11-24 15:00"),
        (None, "2026-11-27T16:00:00", "2026-11-27 16:00"),
        ("viernes", "15:00", "2026-11-27 15:00"),
        ("viernes a las 15:00", None, "2026-11-27 15:00"),
        ("2026-11-27T10:00:00", "15:30", "2026-11-27 15:30"),
        ("2026-11-27T00:00:00", None, "2026-11-27 10:00"),
        ("2026-11-27T00:00:00-03:00", "16:00", "2026-11-27 16:00"),
        ("2026-11-27", "2026-11-27T16:00:00-03:00", "2026-11-27 16:00"),
        ("2026-11-27T16:00:00Z", None, "2026-11-27 16:00"),
        ("2026-11-27", "16:00Z", "2026-11-27 16:00"),
        ("el viernes", "tipo 10 y media", "2026-11-27 10:30"),
        ("el viernes", "quince treinta", "2026-11-27 15:30"),
    ],
)
def test_a_move_keeps_what_was_not_said(new_date: str | None, new_time: str | None, meant: str) -> None:
    assert f"{parse_move(new_date, new_time, PRESENT, NOW):%Y-%m-%d %H:%M}" == meant


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=BUENOS_AIRES)
)
AHEAD = st.integers(1, 300)
OFFICE = st.times(time(8), time(19, 59)).map(lambda at: at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0))


@given(now=MOMENTS, days=AHEAD, at=OFFICE)
def test_every_way_of_saying_a_day_and_time_means_the_same(now: datetime, days: int, at: time) -> None:
    day = now.date() + timedelta(days=days)
    meant = datetime.combine(day, at, BUENOS_AIRES)
    weekday, month = WEEKDAYS[day.weekday()], MONTHS[day.month - 1]
    for text in (
        meant.isoformat(),
        meant.astimezone(tz=None).isoformat(),
        f"{day} {at:%H:%M}",
        f"{weekday} {day.day} de {month} de {day.year} a las {at:%H:%M}",
        f"el {day.day} de {month} del {day.year}, {at:%H:%M} hs",
        f"{day:%d/%m/%Y} a las {at:%H:%M}",
        f"en {days} días a las {at:%H:%M}",
        f"el {spell(day.day)} de {month} de {spell(day.year)} a las {at:%H:%M}",
        f"{weekday} {day.day} del {day.month} del {day.year} a las {at:%H:%M}",
        f"{day.day} de {month[:3]}. de {day.year} tipo {at:%H:%M}",
        f"{day}T{at:%H:%M:%S}Z",
    ):
        assert parse_when(text, now) == meant, text


@given(now=MOMENTS, weekday=st.sampled_from(WEEKDAYS), at=OFFICE)
def test_a_coming_weekday_is_that_weekday_within_a_week(now: datetime, weekday: str, at: time) -> None:
    meant = parse_when(f"el {weekday} que viene a las {at:%H:%M}", now)
    assert WEEKDAYS[meant.weekday()] == weekday
    assert timedelta() < meant.date() - now.date() <= timedelta(days=7)


@given(now=MOMENTS, days=AHEAD, at=OFFICE)
def test_what_carlos_reads_back_is_understood_as_what_it_was(now: datetime, days: int, at: time) -> None:
    meant = datetime.combine(now.date() + timedelta(days=days), at, BUENOS_AIRES)
    assert parse_when(day_and_time(meant, now), now) == meant


def test_the_year_is_said_when_it_is_not_this_one() -> None:
    assert day_and_time(datetime(2026, 11, 28, 10, tzinfo=BUENOS_AIRES), NOW) == "sábado 28 de noviembre a las 10:00"
    far = datetime(2027, 11, 20, 10, tzinfo=BUENOS_AIRES)
    assert day_and_time(far, NOW) == "sábado 20 de noviembre de 2027 a las 10:00"
    last_night = datetime.fromisoformat("2027-01-01T02:00:00Z")  # still 2026 in Buenos Aires
    assert day_and_time(last_night, NOW) == "jueves 31 de diciembre a las 23:00"


WORDS = st.sampled_from(
    ("mañana", "pasado", "hoy", "el", "la", "las", "a", "de", "de la", "que viene", "próximo", "lunes", "viernes",
     "domingo", "semana", "en", "10", "3", "31", "27", "y", "media", "cuarto", "menos", "tarde", "noche", "15:00",
     "marzo", "2027-01-05", "/", "dentro de", "días", "am", "pm")
)  # fmt: skip


@given(now=MOMENTS, text=st.lists(WORDS, max_size=9).map(" ".join) | st.text(max_size=60))
def test_anything_else_is_a_future_moment_or_a_question(now: datetime, text: str) -> None:
    understood: datetime | str
    try:
        understood = parse_when(text, now)
    except Unclear as asked:
        understood = asked.sentence
    assert understood.endswith("?") if isinstance(understood, str) else understood >= now


@given(now=MOMENTS, text=st.lists(WORDS, max_size=6).map(" ".join))
def test_a_word_that_is_not_understood_is_never_passed_over(now: datetime, text: str) -> None:
    with pytest.raises(Unclear):
        parse_moment(f"{text} abracadabra", now)


def test_a_leap_day_is_that_of_the_next_leap_year() -> None:
    before = datetime(2027, 10, 1, 12, tzinfo=BUENOS_AIRES)
    assert parse_when("29 de febrero a las 10", before).date() == date(2028, 2, 29)


def test_today_is_that_of_buenos_aires() -> None:
    late = datetime.fromisoformat("2026-11-23T02:00:00Z")  # still Sunday the 22nd there
    assert parse_when("mañana a las 10", late).date() == date(2026, 11, 23)
