"""The table of a call's states, its drawing in the docs, and calls that go through it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.call_state import TRANSITIONS, CallMove, CallState

ROOT = Path(__file__).parents[2]
FIRST = {CallState.GREETING, CallState.RESUMING}


def drawing() -> str:
    """The moves from one state into another, for docs/architecture.md."""
    labels: dict[tuple[str, str], list[str]] = {}
    for state, moves in TRANSITIONS.items():
        for move, after in moves.items():
            if after is not state:
                labels.setdefault((state.name, after.name), []).append(move.replace("_", " "))
    first = [f"    [*] --> {state.name}" for state in CallState if state in FIRST]
    last = [f"    {state.name} --> [*]" for state, moves in TRANSITIONS.items() if not moves]
    return "\n".join(first + [f"    {one} --> {other}: {', '.join(by)}" for (one, other), by in labels.items()] + last)


def test_the_states_in_the_docs_are_the_table_s_own() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert f"stateDiagram-v2\n{drawing()}\n```" in page


def test_every_state_is_reached_and_every_move_leads_somewhere() -> None:
    assert FIRST | {after for moves in TRANSITIONS.values() for after in moves.values()} == set(CallState)
    assert {move for moves in TRANSITIONS.values() for move in moves} == set(CallMove)


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.OVER])
def test_a_call_may_end_in_every_state(state: CallState) -> None:
    assert TRANSITIONS[state][CallMove.ENDED] is CallState.OVER


def test_nothing_but_its_end_follows_an_apology() -> None:
    assert set(TRANSITIONS[CallState.APOLOGISING].values()) == {CallState.APOLOGISING, CallState.OVER}


def test_nothing_but_its_end_follows_the_goodbye_at_the_limit() -> None:
    assert set(TRANSITIONS[CallState.CLOSING].values()) == {CallState.CLOSING, CallState.OVER}


if __name__ == "__main__":
    print(drawing())
