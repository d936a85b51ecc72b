"""Keys and their entries, in a time that the test tells."""

from __future__ import annotations

import pytest

from agent.keypad import KEYPAD_PAUSE_S, MOST_KEYS, TRANSITIONS, Event, Keypad, State


def test_keys_close_together_are_one_entry_when_nothing_follows_them() -> None:
    keypad = Keypad()
    assert [keypad.press(key, now) for key, now in (("1", 10.0), ("2", 13.0))] == [None, None]
    due = keypad.due
    assert due == 13.0 + KEYPAD_PAUSE_S, "counted from the last key"
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


def typed(keypad: Keypad, keys: str, now: float = 0.0) -> list[str]:
    """The entries that these keys end; a space is a pause."""
    entries = []
    for key in keys:
        now += 0.3
        if key == " ":
            now += KEYPAD_PAUSE_S
        entry = keypad.pause(now) if key == " " else keypad.press(key, now)
        entries += [entry] if entry else []
    return entries


@pytest.mark.parametrize(
    ("keys", "entries"),
    [
        ("28456 789 ", ["28456", "28456789"]),
        ("28456 789#", ["28456", "28456789#"]),
        ("28 456 789 ", ["28", "28456", "28456789"]),
        ("28456# 789 ", ["28456#", "789"]),
        ("0 28456789 ", ["0", "28456789"]),
        ("99*28456789#", ["28456789#"]),
        ("28456 *789 ", ["28456", "789"]),
        ("*", []),
        ("12**# ", ["#"]),
    ],
)
def test_what_follows_a_pause_is_joined_and_a_star_clears(keys: str, entries: list[str]) -> None:
    assert typed(Keypad(), keys) == entries


def test_an_entry_that_was_answered_is_joined_to_nothing() -> None:
    keypad = Keypad()
    assert typed(keypad, "28456 ") == ["28456"]
    keypad.answered()
    assert typed(keypad, "6 ", 10.0) == ["6"]


def test_a_star_leaves_nothing_due() -> None:
    keypad = Keypad()
    typed(keypad, "123")
    assert keypad.gathering
    typed(keypad, "*")
    assert (keypad.gathering, keypad.due) == (False, None)


def test_the_pause_is_the_call_s_own() -> None:
    keypad = Keypad(pause_s=1.0)
    keypad.press("1", 5.0)
    assert keypad.due == 6.0


@pytest.mark.parametrize("state", State)
def test_every_state_takes_keys_and_an_entry_can_always_be_ended(state: State) -> None:
    assert {Event.KEY, Event.LAST_KEY, Event.CLEAR} <= set(TRANSITIONS[state])
    assert TRANSITIONS[state][Event.LAST_KEY] is TRANSITIONS[state][Event.CLEAR] is State.IDLE
