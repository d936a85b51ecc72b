"""How far a caller is on the way to a person: the table, and what is due."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.transfer import (
    BRIEFING_S,
    DIAL_S,
    JOIN_S,
    MOST_DIALS,
    REDIRECT_S,
    TRANSITIONS,
    Due,
    Event,
    State,
    Transfer,
)

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
BEGUN = Transfer("CA1", 1, "+541150310001", "turnos", "asked", 0, 25.0, NOW, NOW)
RINGING = replace(BEGUN.dialling(NOW), person_id="CA2")
MACHINES = (Event.MACHINE, Event.DECLINED, Event.FAILED, Event.PERSON_LEFT)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_every_state_has_its_moves_and_only_one_has_none() -> None:
    assert set(TRANSITIONS) == set(State)
    assert [state for state, moves in TRANSITIONS.items() if not moves] == [State.OVER]


@pytest.mark.parametrize("state", [state for state in State if state is not State.OVER])
def test_a_caller_who_leaves_ends_it(state: State) -> None:
    assert TRANSITIONS[state][Event.CALLER_LEFT] is State.OVER


@given(st.lists(st.sampled_from(Event), max_size=12))
def test_a_machine_or_a_person_who_declines_is_never_bridged(events: list[Event]) -> None:
    """Whatever comes in whatever order, and twice: who is bridged was asked first and has not declined since."""
    transfer = RINGING
    for event in events:
        after = transfer.after(event, NOW)
        if after is not None and after.state is State.BRIDGED:
            assert event is Event.ACCEPTED
            assert transfer.state in (State.BRIEFING, State.RINGING)
        if event in MACHINES and transfer.state in (State.RINGING, State.BRIEFING):
            assert after is None or after.state is State.RETURNED
        transfer = after or transfer


@given(st.lists(st.sampled_from(Event), max_size=6))
def test_a_transfer_is_kept_as_json_and_read_again(events: list[Event]) -> None:
    transfer = RINGING
    for event in events:
        transfer = transfer.after(event, NOW, "busy") or transfer
    assert Transfer.of(json.loads(json.dumps(transfer.memory()))) == transfer


def test_what_came_of_it_is_kept_with_the_return_alone() -> None:
    assert (back := RINGING.after(Event.FAILED, NOW, "busy"))
    assert (back.state, back.came_to) == (State.RETURNED, "busy")
    assert (briefing := RINGING.after(Event.ANSWERED, NOW, "busy"))
    assert briefing.came_to == ""


@pytest.mark.parametrize(
    ("transfer", "seconds", "due"),
    [
        (BEGUN, 0, Due.DIAL),
        (BEGUN.dialling(NOW), DIAL_S - 1, Due.NOTHING),
        (BEGUN.dialling(NOW), DIAL_S + 1, Due.DIAL),
        (replace(BEGUN.dialling(NOW), dials=MOST_DIALS), DIAL_S + 1, Due.GIVE_UP),
        (RINGING, 60, Due.NOTHING),
        (RINGING, 71, Due.GIVE_UP),
        (RINGING.after(Event.ANSWERED, NOW), BRIEFING_S - 1, Due.NOTHING),
        (RINGING.after(Event.ANSWERED, NOW), BRIEFING_S + 1, Due.GIVE_UP),
        (replace(RINGING, state=State.BRIDGED), JOIN_S - 1, Due.NOTHING),
        (replace(RINGING, state=State.BRIDGED), JOIN_S + 1, Due.GIVE_UP),
        (RINGING.after(Event.FAILED, NOW), REDIRECT_S - 1, Due.NOTHING),
        (RINGING.after(Event.FAILED, NOW), REDIRECT_S + 1, Due.BRING_BACK),
        (RINGING.after(Event.CALLER_LEFT, NOW), 3600, Due.NOTHING),
    ],
)
def test_what_nobody_has_done_is_due(transfer: Transfer, seconds: float, due: Due) -> None:
    assert transfer.due(later(seconds)) is due


def test_each_dial_is_a_leg_of_its_own() -> None:
    again = RINGING.dialling(later(10))
    assert (again.leg, again.dials, again.person_id) == (RINGING.leg + 1, 2, "")
