"""Prices, quantities and lengths of time as Argentines write and say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.money import cents_of
from common.spanish.numbers import spell
from common.spanish.quantities import minutes_of, quantity_of


@pytest.mark.parametrize(
    ("said", "cents"),
    [
        ("1.234", 123_400),
        ("1.234,50", 123_450),
        ("1.234.567,89", 123_456_789),
        ("$ 1.234", 123_400),
        ("$1.234,5", 123_450),
        ("1,5", 150),
        ("1.5", 150),
        ("899.99", 89_999),
        ("1,234.50", 123_450),
        ("1.500 pesos", 150_000),
        ("ARS 1.500", 150_000),
        ("1500.", 150_000),
        ("mil", 100_000),
        ("mil doscientos", 120_000),
        ("dos mil quinientos con cincuenta", 250_050),
        ("mil quinientos pesos con cinco centavos", 150_005),
        ("500 mil", 50_000_000),
        ("12 mil 500", 1_250_000),
        ("un millón", 100_000_000),
        ("dos lucas", 200_000),
        ("luca y media", 150_000),
        ("mil quinientos mangos", 150_000),
        ("0", 0),
    ],
)
def test_a_price_is_understood(said: str, cents: int) -> None:
    assert cents_of(said) == cents


@pytest.mark.parametrize(
    "said",
    ["", "gratis", "1,234", "1.23.4", "1.234 mil", "-5", "1e3", "1e999990", "9" * 5000, "NaN", "٣", "US$ 100", "U$S 5",
     "100 dólares", "100 euros", "entre 100 y 200", "mil con cinco", "1,50 con cincuenta", "100 y media", "1/2"],
)  # fmt: skip
def test_a_price_that_is_not_clear_is_none(said: str) -> None:
    assert cents_of(said) is None


@given(st.integers(0, 999_999), st.integers(0, 99))
def test_every_price_is_read_back_in_every_form(pesos: int, cents: int) -> None:
    grouped = f"{pesos:,}".replace(",", ".")
    forms = [f"{pesos},{cents:02d}", f"{pesos}.{cents:02d}", f"$ {grouped},{cents:02d}"]
    forms.append(f"{spell(pesos)} con {spell(cents)} centavos")
    if not cents:
        forms += [str(pesos), grouped, spell(pesos), f"{spell(pesos)} pesos"]
    assert {cents_of(form) for form in forms} == {100 * pesos + cents}


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("un par", 2), ("media docena", 6), ("una docena", 12), ("docena y media", 18), ("dos docenas", 24), ("dos", 2),
        ("2", 2), ("2.0", 2), ("un", 1), ("una", 1), ("veintiuno", 21), ("2 unidades", 2), ("tres de esos", 3),
    ],
)  # fmt: skip
def test_a_quantity_is_understood(said: str, number: int) -> None:
    assert quantity_of(said) == number


@pytest.mark.parametrize("said", ["", "1,5", "-2", "dos kilos", "varios", "1e3", "un par de docenas", "9" * 5000])
def test_a_quantity_that_is_none_is_none(said: str) -> None:
    assert quantity_of(said) is None


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("media hora", 30), ("una hora", 60), ("hora y media", 90), ("una hora y media", 90), ("una hora y cuarto", 75),
        ("tres cuartos de hora", 45), ("un cuarto de hora", 15), ("dos horas", 120), ("cuarenta y cinco minutos", 45),
        ("45", 45), ("45 min", 45), ("45'", 45), ("1h30", 90), ("1 hora 30 minutos", 90), ("una hora y veinte", 80),
    ],
)  # fmt: skip
def test_a_length_of_time_is_understood(said: str, minutes: int) -> None:
    assert minutes_of(said) == minutes


@pytest.mark.parametrize("said", ["", "-30", "30.5", "30,5", "un rato", "hora", "9" * 5000])
def test_a_length_of_time_that_is_none_is_none(said: str) -> None:
    assert minutes_of(said) is None


@given(st.text(max_size=100))
def test_any_text_is_an_amount_or_none(said: str) -> None:
    for amount in (cents_of(said), quantity_of(said), minutes_of(said)):
        assert amount is None or amount >= 0
