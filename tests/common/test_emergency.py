"""What is an emergency in a caller's words, and what only sounds like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.spanish.emergency import is_emergency


@pytest.mark.parametrize(
    "said",
    [
        "Me duele el pecho.", "me duele mucho el pecho", "Hola, a mi papá le duele el pecho",
        "tengo un dolor muy fuerte en el pecho", "Siento una presión en el pecho.", "no, me duele el pecho",
        "Quiero un turno porque me duele el pecho", "creo que le dio un infarto", "No puedo respirar.",
        "mi hijo no puede respirar bien", "me falta el aire", "No respira.", "me estoy ahogando",
        "me cuesta mucho respirar", "se le está cerrando la garganta", "Se desmayó mi mamá.", "se me desmayó la abuela",
        "está inconsciente", "perdió el conocimiento", "tiene convulsiones", "sangra mucho",
        "estoy sangrando un montón", "No para de sangrar.", "está perdiendo mucha sangre", "mi nene tomó lavandina",
        "se tomó un frasco de pastillas", "se le torció la boca", "no puedo mover el brazo", "le está dando un ACV",
        "me quiero matar", "no quiero vivir más", "quiero morirme", "ME DUELE EL PECHO",
    ],
)  # fmt: skip
def test_a_life_in_danger_is_an_emergency(said: str) -> None:
    assert is_emergency(said)


@pytest.mark.parametrize(
    "said",
    [
        "el pecho de pollo", "Quiero dos kilos de pecho de pollo.", "no me duele el pecho", "ya no me duele el pecho",
        "no tengo dolor en el pecho", "Quiero cancelar el turno.", "no puedo mover el turno", "no puedo hablar ahora",
        "me muero de hambre", "quiero una funda", "me duele la rodilla", "dolor de cabeza", "me ahogo en deudas",
        "el sistema no responde", "un análisis de sangre", "me sacaron sangre ayer", "Sí, confirmo.", "",
    ],
)  # fmt: skip
def test_what_only_sounds_like_one_is_none(said: str) -> None:
    assert not is_emergency(said)


@settings(derandomize=True, max_examples=200)
@given(st.text(max_size=40), st.text(max_size=40))
def test_it_is_heard_between_whatever_else_is_said(before: str, after: str) -> None:
    assert is_emergency(f"{before}. Me duele el pecho. {after}")
