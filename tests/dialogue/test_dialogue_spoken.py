"""What comes of sentences of every kind, in the state of the call in which they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.dialogue import spoken, spoken_later
from tests.dialogue.front_desk import Desk


def lines() -> Iterator[tuple[str, str, str]]:
    for said in (*spoken.KINDS.values(), *spoken_later.KINDS.values()):
        for line in filter(None, map(str.strip, said.splitlines())):
            state, sentence, outcome = line.split(" | ")
            yield state, sentence, outcome


async def outcome_of(state: str, sentence: str, outcome: str) -> str | None:
    """None when it came out as it should, else what came instead."""
    desk = Desk()
    for said in spoken.STATES[state]:
        await desk.say_to(said)
    before = len(desk.calls)
    answer = await desk.say_to(sentence)
    made = desk.calls[before:]
    is_done = outcome.startswith("done ")
    if bool(desk.written) is not is_done:
        return f"written: {desk.written}"
    wanted = outcome.removeprefix("done ")
    if wanted.startswith("says "):
        return None if re.search(wanted.removeprefix("says "), answer, re.IGNORECASE) else f"{answer!r} {made}"
    name, _, given = wanted.partition(" ")
    arguments = dict(pair.split("=", 1) for pair in given.split(", ")) if given else {}
    fits = any(use == name and arguments.items() <= used.items() for use, used in made[-1:])
    return None if fits else f"{answer!r} {made}"


@pytest.mark.parametrize(("state", "sentence", "outcome"), list(lines()))
async def test_what_a_caller_says_leads_where_it_should(state: str, sentence: str, outcome: str) -> None:
    assert await outcome_of(state, sentence, outcome) is None
