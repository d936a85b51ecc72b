"""What refuses a recording, what pauses one, and the table of its states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.recording_consent import (
    KEY_GRACE_S,
    NOTICE_TRIES,
    TRANSITIONS,
    Event,
    RecordingConsent,
    State,
    answers_no,
    asks_identity,
    refuses,
    tells_identity,
)

REFUSALS = (
    "No me grabes", "no quiero que me graben", "No, no quiero que grabes la llamada", "dejá de grabar",
    "pará la grabación", "borrá lo que grabaste", "no estoy de acuerdo con que me graben", "sin grabar",
    "preferiría que no me graben", "no autorizo la grabación", "no me estés grabando, por favor",
    "Preferiría no ser grabado", "No, prefiero no ser grabada", "No, no doy permiso para grabar",
)  # fmt: skip
BARE = ("No.", "no, gracias", "Prefiero que no.", "Hola, no.", "no no", "que no", "mejor no", "No quiero")
OTHER_WORDS = (
    "No me llegó el pedido", "No tengo problema en que me graben", "no, no me molesta", "No me importa que me graben",
    "¿me están grabando?", "Hola, no sé el número", "no, quería saber por mi pedido", "No hay problema", "Hola", "Sí",
    "no quedó grabado mi turno", "no me grabaron el turno", "¿No?", "no, dale", "grabame el pedido", "",
)  # fmt: skip


def heard() -> RecordingConsent:
    consent = RecordingConsent()
    consent.notice_heard(10.0)
    return consent


def after(*events: str) -> State:
    """The state after these words of the caller; `>` begins what Carlos plans, `.` is an answer that sounds."""
    consent = heard()
    for event in events:
        if event == ".":
            consent.answered()
        elif event.startswith(">"):
            consent.plans(event[1:])
        else:
            consent.spoke(event)
    return consent.state


@pytest.mark.parametrize("text", REFUSALS)
def test_words_that_refuse_do_so_whenever_they_are_said(text: str) -> None:
    assert refuses(text)
    assert after("Hola", ".", text) is State.REFUSED
    assert after(">¿Me decís tu DNI?", ".", text) is State.REFUSED


@pytest.mark.parametrize("text", BARE)
def test_a_bare_no_is_the_answer_to_the_notice_and_to_nothing_else(text: str) -> None:
    assert answers_no(text)
    assert after(text) is State.REFUSED
    assert after("Hola", ".", ">¿Algo más?", ".", text) is State.RECORDING


@pytest.mark.parametrize("text", OTHER_WORDS)
def test_what_only_begins_with_a_no_refuses_nothing(text: str) -> None:
    assert after(text) is State.RECORDING


def test_a_no_while_the_notice_is_played_is_one() -> None:
    consent = RecordingConsent()
    states = []
    for said in ("¿Hola?", "No, gracias"):
        consent.spoke(said)
        states.append(consent.state)
    assert states == [State.NOTICE, State.REFUSED]


@pytest.mark.parametrize(("at", "state"), [(10.1, State.REFUSED), (10.0 + KEY_GRACE_S, State.PAUSED)])
def test_a_key_right_after_the_notice_answers_it_and_a_later_one_is_keyed(at: float, state: State) -> None:
    consent = heard()
    assert consent.key(at) is (state is State.REFUSED)
    assert consent.state is state


def test_a_key_while_the_notice_is_played_refuses() -> None:
    consent = RecordingConsent()
    assert consent.key(1.0)
    assert consent.state is State.REFUSED
    assert not consent.key(1.1), "the next one is for the keypad"


def test_after_the_callers_words_a_key_refuses_nothing() -> None:
    consent = heard()
    consent.spoke("Hola")
    assert not consent.key(10.2)


def test_a_notice_that_is_talked_over_is_played_again_but_not_for_ever() -> None:
    consent = RecordingConsent()
    assert [consent.notice_cut() for _ in range(NOTICE_TRIES)] == [True] * (NOTICE_TRIES - 1) + [False]
    assert consent.over
    consent.notice_heard(1.0)
    assert not consent.records


def test_an_identity_is_awaited_given_and_answered_before_the_recording_goes_on() -> None:
    asked = (">¿Me decís tu DNI?", ".")
    assert after(*asked) is State.PAUSED
    assert after(*asked, "28 millones") is State.GIVEN
    assert after(*asked, "28 millones", "456 789") is State.GIVEN
    assert after(*asked, "28 millones", "456 789", ".") is State.RECORDING
    assert after(*asked, "28456789", ">¿El DNI es 28.456.789?", ".") is State.PAUSED, "read back"


def test_what_is_asked_for_during_the_notice_pauses_the_recording_at_its_beginning() -> None:
    consent = RecordingConsent()
    consent.plans("Hola, ¿me decís tu DNI?")
    consent.notice_heard(1.0)
    assert consent.state is State.PAUSED


@pytest.mark.parametrize("text", ["mi DNI es", "28 millones 456,789", "28456789", "veintiocho cuatro cinco seis"])
def test_a_number_that_nobody_asked_for_pauses_too(text: str) -> None:
    assert tells_identity(text)
    assert after(text) is State.GIVEN


@pytest.mark.parametrize("text", ["pedido uno", "el martes a las 10 y media", "45.000 pesos", "el 12 de diciembre"])
def test_other_figures_pause_nothing(text: str) -> None:
    assert not tells_identity(text)


@pytest.mark.parametrize(
    ("result", "asks"),
    [
        ({"success": False, "question": "¿Me decís el DNI completo, número por número?", "code": "dni"}, True),
        ({"success": False, "error": "No encuentro el pedido.", "code": "not_verified"}, True),
        ({"success": False, "question": "¿Me decís tu nombre?", "code": "identity_needed"}, True),
        ({"success": False, "question": "¿Para qué día?", "code": "missing"}, False),
        ({"success": True, "dni": "28456789", "speak": "Está en camino."}, False),
        ({"success": False, "question": 7}, False),
    ],
)
def test_a_tools_result_that_sends_carlos_to_ask_who_the_caller_is_pauses(
    result: Mapping[str, Any], asks: bool
) -> None:
    assert asks_identity(result) is asks


def test_no_move_leads_back_to_a_recording_but_an_answer_and_the_notice() -> None:
    ways = {(event, state) for state, moves in TRANSITIONS.items() for event, to in moves.items()
            if to is State.RECORDING}  # fmt: skip
    assert ways == {(Event.HEARD, State.NOTICE), (Event.ANSWERED, State.GIVEN)}


def test_a_refusal_is_possible_wherever_something_may_still_be_recorded() -> None:
    assert all(moves.get(Event.REFUSED) is State.REFUSED for moves in TRANSITIONS.values() if moves)
