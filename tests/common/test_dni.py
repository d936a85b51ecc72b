"""A DNI in every way in which it is said, and what is no DNI, or not surely one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.dni import dni_of, same_dni
from common.spanish.numbers import spell

SAID = (
    "28456789", "28.456.789", "28 456 789", "28,456,789", "28-456-789", "28456789.", "DNI 28.456.789",
    "D.N.I. nro 28456789", "Mi documento es el 28.456.789", "28 millones 456.789", "28 millones 456,789",
    "28 millones 456789", "28 millones 456 mil 789", "28 M 456 mil 789", "28M 456 789",
    "veintiocho millones cuatrocientos cincuenta y seis mil setecientos ochenta y nueve",
    "veinte y ocho millones cuatrocientos cincuenta y seis mil setecientos ochenta y nueve",
    "28 millones cuatrocientos 56 mil 789", "28 cuatro cientos cincuenta y seis 789",
    "veintiocho, cuatrocientos cincuenta y seis, setecientos ochenta y nueve",
    "veintiocho cuatro cinco seis siete ocho nueve", "28 millones cuatro cinco seis siete ocho nueve",
    "dos ocho cuatro cinco seis siete ocho nueve", "2 8 4 5 6 7 8 9", "28.456.789, por favor",
    "sí, eh, 28456789", "el mío es 28456789", "L.E. 28.456.789", "28 45 67 89",
    "veintiocho punto cuatrocientos cincuenta y seis punto setecientos ochenta y nueve",
    "veintiocho cuarenta y cinco sesenta y siete ochenta y nueve",
)  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_a_dni_is_understood_however_it_is_grouped(said: str) -> None:
    assert dni_of(said) == "28456789"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("cero siete uno dos tres cuatro cinco seis", "7123456"),
        ("07.123.456", "7123456"),
        ("7 123 456", "7123456"),
        ("siete millones ciento veintitrés mil cuatrocientos cincuenta y seis", "7123456"),
        ("siete, doce, treinta y cuatro, cincuenta y seis", "7123456"),
        ("treinta y cinco millones doce mil seiscientos setenta y ocho", "35012678"),
        ("treinticinco cero doce seis siete ocho", "35012678"),
        ("35 millones 12.678", "35012678"),
        ("35 millones 012 678", "35012678"),
        ("doble tres uno dos cero cuatro cinco siete", "33120457"),
        ("cuarenta millones", "40000000"),
    ],
)
def test_zeros_and_repetitions_are_part_of_it(said: str, meant: str) -> None:
    assert dni_of(said) == meant


@pytest.mark.parametrize(
    "said",
    ["", "DNI", "28456", "284567890", "28.456.78", "28 456 78", "28, 45, 678", "28 cuatro cinco seis siete ocho",
     "siete doble uno veintitrés cuarenta", "00000000", "Juan Pérez", "28456789 o 28456798", "-", "9" * 5000],
)  # fmt: skip
def test_what_may_lack_a_figure_or_is_no_dni_is_asked_for_again(said: str) -> None:
    assert dni_of(said) is None


@given(st.integers(1_000_000, 99_999_999))
def test_every_dni_is_read_back_in_every_form(number: int) -> None:
    millions, thousands, units = number // 1_000_000, number // 1000 % 1000, number % 1000
    zeros = thousands < 100 or units < 100
    forms = [str(number), f"{number:08d}", f"{number:,}", f"{number:,}".replace(",", "."), spell(number)]
    forms += [" ".join(str(number)), " ".join(spell(int(figure)) for figure in str(number))]
    forms += [f"{millions} millones {thousands} mil {units}", f"{millions} millones {thousands:03d} {units:03d}"]
    forms += [] if zeros else [f"{spell(millions)}, {spell(thousands)}, {spell(units)}"]
    assert {dni_of(form) for form in forms} == {str(number)}


@pytest.mark.parametrize(
    ("given", "stored"), [("07123456", "7123456"), ("7123456", "07123456"), ("7.123.456", "7123456")]
)
def test_a_leading_zero_makes_no_difference(given: str, stored: str) -> None:
    assert same_dni(given, stored)


@pytest.mark.parametrize(("given", "stored"), [("7123456", None), ("7123456", ""), ("", ""), ("7123456", "71234560")])
def test_another_or_no_dni_is_not_the_same(given: str, stored: str | None) -> None:
    assert not same_dni(given, stored)
