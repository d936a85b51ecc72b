"""The facts of a business: read with every fault, live without a restart, the same on both stores."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from common.times import BUENOS_AIRES
from data.errors import Conflict, RuleBroken
from data.facts import Doctor, Facts, Question
from data.facts_file import FactsError, read, to_yaml
from data.holidays import easter, national_holidays
from data.kept_facts import SAMPLE, UNTOLD
from data.opening import Holidays, Hours
from data.products import Product, find, nearest
from data.questions import KEPT
from data.rules import check_time, free_times
from data.samples import sample_appointments, sample_orders
from data.store import Store
from sandbox.twilio.script import FACTS as CALLERS_FACTS
from tests.support.clocks import Clock
from tests.support.logs import logged

__all__ = ["logged"]

SAMPLE_TEXT = SAMPLE.read_text(encoding="utf-8")
BUSINESS = read(SAMPLE_TEXT)
MOUSE = "Mouse inalámbrico Logitech"
LOPEZ, PAZ = "Dra. Ana López", "Dr. Juan Paz"
MONDAY = datetime(2026, 11, 23, 7, tzinfo=BUENOS_AIRES)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BUENOS_AIRES)


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FactsError) as raised:
        read(text)
    return [(fault.line, fault.key) for fault in raised.value.faults]


# Reading.


def test_the_sample_business_has_the_doctors_and_the_products_of_the_sample_records() -> None:
    today = date(2026, 11, 27)
    assert {each.doctor_name for each in sample_appointments(today)} == {each.name for each in BUSINESS.doctors}
    sold = {(item.name, item.price_cents) for order in sample_orders(today) for item in order.items}
    assert sold == {(each.name, each.price_cents) for each in BUSINESS.products}


def test_recorded_callers_phone_the_sample_business_on_any_day() -> None:
    theirs = read(CALLERS_FACTS.read_text(encoding="utf-8"))
    assert theirs.hours == 7 * (BUSINESS.hours[0],)
    assert not theirs.holidays.national
    assert to_yaml(theirs).partition("plans:")[2] == to_yaml(BUSINESS).partition("plans:")[2]


def test_a_name_is_all_that_a_business_needs() -> None:
    facts = read("name: Panadería Sol")
    assert facts == Facts("Panadería Sol")
    assert facts.is_open(at("2026-11-28T19:30"), 30), "a Saturday"
    assert not facts.is_open(at("2026-11-29T10:00"), 30), "a Sunday"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", [(1, "name")]),
        ("- a", [(1, "")]),
        ("name: [", [(1, "")]),
        ("[" * 10_000, [(1, "")]),
        ("name: \x07", [(1, "")]),
        ("name: a\nname: b", [(2, "name")]),
        ("name: a\nhour: 3\n", [(2, "hour")]),
        ("name: a\nhours:\n  lunes: 8:00-9:00\n  monday: 9-10\n", [(3, "hours.lunes"), (4, "hours.monday")]),
        ("name: a\nhours: {monday-friday: 8:00-9:00, friday: closed}", [(2, "hours.friday")]),
        ("name: a\nhours: {monday: '8:00-12:00, 11:00-13:00'}", [(2, "hours.monday")]),
        ("name: a\nhours: {monday: 8:00-25:00}", [(2, "hours.monday")]),
        ("name: a\nhours: {monday: 8:02-9:00}", [(2, "hours.monday")]),
        ("name: a\nholidays:\n  closed: {13-01: x, 02-29: bisiesto}", [(3, "holidays.closed.13-01")]),
        ("name: a\ndoctors: [{name: x}, {speciality: y}]", [(2, "doctors[2].name")]),
        ("name: a\ndoctors: [{name: Dra. López}, {name: lopez}]", [(2, "doctors[1]"), (2, "doctors[2]")]),
        ("name: a\ndoctors: {name: x, slot_minutes: 7}", [(2, "doctors[1].slot_minutes[1]")]),
        ("name: a\ndoctors: {name: x, off: 2026-12-24 to 2026-12-01}", [(2, "doctors[1].off[1]")]),
        ("name: a\nproducts: [{name: x, price: 1.234}]", [(2, "products[1].price")]),
        ("name: a\nproducts: [{name: x, price: 0}]", [(2, "products[1].price")]),
        ("name: a\nproducts: [{name: Cable}, {name: cables}]", [(2, "products[1]"), (2, "products[2]")]),
        ("name: a\nquestions: [{asked: x}]", [(2, "questions[1].answer")]),
        ("name: a\nplans: &p [x]\naddress: *p", [(3, "")]),
        ("name: " + "x" * 81, [(1, "name")]),
        ("name: a\n" + "#" * 100_000, [(1, "")]),
    ],
)  # fmt: skip
def test_every_fault_is_named_by_line_and_key(text: str, faults: list[tuple[int, str]]) -> None:
    assert faults_of(text) == faults


def test_a_misspelt_key_is_told_what_it_may_have_been() -> None:
    with pytest.raises(FactsError, match="line 2, adress: is not known here; did you mean address?"):
        read("name: a\nadress: x")


@pytest.mark.parametrize(
    ("price", "cents"), [("1234", 123400), ("1234.5", 123450), ("1.234,50", 123450), ("$ 9,99", 999)]
)
def test_a_price_is_read_as_it_is_written_here(price: str, cents: int) -> None:
    assert read(f"name: a\nproducts:\n- name: x\n  price: {price}").products[0].price_cents == cents


names = st.text("abcñ áÑ'-:#", min_size=1, max_size=12).filter(lambda text: any(map(str.isalpha, text))).map(
    lambda text: " ".join(text.split())
)  # fmt: skip
hours = st.integers(0, 286).flatmap(
    lambda opens: st.builds(Hours, st.just(opens * 5), st.integers(opens + 1, 288).map(lambda n: n * 5))
)
days = st.one_of(st.just(()), st.tuples(hours))
weeks = st.tuples(*[days] * 7)
products = st.builds(
    Product,
    names,
    st.lists(names, max_size=2).map(tuple),
    st.none() | st.integers(1, 10**8),
    st.none() | st.integers(0, 365),
)
businesses = st.builds(
    Facts,
    names,
    st.none() | names,
    weeks,
    st.builds(
        Holidays,
        st.booleans(),
        st.dictionaries(st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(str), names, max_size=2),
        st.dictionaries(st.just("12-24"), days, max_size=1),
    ),
    st.lists(
        st.builds(Doctor, names, st.none() | names, st.none() | weeks), max_size=2, unique_by=lambda each: each.key
    ).map(tuple),
    st.lists(names, max_size=2).map(tuple),
    st.lists(products, max_size=2, unique_by=lambda each: each.names[0]).map(tuple),
    questions=st.lists(st.builds(Question, st.lists(names, min_size=1, max_size=2).map(tuple), names), max_size=2).map(
        tuple
    ),
)


@settings(derandomize=True, max_examples=60)
@given(businesses)
@pytest.mark.slow
def test_what_is_written_reads_as_it_was(business: Facts) -> None:
    assert read(to_yaml(business)) == business


KEYS = ("name", "hours", "doctors", "products", "price", "monday", "holidays", "open", "questions", "asked")


@settings(derandomize=True, max_examples=150)
@given(
    st.recursive(
        st.text(max_size=8) | st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    )
)
@pytest.mark.slow
def test_any_text_is_read_or_its_faults_are_named(value: Any) -> None:
    try:
        read(yaml.safe_dump(value, allow_unicode=True))
    except FactsError as error:
        told = str(error)
        assert told.startswith("line ")  # noqa: PT017 - both ends are right


# Holidays.


@pytest.mark.parametrize(
    ("year", "day"),
    [(2000, "04-23"), (2019, "04-21"), (2024, "03-31"), (2025, "04-20"), (2026, "04-05"), (2038, "04-25")],
)
def test_easter_falls_where_the_almanac_has_it(year: int, day: str) -> None:
    assert f"{easter(year):%m-%d}" == day


def test_the_holidays_of_2026_are_those_of_the_law() -> None:
    assert [f"{day:%m-%d}" for day in national_holidays(2026)] == [
        "01-01", "02-16", "02-17", "03-24", "04-02", "04-03", "05-01", "05-25", "06-15", "06-20", "07-09", "08-17",
        "10-12", "11-23", "12-08", "12-25",
    ]  # fmt: skip


def test_a_movable_holiday_goes_to_a_monday_by_law_and_off_a_weekend_by_decree_alone() -> None:
    assert date(2027, 6, 21) in national_holidays(2027), "from a Thursday"
    assert date(2027, 8, 16) in national_holidays(2027), "from a Tuesday"
    assert date(2027, 11, 20) in national_holidays(2027), "a Saturday"
    assert date(2025, 10, 10) in national_holidays(2025), "a Sunday, moved"


# When one can be seen.

CLINIC = read(
    """
    name: Clínica
    hours: {monday-friday: "8:00-12:30, 16:00-20:00", saturday: 9:00-13:00}
    holidays:
      closed: {12-24: Nochebuena}
      open: {2026-12-08: 9:00-12:00}
    doctors:
      - name: Dra. Ana López
        days: {monday-wednesday: 8:00-18:00}
        off: 2026-12-14 to 2026-12-18
        slot_minutes: [20, 40]
    """
)


@pytest.mark.parametrize(
    ("start", "minutes", "doctor", "sentence"),
    [
        ("2026-11-29T10:00", 20, PAZ, "Los domingos no atendemos; abrimos el lunes 30 de noviembre a las 8."),
        (
            "2026-12-25T10:00", 20, PAZ,
            "El viernes 25 de diciembre no atendemos: Navidad; abrimos el sábado 26 de diciembre a las 9.",
        ),
        (
            "2026-12-24T10:00", 20, PAZ,
            "El jueves 24 de diciembre no atendemos: Nochebuena; abrimos el sábado 26 de diciembre a las 9.",
        ),
        ("2026-11-30T13:00", 20, PAZ, "Ese día atendemos de 8 a 12:30 y de 16 a 20; abrimos a las 16."),
        ("2026-11-30T12:20", 20, PAZ, "Ese día atendemos de 8 a 12:30 y de 16 a 20; abrimos a las 16."),
        (
            "2026-12-03T10:00", 20, LOPEZ,
            "Dra. Ana López no atiende los jueves; atiende el lunes 7 de diciembre a las 8.",
        ),
        (
            "2026-12-07T18:20", 20, LOPEZ,
            "Ese día Dra. Ana López atiende de 8 a 12:30 y de 16 a 18;"
            " atiende de nuevo el martes 8 de diciembre a las 9.",
        ),
        (
            "2026-12-15T10:00", 20, LOPEZ,
            "Dra. Ana López no atiende el martes 15 de diciembre; atiende el lunes 21 de diciembre a las 8.",
        ),
        ("2026-12-07T10:00", 30, LOPEZ, "Con Dra. Ana López los turnos son de 20 o 40 minutos."),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_when_somebody_is_there(start: str, minutes: int, doctor: str, sentence: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        check_time(at(start), minutes, MONDAY, CLINIC, doctor)
    assert refused.value.sentence == sentence


@pytest.mark.parametrize("start", ["2026-12-08T09:00", "2026-11-28T12:40", "2026-11-30T19:40"])
def test_a_time_that_the_facts_open_can_be_booked(start: str) -> None:
    check_time(at(start), 20, MONDAY, CLINIC, PAZ)


async def test_free_times_are_never_when_nobody_is_there(store: Store) -> None:
    await store.save_facts(to_yaml(CLINIC), None)
    found = await free_times(store, LOPEZ, at("2026-12-09T17:00"), 40, MONDAY, count=40)
    assert found[0] == at("2026-12-09T17:00")
    assert found[1] == at("2026-12-21T08:00"), "after the weekend she is away"
    assert all(CLINIC.is_open(start, 40, LOPEZ) for start in found)


def test_a_business_that_never_opens_says_so_without_end(clock: Clock) -> None:
    never = Facts("x", hours=((),) * 7)
    with pytest.raises(RuleBroken, match="closed") as refused:
        check_time(clock() + timedelta(days=1), 30, clock(), never, LOPEZ)
    assert refused.value.sentence == "Los martes no atendemos."


# Who and what is meant.


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("teclados", "Teclado mecánico RGB"), ("un mouse", MOUSE), ("MOUSES", MOUSE), ("logitec", MOUSE),
        ("el monitor", 'Monitor Samsung 24"'), ("monitores samsung", 'Monitor Samsung 24"'),
        ("iphone quince pro", "iPhone 15 Pro"), ("notebook dell", "Laptop Dell Inspiron 15"),
        ("camara", "Cámara Canon EOS R7"), ("samsung", None), ("funda", None), ("cable hdmi", None),
        ("heladera", None), ("24", None), ("", None), ("de la", None),
    ],
)  # fmt: skip
def test_a_product_is_found_by_what_tells_it_from_the_others(said: str, name: str | None) -> None:
    found = BUSINESS.product(said)
    assert (found and found.name) == name


def test_what_comes_nearest_is_named() -> None:
    assert nearest(BUSINESS.products, "mause")[0].name == "Mouse inalámbrico Logitech"
    assert {each.name for each in nearest(BUSINESS.products, "samsung", 2)} == {
        'Monitor Samsung 24"',
        "Tablet Samsung Galaxy Tab S9",
    }


def test_the_longest_name_costs_no_more_than_a_short_one() -> None:
    assert find(BUSINESS.products, "mouse " * 100_000) is not None


@pytest.mark.parametrize("said", ["traumatología", "el traumatólogo", "una traumatóloga", "TRAUMATOLOGIA"])
def test_a_doctor_is_found_by_speciality(said: str) -> None:
    assert [each.name for each in BUSINESS.doctors_for(said)] == [LOPEZ]


@pytest.mark.parametrize("said", ["", "doctor", "el médico", "cardiólogo", "x" * 10_000])
def test_no_doctor_is_found_by_what_is_no_speciality_of_theirs(said: str) -> None:
    assert BUSINESS.doctors_for(said) == ()


# In the store.


async def test_facts_are_live_without_a_restart(store: Store) -> None:
    assert await store.facts() == UNTOLD
    await store.save_facts("name: Uno", None)
    assert (await store.facts()).name == "Uno"
    text, version = await store.facts_text()
    assert text == "name: Uno"
    await store.save_facts("name: Dos", version)
    assert (await store.facts()).name == "Dos"


async def test_two_who_change_the_facts_at_once_do_not_overwrite_each_other(store: Store) -> None:
    await store.save_facts("name: Uno", None)
    _, version = await store.facts_text()
    await store.save_facts("name: Dos y más", version)
    with pytest.raises(Conflict):
        await store.save_facts("name: Tres", version)
    with pytest.raises(Conflict):
        await store.save_facts("name: Tres", None)
    assert (await store.facts()).name == "Dos y más"


async def test_facts_with_faults_are_not_saved(store: Store) -> None:
    with pytest.raises(FactsError):
        await store.save_facts("nombre: x", None)
    assert await store.facts_text() == ("", None)


async def test_a_file_that_is_spoiled_leaves_the_last_good_facts_and_is_logged_once(
    tmp_path: Path, logged: list[str]
) -> None:
    from data.open import open_sqlite

    store = await open_sqlite(tmp_path / "carlos.db")
    try:
        file = tmp_path / "facts.yaml"
        file.write_text("name: Uno", encoding="utf-8")
        assert (await store.facts()).name == "Uno"
        file.write_bytes(b"name: [\xff\xfe")
        assert [(await store.facts()).name for _ in range(3)] == ["Uno"] * 3
        assert sum("have faults" in line for line in logged) == 1
        file.write_text("name: Dos y otro", encoding="utf-8")
        assert (await store.facts()).name == "Dos y otro"
        file.unlink()
        assert await store.facts() == UNTOLD
    finally:
        await store.close()


async def test_questions_without_an_answer_are_counted_and_bounded_and_hold_no_numbers(
    store: Store, clock: Clock
) -> None:
    for question in ("¿Tienen wifi?", "tienen  WIFI?", "¿Mi DNI 28.456.789 sirve?"):
        await store.note_question(question)
    found = await store.unanswered()
    assert [each.times for each in found] == [2, 1]
    assert not any("456" in each.question for each in found)
    clock.advance(hours=1)
    for number in range(KEPT):
        await store.note_question(f"¿Tienen {chr(97 + number // 20)}{chr(97 + number % 20)}?")
        clock.advance(seconds=1)
    assert len(await store.unanswered()) == KEPT
    clock.advance(days=91)
    assert await store.unanswered() == ()
    await store.forget_questions()
