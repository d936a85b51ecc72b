"""Keys and their entries, in a time that the test tells."""

from __future__ import annotations

import pytest

from agent.keypad import KEYPAD_PAUSE_S, MOST_KEYS, TRANSITIONS, Event, Keypad, State


def test_keys_close_together_are_one_entry_when_nothing_follows_them() -> None:
    keypad = Keypad()
    assert [keypad.press(key, now) for key, now in (("1", 10.0), ("2", 11.5))] == [None, None]
    due = keypad.due
    assert due == 11.5 + KEYPAD_PAUSE_S, "counted from the last key"
    assert keypad.pause(due) == "12"
    assert keypad.due is None


def test_a_hash_ends_an_entry_at_once_and_may_be_all_of_it() -> None:
    keypad = Keypad()
    keypad.press("7", 0.0)
    assert keypad.press("#", 0.1) == "7#"
    assert keypad.due is None
    assert keypad.press("#", 0.2) == "#"


def test_an_entry_has_so_many_keys_and_the_next_one_begins_another() -> None:
    keypad = Keypad()
    entries = [entry for _ in range(2 * MOST_KEYS + 1) if (entry := keypad.press("5", 0.0))]
    assert entries == ["5" * MOST_KEYS] * 2
    assert keypad.pause(KEYPAD_PAUSE_S) == "5"


def test_a_pause_that_nobody_waits_for_is_no_entry() -> None:
    assert Keypad().pause(1.0) is None


@pytest.mark.parametrize("state", State)
def test_every_state_takes_keys_and_an_entry_can_always_be_ended(state: State) -> None:
    assert {Event.KEY, Event.LAST_KEY} <= set(TRANSITIONS[state])
    assert TRANSITIONS[state][Event.LAST_KEY] is State.IDLE
