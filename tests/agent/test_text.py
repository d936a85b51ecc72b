"""What a call's record holds can be stored and read by everybody, whatever was said, typed or sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.playout import Played
from agent.transcript import CallTranscript
from common.text import printable
from data.models import Line

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.integers() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_whatever_comes_can_be_written_afterwards(value: object) -> None:
    json.dumps(printable(value), ensure_ascii=False).encode()


@pytest.mark.parametrize("nest", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: (inner,)])
@pytest.mark.slow
def test_what_is_nested_without_end_has_an_end(nest: Callable[[object], object]) -> None:
    value: object = "core"
    for _ in range(100_000):
        value = nest(value)
    text = json.dumps(printable(value))
    assert "core" not in text
    assert text.count("[") + text.count("{") == 32


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_null(number: str) -> None:
    assert printable(json.loads(f'{{"price": [{number}, 1.5]}}')) == {"price": [None, 1.5]}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20))
def test_text_stays_as_it_is(text: str) -> None:
    assert printable(f"{text}\n\t") == f"{text}\n\t"


@given(ANYTHING, st.dictionaries(ANYTHING, VALUES, max_size=3))
def test_a_calls_record_holds_nothing_that_cannot_be_stored(text: str, facts: dict[str, object]) -> None:
    log = CallTranscript("id", Line.BROWSER, None)
    log.user_transcript(text)
    log.played(Played(1, text, 1.0))
    log.fault(text)
    log.tool(text, text, facts, facts, ok=True, elapsed_ms=1)
    record = log.record()
    texts = [turn.text for turn in record.turns], record.details["faults"]
    tools = [(tool.name, tool.tool_use_id, tool.arguments, tool.result) for tool in record.tools]
    json.dumps([texts, tools, log.events.past], ensure_ascii=False).encode()
