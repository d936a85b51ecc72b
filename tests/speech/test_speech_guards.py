from __future__ import annotations

import pytest

from sandbox.speech.guards import with_at_apart, without_echo, without_loops
from sandbox.speech.whisper import PROMPT


@pytest.mark.parametrize(
    "echo", [PROMPT, "el número de pedido y el día y la hora", "Llamada telefonica a un comercio de argentina."]
)
def test_an_echo_of_the_prompt_is_no_speech(echo: str) -> None:
    assert without_echo(echo, PROMPT) == ""


def test_a_caller_may_use_the_prompts_words() -> None:
    said = "El número de pedido es el tres."
    assert without_echo(said, PROMPT) == said


def test_a_phrase_said_three_times_is_said_once() -> None:
    assert without_loops("Quiero ver el pedido, el pedido, el pedido, el pedido") == "Quiero ver el pedido,"


def test_a_word_said_four_times_is_said_once() -> None:
    assert without_loops("gracias gracias gracias gracias") == "gracias"


@pytest.mark.parametrize("said", ["dos dos dos dos cinco", "11 11 11 11", "no, no, no", "sí, sí, dale, sí"])
def test_repeated_digits_and_short_emphasis_stay(said: str) -> None:
    assert without_loops(said) == said


@pytest.mark.parametrize(
    ("written", "apart"),
    [
        ("Es Juan Punto Pérez, arrobaemail.com", "Es Juan Punto Pérez arroba email.com"),
        ("Es Juan.Peresarrobaemail.com", "Es Juan.Peres arroba email.com"),
        ("Es Juan punto Pérez a robaemail.com", "Es Juan punto Pérez arroba email.com"),
        ("La roba el perro", "La roba el perro"),
    ],
)
def test_a_dictated_at_sign_is_a_word_of_its_own(written: str, apart: str) -> None:
    assert with_at_apart(written) == apart
