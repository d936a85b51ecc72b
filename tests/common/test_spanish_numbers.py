"""Spoken numbers and the digits in identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.numbers import digits_of, numerals

_UNITS = (
    "cero", "un", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce",
    "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiún",
    "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho",
    "veintinueve",
)  # fmt: skip
_TENS = ("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_HUNDREDS = (
    "", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos",
    "ochocientos", "novecientos",
)  # fmt: skip


def spelt(number: int) -> str:
    """A number in words, as a Spanish speaker says it."""
    if number < 30:
        return _UNITS[number]
    if number < 100:
        ten, unit = divmod(number, 10)
        return _TENS[ten] + (f" y {_UNITS[unit]}" if unit else "")
    if number < 1000:
        hundred, rest = divmod(number, 100)
        return "cien" if number == 100 else _HUNDREDS[hundred] + (f" {spelt(rest)}" if rest else "")
    if number < 1_000_000:
        thousands, rest = divmod(number, 1000)
        return ("mil" if thousands == 1 else f"{spelt(thousands)} mil") + (f" {spelt(rest)}" if rest else "")
    millions, rest = divmod(number, 1_000_000)
    word = "un millón" if millions == 1 else f"{spelt(millions)} millones"
    return word + (f" {spelt(rest)}" if rest else "")


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
    ],
)
def test_an_identifier_is_its_digits(said: str, digits: str) -> None:
    assert digits_of(said) == digits


@pytest.mark.parametrize("said", ["", "pedido", "1 o 2", "1 y 2", "tres por favor", "-x-", "1 pedro"])
def test_anything_else_is_not_an_identifier(said: str) -> None:
    assert digits_of(said) is None


@given(st.integers(0, 99_999_999))
def test_every_spelt_number_is_read_back(number: int) -> None:
    assert digits_of(spelt(number)) == str(number)


@given(st.text(max_size=200) | st.text("0123456789", min_size=4000, max_size=5000))
def test_any_text_is_digits_or_nothing(text: str) -> None:
    digits = digits_of(text)
    assert digits is None or digits.isdecimal()


def test_number_words_within_a_sentence_become_digits() -> None:
    said = "a las tres y veinte de la tarde, el treinta y uno de marzo"
    assert numerals(said) == "a las 3 y 20 de la tarde el 31 de marzo"
