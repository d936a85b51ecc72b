from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.numbers import spell
from sandbox.dialogue.digits import find_runs
from sandbox.dialogue.words import read_words

DNIS = st.integers(min_value=1_000_000, max_value=99_999_999)


def digits(text: str) -> list[str]:
    return [run.digits for run in find_runs(read_words(text))]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "cero"),
        (21, "veintiuno"),
        (31, "treinta y uno"),
        (100, "cien"),
        (101, "ciento uno"),
        (1000, "mil"),
        (21_000, "veintiún mil"),
        (1_000_000, "un millón"),
        (31_204_578, "treinta y un millones doscientos cuatro mil quinientos setenta y ocho"),
    ],
)
def test_a_number_is_spelled_as_it_is_read_aloud(number: int, words: str) -> None:
    assert spell(number) == words


def test_a_number_out_of_range_is_not_spelled() -> None:
    with pytest.raises(ValueError, match="cannot spell"):
        spell(1_000_000_000)


@pytest.mark.parametrize(
    "said",
    [
        "28.456.789",
        "28456789",
        "28456 789",
        "28-456-789",
        "28 millones 456 mil 789",
        "28 millones, 456 mil, 789.",
        "28 456 mil 789",
        "28 millones 456.789",
        "veintiocho millones cuatrocientos cincuenta y seis mil setecientos ochenta y nueve",
        "Veintiocho millones, cuatrocientos cincuenta y seis mil, setecientos ochenta y nueve.",
        "veintiocho cuatrocientos cincuenta y seis setecientos ochenta y nueve",
        "veintiocho punto cuatrocientos cincuenta y seis punto setecientos ochenta y nueve",
        "dos ocho cuatro cinco seis siete ocho nueve",
        "2 8 4 5 6 7 8 9",
        "2, 8, 4, 5, 6, 7, 8, 9",
        "veintiocho cuarenta y cinco sesenta y siete ochenta y nueve",
        "28, 45, 67, 89",
    ],
)
def test_a_dni_is_understood_in_every_form(said: str) -> None:
    assert digits(said) == ["28456789"]


def test_digits_beside_a_word_between_them_are_two_numbers() -> None:
    assert digits("pedido 3, mi DNI es 27.893.412") == ["3", "27893412"]


def test_a_repeated_digit_can_be_said_as_doble() -> None:
    assert digits("treinta y tres doble cinco cero tres uno dos") == ["33550312"]


@given(DNIS)
def test_any_dni_that_is_spelled_as_a_number_is_understood_back(dni: int) -> None:
    assert digits(f"mi DNI es {spell(dni)}") == [str(dni)]


@given(DNIS)
def test_any_dni_that_is_spelled_digit_by_digit_is_understood_back(dni: int) -> None:
    assert digits(" ".join(spell(int(digit)) for digit in str(dni))) == [str(dni)]


@given(st.lists(st.integers(min_value=10, max_value=99), min_size=4, max_size=4))
def test_any_dni_that_is_said_in_pairs_is_understood_back(pairs: list[int]) -> None:
    assert digits(", ".join(spell(pair) for pair in pairs)) == ["".join(map(str, pairs))]


@given(st.integers(min_value=10_000_000, max_value=99_999_999))
def test_any_dni_in_whisper_s_mixed_form_is_understood_back(dni: int) -> None:
    millions, rest = divmod(dni, 1_000_000)
    thousands, units = divmod(rest, 1000)
    parts = [f"{millions} millones", f"{thousands} mil" if thousands else "", str(units) if units else ""]
    assert digits(", ".join(part for part in parts if part)) == [str(dni)]
