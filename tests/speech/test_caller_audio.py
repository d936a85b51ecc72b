"""The recorded callers that ship with the sandbox: the data, the sound, and what is heard of it. `tests/e2e` has them
served."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from bench.hearing import hearings, utterances
from sandbox.dialogue.digits import find_runs
from sandbox.dialogue.words import read_words
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.script import Turn, load_script

CALLERS = Path(__file__).parents[2] / "sandbox" / "callers"
NAMES = sorted(path.parent.name for path in CALLERS.glob("*/caller.yaml"))
WAVS = sorted(CALLERS.glob("*/*.wav"))
RATE = 8_000
SPOKEN = [
    pytest.param(turn, id=f"{name}-{number}")
    for name in NAMES
    for number, turn in enumerate(load_script(name).turns, 1)
    if turn.audio
]


def read_yaml(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((CALLERS / name / "caller.yaml").read_text(encoding="utf-8")))


def samples(path: Path) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.asarray(soundfile.read(path, dtype="int16")[0])


def test_the_callers_of_the_first_call_are_there() -> None:
    needed = {"order-status-dni", "order-status-name", "wrong-dni", "book", "move-weekday", "cancel-barge-in"}
    assert needed <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_caller_is_well_formed(name: str) -> None:
    content = read_yaml(name)
    script = load_script(name)
    assert script.name == name
    assert script.says.endswith(".")
    assert script.number.startswith("+549")
    assert "Chau" in script.turns[-1].say
    assert set(content["expect"]) <= {"tools", "records", "numbers", "interruptions"}
    assert content["expect"]["tools"]
    assert content["expect"]["records"]
    assert {turn["audio"] for turn in content["turns"]} == {path.name for path in (CALLERS / name).glob("*.wav")}


@pytest.mark.parametrize("path", WAVS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recording_sounds_like_a_telephone(path: Path) -> None:
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_16")
    audio = samples(path).astype(float) / 32768
    power = np.abs(np.fft.rfft(audio)) ** 2
    hz = np.fft.rfftfreq(len(audio), 1 / RATE)
    assert power[(hz < 150) | (hz > 3700)].sum() < 0.001 * power.sum()
    spoken = audio[np.abs(audio) > 0.02]
    assert -20 < 20 * np.log10(np.sqrt(np.mean(spoken**2))) < -12
    assert np.abs(audio[: RATE // 20]).max() < 0.01
    assert np.abs(audio[-RATE // 20 :]).max() < 0.01


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_a_recording_makes_the_same_utterance_wherever_it_lies(name: str) -> None:
    for turn in load_script(name).turns:
        [cut] = utterances(turn.audio)
        assert all(utterances(turn.audio, offset, offset) == [cut] for offset in (1, 37, 159, 511, 2049))


@pytest.mark.speech
@pytest.mark.parametrize("turn", SPOKEN[::3])
def test_what_is_heard_is_what_the_script_says(turn: Turn, recognizer: Recognizer) -> None:
    """Every third here, which a change of the recogniser does not leave alone; `make hearing` hears them all."""
    assert hearings(turn, 1, recognizer) == Counter([turn.heard])


@pytest.mark.parametrize("name", NAMES)
def test_a_callers_numbers_come_out_right(name: str) -> None:
    said = {turn["audio"]: turn["heard"] for turn in read_yaml(name)["turns"]}
    for wav, numbers in read_yaml(name)["expect"]["numbers"].items():
        assert [int(run.digits) for run in find_runs(read_words(said[wav]))] == numbers
