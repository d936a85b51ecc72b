"""Words that take no floor, and words that do."""

from __future__ import annotations

import pytest

from common.spanish.backchannel import is_backchannel


@pytest.mark.parametrize(
    "said",
    ["Ajá.", "ajam", "aha", "Mm", "mhm", "mmm…", "Mjm", "uhum", "Ah", "sí", "Sí, sí.", "sí sí sí", "Claro", "ok",
     "Okey", "dale dale", "Bien", "ya", "ah, claro", "perfecto", "SÍ"],
)  # fmt: skip
def test_who_only_says_that_he_listens_takes_no_floor(said: str) -> None:
    assert is_backchannel(said)


@pytest.mark.parametrize(
    "said",
    ["no", "Pará", "sí, pero", "¿sí?", "sí?", "sí, cancelalo", "dale, cancelá", "ya está, gracias", "ok 28456789", "",
     "…", "sí sí sí sí", "no, claro", "a ver", "hola", "claro que no", "esperá", "ajá, y el otro?", "mamá", "sí" * 500],
)  # fmt: skip
def test_who_wants_to_say_something_does(said: str) -> None:
    assert not is_backchannel(said)
