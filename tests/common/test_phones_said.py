"""Argentine mobile numbers as callers say them."""

from __future__ import annotations

import pytest

from common.spanish.phones import is_mobile, mobile_of, spelled_number


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("11 5555 1234", "+5491155551234"),
        ("011 15 5555-1234", "+5491155551234"),
        ("+54 9 11 5555-1234", "+5491155551234"),
        ("+54 11 5555-1234", "+5491155551234"),
        ("9 11 5555 1234", "+5491155551234"),
        ("once cincuenta y cinco cincuenta y cinco doce treinta y cuatro", "+5491155551234"),
        ("0351 15 555 1234", "+5493515551234"),
        ("2966 15 41 2345", "+5492966412345"),
        ("al 11 5555 1234", "+5491155551234"),
        ("5555 1234", None),
        ("+34 612 345 678", None),
        ("11 5555 12345", None),
        ("", None),
        ("mi celular", None),
        ("1" * 81, None),
    ],
)
def test_a_number_is_understood_however_it_is_said(said: str, number: str | None) -> None:
    assert mobile_of(said) == number


@pytest.mark.parametrize(
    ("number", "mobile"),
    [
        ("+5491155551234", True),
        ("+541155551234", False),
        ("+59899123456", True),
        ("+54", False),
        ("anonymous", False),
        ("5491155551234", False),
    ],
)
def test_a_land_line_of_argentina_gets_no_messages(number: str, mobile: bool) -> None:
    assert is_mobile(number) is mobile


def test_a_number_is_read_by_twos() -> None:
    assert spelled_number("+5491155551234") == "11 55 55 12 34"
    assert spelled_number("+59899123456") == "+59899123456"
