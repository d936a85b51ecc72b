"""Spoken numbers and the digits in identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.numbers import digits_of, numerals, spell


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("3", "3"),
        ("pedido 3", "3"),
        ("el pedido número tres", "3"),
        ("#003", "003"),
        ("N° 12", "12"),
        ("nro. 12", "12"),
        ("pedido3", "3"),
        ("３", "3"),
        ("12.345.678", "12345678"),
        ("12 345 678", "12345678"),
        ("dos ocho cuatro cinco seis siete ocho nueve", "28456789"),
        ("veintiocho, cuatrocientos cincuenta y seis, setecientos ochenta y nueve", "28456789"),
        ("28 millones 456 mil 789", "28456789"),
        ("mi DNI es cero cinco", "05"),
        ("doble cuatro, triple cero", "44000"),
        ("28 M 456 mil 789", "28456789"),
        ("35 millones 012 678", "35012678"),
        ("cuatrocientos 56", "456"),
        ("cuatro cientos cincuenta y seis", "456"),
        ("treinticinco, diez y seis, veinte y ocho, 30 y 2", "35162832"),
        ("٣", "3"),
    ],
)
def test_an_identifier_is_its_digits(said: str, digits: str) -> None:
    assert digits_of(said) == digits


@pytest.mark.parametrize(
    "said",
    ["", "pedido", "1 o 2", "1 y 2", "tres por favor", "-x-", "1 pedro", "tres coma siete",
     "28 millones dos tres", "mil dos tres", "mil mil", "un millón de millones", "doble", "1 y medio"],
)  # fmt: skip
def test_anything_else_is_not_an_identifier(said: str) -> None:
    assert digits_of(said) is None


@given(st.integers(0, 99_999_999))
def test_every_number_in_words_is_read_back(number: int) -> None:
    assert digits_of(spell(number)) == str(number)


def test_a_number_outside_of_what_is_said_cannot_be_spelt() -> None:
    for number in (-1, 1_000_000_000):
        with pytest.raises(ValueError, match="cannot spell"):
            spell(number)


@given(st.text(max_size=200) | st.text("0123456789", min_size=4000, max_size=5000))
def test_any_text_is_digits_or_nothing(text: str) -> None:
    digits = digits_of(text)
    assert digits is None or digits.isdecimal()


def test_number_words_within_a_sentence_become_digits() -> None:
    said = "a las tres y veinte de la tarde, el treinta y uno de marzo"
    assert numerals(said) == "a las 3 y 20 de la tarde el 31 de marzo"


def test_of_a_time_tens_and_minutes_stay_apart() -> None:
    assert numerals("las veinte y cinco, las diez y cuatro") == "las 20 y 5 las 10 y 4"
