"""What counts as a yes to "Voy a cancelar el pedido seis. ¿Lo confirmás?"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.consent import LONGEST, Consent, consent

CANCELLING = (("cancelar", "anular"), ("pedido", "orden", "compra", "cancelacion"))

YES = """
Sí.
Si
Sí, sí.
Sí, por favor.
Sí, confirmo.
Dale.
Dale, sí.
De una.
Obvio.
Claro.
Claro que sí.
Por supuesto.
Sí, dale.
Ok.
Okey
Bueno, dale.
Sí, cancelalo.
Cancelalo.
Cancelalo nomás.
Sí, cancelá el pedido.
Confirmado.
Confirmo.
Exacto.
Correcto.
Así es.
Perfecto.
Genial, gracias.
Está bien.
De acuerdo.
Seguro.
Sí, seguro.
Listo, dale.
Joya.
Bárbaro, gracias.
Cómo no.
Sí, señor.
Sí, Carlos.
Hacelo.
Adelante.
Afirmativo.
Sí, quiero cancelarlo.
Sí, anulalo por favor.
Eso.
Tal cual.
Mandale.
Metele.
Ajá, sí.
Eh, sí.
Y bueno, dale.
Sí, no hay problema.
Sí, está bien, gracias.
Vale.
Lo confirmo.
Sí, lo confirmo.
Sí claro
Por favor, sí.
Sí, gracias.
Sí quiero.
Dale nomás.
Dale, gracias.
Me parece bien.
Buenísimo.
Sí, exactamente.
Sí sí sí.
Sí, hacelo.
Sí, cancelá.
Va.
Sí, cancelámelo.
Sí, ya.
Bueno.
Bueno, gracias.
Sí, cancelá ese pedido.
Sí, la cancelación.
Confirmo la cancelación.
Sí, cancelala.
Sí, todo bien.
""".strip().splitlines()

NO = """
No.
No, gracias.
Mejor no.
No, dejalo.
Sí… no, no.
Dale, no, esperá.
Obvio que no.
Claro que no.
No, no quiero.
Para nada.
Dejalo así.
Ni loco.
No, está bien, gracias.
Bueno, no.
Sí, no.
""".strip().splitlines()

UNCLEAR = """
Si lo cancelo, ¿me devuelven la plata?
Si lo cancelo me devuelven la plata
Claudia, ¿está listo el café?
Claudia está listo el café
y bueno, vamos a una pausa
Sí, pero el mail está mal
Sí, y también cancelá el turno uno
Esperá.
Un momento.
Sí, esperá un segundo
¿Sí o no qué?
¿Qué?
¿Cómo?
A ver
Sí, pero el otro
Sí, el cinco
Sí, cancelá el turno
Cancelá el pedido cinco
¿Cuánto sale?
Sí, ¿cuánto sale?
Si puede ser mañana
Sí, mañana
No sé
Mmm
Ajá
Hola
Sí, si me devuelven la plata
Sí, cuando llegue
Sí, mi amor, ya voy
Sí, mamá
Ahora te llamo
Sí, quiero hablar con una persona
Sí, pero a las cinco
Dale, pero otro día
Cita
Sino
Se
Reservalo
Sí, agendalo
¿Por qué no?
Por qué no
Sí, creo
Creo que sí
Puede ser
Capaz
Sí, casi
Más o menos
Repetime
¿Lo podés repetir?
Sí, cambialo
Sí, decime
Sí, ¿y el turno?
Sí o no
Yo qué sé
Sí, el
Sí, lo
Sí, la de
Sí, mirá
Bueno, mirá
Sí, un
Sí con
Está
""".strip().splitlines()

# Words of which no answer is made: conditions, corrections, other errands, somebody else in the room.
MORE = ("pero", "si llega", "mañana", "el cinco", "y también el turno", "Claudia", "vamos a una pausa", "cuando pueda")


@pytest.mark.parametrize("said", YES)
def test_a_plain_yes_is_one(said: str) -> None:
    assert consent(said, *CANCELLING) is Consent.YES


@pytest.mark.parametrize("said", NO)
def test_a_no_anywhere_is_a_no(said: str) -> None:
    assert consent(said, *CANCELLING) is Consent.NO


@pytest.mark.parametrize("said", UNCLEAR)
def test_what_is_more_or_other_than_yes_is_to_be_asked_again(said: str) -> None:
    assert consent(said, *CANCELLING) is Consent.UNCLEAR


@pytest.mark.parametrize("said", ["", "  ", "…", "¿?", "Sí " * LONGEST, "🙂", "\x00"])
def test_what_says_nothing_or_far_too_much_is_no_answer(said: str) -> None:
    assert consent(said, *CANCELLING) is Consent.UNCLEAR


@given(st.sampled_from(YES), st.sampled_from(MORE), st.booleans())
def test_whatever_limits_a_yes_takes_it_back(said: str, more: str, first: bool) -> None:
    whole = f"{more}, {said}" if first else f"{said} {more}"
    assert consent(whole, *CANCELLING) is not Consent.YES


@given(st.sampled_from(YES), st.sampled_from(NO), st.booleans())
def test_a_yes_beside_a_no_is_none(said: str, no: str, first: bool) -> None:
    assert consent(f"{said} {no}" if first else f"{no} {said}", *CANCELLING) is not Consent.YES


@given(st.lists(st.sampled_from(YES), min_size=1, max_size=3))
def test_yes_upon_yes_is_a_yes(said: list[str]) -> None:
    assert consent(" ".join(said), *CANCELLING) is Consent.YES


@given(st.text(max_size=60))
def test_any_text_has_an_answer(said: str) -> None:
    assert consent(said, *CANCELLING) in Consent


@pytest.mark.parametrize("said", ["Cancelalo", "Sí, cancelá el pedido", "Confirmo la cancelación"])
def test_the_words_of_another_errand_agree_to_nothing(said: str) -> None:
    assert consent(said, ("agendar", "reservar"), ("turno", "cita")) is Consent.UNCLEAR
