"""Reading recorded callers."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from sandbox.twilio.errors import ScriptError
from sandbox.twilio.person import Person
from sandbox.twilio.script import Turn, ad_hoc_script, load_script, script_names

YAML = """
name: order-status
says: "María asks for her order."
number: "+5491155550101"
turns:
  - {say: "Hola", audio: 01.wav}
  - {say: "No, el jueves", audio: 01.wav, interrupt_ms: 1200}
  - {dtmf: "28456789#"}
expect: {tools: []}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "order-status"
    folder.mkdir()
    (folder / "caller.yaml").write_text(YAML, encoding="utf-8")
    soundfile.write(folder / "01.wav", [0.5] * 1600, 16000)
    return tmp_path


def test_a_caller_is_read_with_his_turns(root: Path) -> None:
    assert script_names(root) == ["order-status"]
    script = load_script("order-status", root)
    assert (script.name, script.number) == ("order-status", "+5491155550101")
    hello, interruption, keys = script.turns
    assert (hello.say, len(hello.audio), hello.interrupt_ms) == ("Hola", 800, None)
    assert interruption.interrupt_ms == 1200
    assert keys == Turn(digits="28456789#")
    assert script.expect == {"tools": []}


def test_a_script_may_have_people_and_settings_of_the_server(root: Path) -> None:
    path = root / "order-status" / "caller.yaml"
    people = """
people:
  "+541150310001": {answers_after_s: 3, presses: ["1"], talks_s: 6}
  "sip:guardia@clinica.example": {answer: busy}
settings: {TRANSFER_TARGETS: "+541150310001|*|24h", CALLBACKS: true}
"""
    path.write_text(path.read_text(encoding="utf-8") + people, encoding="utf-8")
    script = load_script("order-status", root)
    assert script.people == {
        "+541150310001": Person(answers_after_s=3, presses=["1"], talks_s=6),
        "sip:guardia@clinica.example": Person(answer="busy"),
    }
    assert script.settings == {"TRANSFER_TARGETS": "+541150310001|*|24h", "CALLBACKS": "True"}


@pytest.mark.parametrize("person", ["{answer: asleep}", "{shouts: true}", "hola"])
def test_a_person_who_makes_no_sense_is_a_script_error(root: Path, person: str) -> None:
    path = root / "order-status" / "caller.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f'\npeople: {{"+541150310001": {person}}}\n', encoding="utf-8")
    with pytest.raises(ScriptError, match=r"caller\.yaml"):
        load_script("order-status", root)


def test_an_unknown_caller_is_answered_with_those_there_are(root: Path) -> None:
    with pytest.raises(ScriptError, match="no caller 'nobody'; there are: order-status"):
        load_script("nobody", root)


@pytest.mark.parametrize(
    "turn",
    [
        '{say: "Hola"}',
        '{say: "Hola", audio: 02.wav}',
        '{audio: 01.wav, dtmf: "1"}',
        '{dtmf: "x"}',
        '{say: "Hola", audio: 01.wav, shout: true}',
        '{say: "Hola", audio: 01.wav, interrupt_ms: soon}',
        "hola",
        "[",
    ],
)
def test_a_turn_that_cannot_be_played_is_refused(root: Path, turn: str) -> None:
    text = YAML.replace('{say: "Hola", audio: 01.wav}', turn)
    (root / "order-status" / "caller.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError, match="order-status|02.wav"):
        load_script("order-status", root)


def test_recordings_given_by_hand_make_a_caller(root: Path) -> None:
    script = ad_hoc_script([root / "order-status" / "01.wav"])
    assert [(turn.say, len(turn.audio)) for turn in script.turns] == [("[01.wav]", 800)]
