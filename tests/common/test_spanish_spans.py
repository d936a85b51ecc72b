"""When callers could come, in their words."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.spanish.clock import hour, near_day, near_times
from common.spanish.errors import Unclear
from common.spanish.spans import Span, parse_span
from common.spanish.wording import MONTHS
from common.times import BUENOS_AIRES

THURSDAY = datetime(2026, 11, 26, 18, 30, tzinfo=BUENOS_AIRES)
TODAY = THURSDAY.date()


def november(first: int, last: int | None = None) -> tuple[date, date | None]:
    return date(2026, 11, first), None if last is None else date(2026, 11, last)


def december(first: int, last: int | None = None) -> tuple[date, date | None]:
    return date(2026, 12, first), None if last is None else date(2026, 12, last)


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("", november(26)),
        ("lo antes posible", november(26)),
        ("cuanto antes", november(26)),
        ("cuando puedas", november(26)),
        ("cualquier día", november(26)),
        ("el primer turno disponible", november(26)),
        ("hoy", november(26, 26)),
        ("mañana", november(27, 27)),
        ("¿el lunes?", november(30, 30)),
        ("2026-12-01", december(1, 1)),
        ("el 3 de diciembre", december(3, 3)),
        ("esta semana", november(26, 29)),
        ("la semana que viene", (date(2026, 11, 30), date(2026, 12, 6))),
        ("en la próxima semana", (date(2026, 11, 30), date(2026, 12, 6))),
        ("el fin de semana", november(28, 29)),
        ("este mes", november(26, 30)),
        ("el mes que viene", december(1, 31)),
        ("en diciembre", december(1, 31)),
        ("noviembre", november(26, 30)),
        ("en enero", (date(2027, 1, 1), date(2027, 1, 31))),
        ("en los próximos tres días", november(26, 29)),
        ("entre el lunes y el miércoles", (date(2026, 11, 30), date(2026, 12, 2))),
        ("desde el lunes hasta el jueves", (date(2026, 11, 30), date(2026, 12, 3))),
        ("del 10 al 15 de diciembre", december(10, 15)),
        ("a partir del jueves 3 de diciembre", december(3)),
        ("después del 10 de diciembre", december(11)),
        ("antes del 5 de diciembre", (TODAY, date(2026, 12, 4))),
        ("hasta el 5 de diciembre", (TODAY, date(2026, 12, 5))),
    ],
)
def test_days_are_understood(said: str, days: tuple[date, date | None]) -> None:
    span = parse_span(said, THURSDAY)
    assert (span.first, span.last) == days
    assert (span.since, span.until, len(span.weekdays)) == (time.min, time.max, 7)


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ("mañana a la mañana", 0, 12), ("el lunes por la tarde", 13, 20), ("a la tarde", 13, 20),
        ("la semana que viene al mediodía", 12, 14), ("el martes a la noche", 19, None), ("esta tarde", 13, 20),
        ("el lunes a las 10", 10, None), ("el lunes a las 3 de la tarde", 15, None), ("después de las 10", 10, None),
        ("antes de las 11", 0, 11), ("2026-12-01T15:00", 15, None),
    ],
)  # fmt: skip
def test_and_times_of_day(said: str, since: int, until: int | None) -> None:
    span = parse_span(said, THURSDAY)
    assert (span.since, span.until) == (time(since), time.max if until is None else time(until))


@pytest.mark.parametrize(
    ("said", "weekdays"),
    [
        ("los martes", {1}), ("los martes y jueves", {1, 3}), ("los sábados a la mañana", {5}),
        ("el lunes o el martes", {0, 1}), ("de lunes a viernes", {0, 1, 2, 3, 4}), ("de viernes a lunes", {4, 5, 6, 0}),
    ],
)  # fmt: skip
def test_and_days_of_the_week(said: str, weekdays: set[int]) -> None:
    span = parse_span(said, THURSDAY)
    assert (span.first, span.last) == (TODAY, None)
    assert span.weekdays == weekdays


@pytest.mark.parametrize(
    "said",
    [
        "ayer", "blablá", "el 20 de noviembre", "del 20 al 10 de diciembre", "del 40 al 15 de diciembre", "del 0 al 3",
        "entre hoy y nunca", "desde que me caí", "en 2 1", "la semana", "los", "hasta", "y", "31 de febrero",
    ],
)  # fmt: skip
def test_what_is_past_or_no_stretch_of_days_is_asked_about(said: str) -> None:
    with pytest.raises(Unclear) as question:
        parse_span(said, THURSDAY)
    assert question.value.sentence.endswith("?")


WORDS = (
    "el la los del al de a por en entre desde hasta antes despues esta este que viene proxima semana mes lunes jueves"
    " viernes manana tarde noche 3 10 31 99 enero diciembre y o hoy dia fin las horas posible"
)
words = st.sampled_from(WORDS.split())


@settings(derandomize=True)
@given(said=st.lists(words, max_size=8).map(" ".join) | st.text(max_size=60))
def test_whatever_is_said_it_is_a_span_from_today_on_or_a_question(said: str) -> None:
    with suppress(Unclear):
        span = parse_span(said, THURSDAY)
        assert span.first >= TODAY
        assert span.last is None or span.last >= span.first


@settings(derandomize=True)
@given(days=st.integers(0, 600), minutes=st.integers(0, 24 * 60 - 1))
def test_a_day_that_is_said_shortly_is_understood_again(days: int, minutes: int) -> None:
    """Whichever day it is, within two years."""
    day = TODAY + timedelta(days=days)
    assert parse_span(near_day(day, TODAY), THURSDAY) == Span(day, day)
    local = datetime.combine(day, time.min, BUENOS_AIRES) + timedelta(minutes=minutes)
    if 8 * 60 <= minutes < 23 * 60 and not minutes % 5:
        span = parse_span(f"{near_day(day, TODAY)} a {hour(local)}", THURSDAY)
        assert span.has(local)
        assert not span.has(local - timedelta(minutes=1))


def test_times_to_choose_from_name_each_day_once() -> None:
    times = [datetime(2026, 11, 30, 9, tzinfo=BUENOS_AIRES) + timedelta(hours=hours) for hours in (0, 0.5, 4, 25)]
    assert near_times(times, THURSDAY) == (
        "el lunes 30 a las 9, a las 9 y media, a la 1 de la tarde o el martes 1 de diciembre a las 10"
    )


def test_another_year_is_said() -> None:
    assert near_day(date(2027, 1, 5), TODAY) == f"el martes 5 de {MONTHS[0]} de 2027"
