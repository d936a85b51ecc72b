from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dialogue.dates import read_when, to_iso
from sandbox.dialogue.speech import read_moment, say_date, say_time
from sandbox.dialogue.words import read_words

MONDAY = date(2026, 11, 23)


def when(text: str, *, asked_day: bool = False, asked_hour: bool = False) -> tuple[str | None, str | None]:
    found = read_when(read_words(text), MONDAY, asked_day=asked_day, asked_hour=asked_hour)
    hour = None if found.hour is None else found.hour.isoformat("minutes")
    return (found.day.isoformat() if found.day else None), hour


@pytest.mark.parametrize(
    ("said", "day", "hour"),
    [
        ("mañana a las diez", "2026-11-24", "10:00"),
        ("Pasado mañana, a las cinco de la tarde.", "2026-11-25", "17:00"),
        ("hoy a las 16", "2026-11-23", "16:00"),
        ("el viernes a las tres y media", "2026-11-27", "15:30"),
        ("Para el viernes, a las 3 de la tarde.", "2026-11-27", "15:00"),
        ("el jueves que viene", "2026-11-26", None),
        ("el lunes", "2026-11-30", None),
        ("el martes de la semana que viene a las once menos cuarto", "2026-12-01", "10:45"),
        ("el 15 de marzo a las 9", "2027-03-15", "09:00"),
        ("lunes 15 de marzo a las 9", "2027-03-15", "09:00"),
        ("el primero de diciembre al mediodía", "2026-12-01", "12:00"),
        ("el jueves 26 de noviembre de 2026 a las diez y veinte", "2026-11-26", "10:20"),
        ("25/11 a las 10.30", "2026-11-25", "10:30"),
        ("2026-12-03 a las 15:45", "2026-12-03", "15:45"),
        ("para el 15 a las 3", "2026-12-15", "15:00"),
        ("el día 3 a la una", "2026-12-03", "13:00"),
        ("en tres días a las 15 hs", "2026-11-26", "15:00"),
        ("dentro de una semana", "2026-11-30", None),
        ("el martes a la tarde, a las ocho", "2026-11-24", "20:00"),
        ("mañana a la mañana a las 9", "2026-11-24", "09:00"),
        ("a las veinte y cinco", None, "20:05"),
        ("a las 10 y 20", None, "10:20"),
        ("el lunes 10 de la mañana", "2026-11-30", "10:00"),
        ("29 de febrero", "2028-02-29", None),
        ("mañana martes a las 9", "2026-11-24", "09:00"),
    ],
)
def test_a_day_and_an_hour_are_understood(said: str, day: str | None, hour: str | None) -> None:
    assert when(said) == (day, hour)


@pytest.mark.parametrize(
    ("said", "day", "hour"),
    [
        ("el Mircoles a las 9 y 4", "2026-11-25", "09:15"),
        ("el biernes a las 11", "2026-11-27", "11:00"),
        ("el juebes 10:30", "2026-11-26", "10:30"),
        ("el 15 de marso", "2027-03-15", None),
    ],
)
def test_misheard_words_are_snapped_to_the_calendar(said: str, day: str, hour: str | None) -> None:
    assert when(said) == (day, hour)


@pytest.mark.parametrize("said", ["el jueves o el viernes", "lunes 24 de noviembre", "mañana jueves", "31 de junio"])
def test_a_day_that_contradicts_itself_is_no_day(said: str) -> None:
    assert when(said)[0] is None


def test_two_hours_to_choose_from_are_no_hour() -> None:
    assert when("a las diez o a las once") == (None, None)


def test_the_last_day_said_counts() -> None:
    assert when("el jueves, no, perdón, el viernes") == ("2026-11-27", None)


@pytest.mark.parametrize("said", ["Marta Mendoza", "mi pedido tres", "28 millones 456 mil 789", "dos teclados"])
def test_other_words_and_numbers_are_no_date(said: str) -> None:
    assert when(said) == (None, None)


def test_a_bare_number_is_an_hour_only_where_one_was_asked_for() -> None:
    assert when("once y media", asked_hour=True) == (None, "11:30")
    assert when("las once", asked_hour=True) == (None, "11:00")
    assert when("el 15", asked_day=True) == ("2026-12-15", None)
    assert when("tengo once", asked_hour=True) == (None, None)


@given(
    st.integers(min_value=0, max_value=300), st.integers(min_value=0, max_value=23), st.sampled_from(range(0, 60, 5))
)
def test_every_date_is_understood_back_as_it_is_spoken(ahead: int, hour: int, minute: int) -> None:
    day, at = MONDAY + timedelta(days=ahead), time(hour, minute)
    found = read_when(read_words(f"{say_date(day)} {say_time(at)}"), MONDAY)
    assert (found.day, found.hour) == (day, at)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (time(10), "a las diez de la mañana"),
        (time(13), "a la una de la tarde"),
        (time(12, 15), "a las doce y cuarto del mediodía"),
        (time(15, 30), "a las tres y media de la tarde"),
        (time(20, 40), "a las ocho y cuarenta de la noche"),
    ],
)
def test_an_hour_is_spoken_in_words(at: time, said: str) -> None:
    assert say_time(at) == said


def test_the_first_of_a_month_is_primero() -> None:
    assert say_date(date(2026, 12, 1)) == "martes primero de diciembre"


@pytest.mark.parametrize(
    "value", ["2026-11-24T13:00:00Z", "2026-11-24T10:00:00-03:00", "2026-11-24T10:00:00.000-03:00Z", "2026-11-24T10:00"]
)
def test_a_moment_of_a_result_is_put_in_buenos_aires(value: str) -> None:
    moment = read_moment(value)
    assert moment is not None
    assert to_iso(moment.date(), moment.time()) == "2026-11-24T10:00:00-03:00"


@pytest.mark.parametrize("value", [None, "pronto", 3])
def test_what_is_no_moment_is_none(value: object) -> None:
    assert read_moment(value) is None
