"""Facts changed one section at a time: what was written by hand stays where it can."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import RuleBroken
from data.facts import Facts
from data.facts_edit import merged, rewritten, with_answer
from data.facts_file import FactsError, read, sections, to_yaml
from data.kept_facts import SAMPLE, UNTOLD

SAMPLE_TEXT = SAMPLE.read_text(encoding="utf-8")
TODAY = date(2026, 11, 23)
BY_HAND = """# Ours.
name: Sol # the short one

# When we are there:
hours:
  # lunch is at one
  monday-friday: 8:00-13:00, 14:00-18:00

# Doctors next.
doctors:
  - name: Dra. Ana López
# The end.
"""


def document(text: str, **changes: Any) -> dict[str, Any]:
    return sections(read(text)) | changes


def test_a_change_leaves_the_other_sections_as_they_were_written() -> None:
    made = merged(BY_HAND, document(BY_HAND, address="Corrientes 1234"))
    assert made == BY_HAND + "address: Corrientes 1234\n"
    assert merged(BY_HAND, document(BY_HAND)) == BY_HAND


def test_a_section_that_changes_loses_its_own_comments_alone() -> None:
    made = merged(BY_HAND, document(BY_HAND, hours={"monday": "9:00-12:00"}))
    assert "lunch" not in made
    for kept in ("# Ours.", "Sol # the short one", "# When we are there:", "# Doctors next.", "# The end."):
        assert kept in made, kept
    assert read(made).hours[1:] == 6 * ((),)


def test_what_is_taken_out_goes() -> None:
    wanted = document(BY_HAND)
    del wanted["doctors"]
    made = merged(BY_HAND, wanted)
    assert read(made).doctors == ()
    assert "# The end." in made


@pytest.mark.parametrize(
    "text", ["{name: Sol, address: Calle 1}", "  name: Sol\n  address: Calle 1", "--- {name: Sol}"]
)
def test_a_text_of_another_form_is_written_anew(text: str) -> None:
    made = merged(text, document(text, address="Calle 2"))
    assert read(made) == Facts("Sol", "Calle 2")


def test_faults_of_a_document_are_named_by_its_keys() -> None:
    wanted = document(SAMPLE_TEXT, hours={"monday": "8-20"}, doctors=[{"name": "Dr. Paz"}, {"name": ""}])
    with pytest.raises(FactsError) as raised:
        merged(SAMPLE_TEXT, wanted)
    assert {fault.key for fault in raised.value.faults} == {"hours.monday", "doctors[2].name"}


keys = st.sampled_from(["name", "address", "delivery", "emergency", "plans", "doctors", "questions", "products"])


@given(st.lists(keys, unique=True), st.text(max_size=40))
@pytest.mark.slow
def test_whatever_changes_the_text_reads_as_the_facts_that_are_wanted(changed: list[str], words: str) -> None:
    wanted = document(SAMPLE_TEXT)
    for key in changed:
        wanted[key] = f"a {words!r}"[:80] if isinstance(wanted.get(key), str) or key == "emergency" else []
    try:
        facts = read(to_yaml(read_document(wanted)))
    except FactsError:
        return
    assert read(rewritten(SAMPLE_TEXT, facts)) == facts


def read_document(wanted: dict[str, Any]) -> Facts:
    return read(merged("", wanted))


# Answers.


def test_an_answer_is_told_to_whoever_asks_again() -> None:
    made = with_answer(BY_HAND, "¿Hay wifi?", ("¿Hay wifi?",), "Sí, pedí la clave.", UNTOLD, TODAY)
    assert read(made).questions[0].answer == "Sí, pedí la clave."
    assert made.startswith(BY_HAND)


def test_an_answer_begins_the_facts_of_a_business_without_any() -> None:
    made = with_answer("", "¿Hay wifi?", ("¿Hay wifi?",), "Sí.", UNTOLD, TODAY)
    assert read(made).name == UNTOLD.name


def test_an_answer_that_the_question_would_not_find_is_refused() -> None:
    for question, asked in (
        ("¿Y cómo es la consulta?", "¿Y cómo es la consulta?"),
        ("¿Hay wifi?", "¿Aceptan mascotas?"),
    ):
        with pytest.raises(RuleBroken, match="not_told"):
            with_answer(BY_HAND, question, (asked,), "Sí.", UNTOLD, TODAY)
