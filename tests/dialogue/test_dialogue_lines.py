from __future__ import annotations

import json
from datetime import date, time
from pathlib import Path

import pytest

from sandbox.dialogue import lines
from sandbox.dialogue.lines import FIXED_LINES, SLOT_PHRASES, TEMPLATE_PIECES, TEMPLATES
from sandbox.dialogue.speech import say_date, say_proposal, say_time
from sandbox.speech.clips import ClipLibrary, clip_key


@pytest.fixture
def clips(tmp_path: Path) -> ClipLibrary:
    """A library that has a (silent) clip of every phrase."""
    index = {clip_key(phrase): "none.ogg" for phrase in (*FIXED_LINES, *TEMPLATE_PIECES, *SLOT_PHRASES)}
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return ClipLibrary(tmp_path)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_filled_from_the_vocabulary_is_made_of_recorded_phrases(template: str, clips: ClipLibrary) -> None:
    sentence = template.format(
        number="treinta y uno",
        date=say_date(date(2026, 12, 1)),
        time=say_time(time(15, 45)),
        status=lines.ORDER_STATUSES["shipped"],
        doctor=lines.DOCTORS["Dra. Carmen Ruiz"],
        kind=lines.APPOINTMENT_KINDS["routine"],
        items=f"{lines.PRODUCTS[0]} y dos unidades de {lines.PRODUCTS[1]}",
        money="diez pesos",
        code="uno dos tres",
    )
    assert clips.split(sentence) is not None


@pytest.mark.parametrize(
    "proposal",
    [
        f"Cancelar el pedido 6: 1 {lines.PRODUCTS[0]}, 2 {lines.PRODUCTS[1]} y 1 {lines.PRODUCTS[2]}.",
        "Cancelar la cita 31, con Dra. Carmen Ruiz el martes 1 de diciembre a las 10:15.",
        "Pasar la cita 5, con Dr. Roberto Mendoza el viernes 26 de noviembre a las 9:00, "
        "al jueves 1 de enero de 2027 a las 16:30.",
    ],
)
def test_what_the_server_proposes_is_made_of_recorded_phrases_too(proposal: str, clips: ClipLibrary) -> None:
    assert clips.split(say_proposal(proposal)) is not None


def test_every_day_of_a_year_is_made_of_recorded_phrases(clips: ClipLibrary) -> None:
    days = (date.fromordinal(number) for number in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal()))
    assert [day for day in days if clips.split(say_date(day)) is None] == []


def test_every_line_has_a_name_and_is_said_once() -> None:
    assert len(set(FIXED_LINES)) == len(FIXED_LINES)
    assert len(set(TEMPLATES)) == len(TEMPLATES)
    named = {value for name, value in vars(lines).items() if name.isupper() and isinstance(value, str)}
    assert named - {lines.FINAL_MARKER} == {*FIXED_LINES, *TEMPLATES}


def test_the_marker_is_stripped_from_what_is_spoken() -> None:
    assert lines.spoken("Hola. [FINAL] ¿Seguimos? [FINAL]") == "Hola. ¿Seguimos?"
