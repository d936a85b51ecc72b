"""What counts as a yes to "Voy a cancelar el pedido seis. ¿Lo confirmás?"."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.consent import AN_APPOINTMENT, BOOKING, LONGEST, MOVING, Consent, consent
from tests.common.consent_page import page
from tests.common.consent_sentences import PROPOSED, answers

YES, NO, UNCLEAR = map(answers, (Consent.YES, Consent.NO, Consent.UNCLEAR))
PAGE = Path(__file__).parents[2] / "docs" / "consent.md"

# Words of which no answer is made: conditions, corrections, other errands, somebody else in the room.
MORE = ("pero", "si llega", "mañana", "el cinco", "y también el turno", "Claudia", "vamos a una pausa", "cuando pueda")


@pytest.mark.parametrize("said", YES)
def test_a_plain_yes_is_one(said: str) -> None:
    assert consent(said, *PROPOSED) is Consent.YES


@pytest.mark.parametrize("said", NO)
def test_a_no_anywhere_is_a_no(said: str) -> None:
    assert consent(said, *PROPOSED) is Consent.NO


@pytest.mark.parametrize("said", UNCLEAR)
def test_what_is_more_or_other_than_yes_is_to_be_asked_again(said: str) -> None:
    assert consent(said, *PROPOSED) is Consent.UNCLEAR


@pytest.mark.parametrize("said", ["", "  ", "…", "¿?", "Sí " * LONGEST, "🙂", "\x00"])
def test_what_says_nothing_or_far_too_much_is_no_answer(said: str) -> None:
    assert consent(said, *PROPOSED) is Consent.UNCLEAR


@given(st.sampled_from(YES), st.sampled_from(MORE), st.booleans())
def test_whatever_limits_a_yes_takes_it_back(said: str, more: str, first: bool) -> None:
    whole = f"{more}, {said}" if first else f"{said} {more}"
    assert consent(whole, *PROPOSED) is not Consent.YES


@given(st.sampled_from(YES), st.sampled_from(NO), st.booleans())
def test_a_yes_beside_a_no_is_none(said: str, no: str, first: bool) -> None:
    assert consent(f"{said} {no}" if first else f"{no} {said}", *PROPOSED) is not Consent.YES


@given(st.lists(st.sampled_from(YES), min_size=1, max_size=3))
def test_yes_upon_yes_is_a_yes(said: list[str]) -> None:
    assert consent(" ".join(said), *PROPOSED) is Consent.YES


@given(st.text(max_size=60))
def test_any_text_has_an_answer(said: str) -> None:
    assert consent(said, *PROPOSED) in Consent


@pytest.mark.parametrize("said", ["Cancelalo", "Sí, cancelá el pedido", "Confirmo la cancelación"])
def test_the_words_of_another_errand_agree_to_nothing(said: str) -> None:
    assert consent(said, ("agendar", "reservar"), ("turno", "cita")) is Consent.UNCLEAR


@pytest.mark.parametrize("said", ["Sí, pasá.", "Dale, pasá, pasá.", "Sí, cambiá.", "Tomá.", "Sí, tomá."])
def test_what_is_said_to_somebody_at_the_door_moves_and_books_nothing(said: str) -> None:
    assert consent(said, (*MOVING, *BOOKING), AN_APPOINTMENT) is Consent.UNCLEAR


@pytest.mark.parametrize("said", ["Sí, pasá el turno.", "Pasalo.", "Sí, cambiame el turno.", "Sí, quiero cambiarlo."])
def test_a_yes_may_say_what_is_to_be_moved(said: str) -> None:
    assert consent(said, MOVING, AN_APPOINTMENT) is Consent.YES


def test_the_page_of_sentences_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.common.consent_page > docs/consent.md"


def test_enough_sentences_are_tried() -> None:
    assert min(len(YES), len(NO) + len(UNCLEAR)) >= 100
