"""The recorded utterances: eight voices, quick and slow, with noise, on a line as the telephone's."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from bench.hearing import STEP
from bench.recorded import LEAST, Heard, hear, kept
from common.spanish.consent import Consent
from sandbox.speech.whisper import Recognizer
from sandbox.utterances import FOLDER, VOICES, Recorded, load_utterances

UTTERANCES = load_utterances()
MOST_BYTES = 6_000_000
RATE = 8_000


def test_there_are_enough_of_them_in_every_voice() -> None:
    assert len(UTTERANCES) >= 60
    assert len({each.name for each in UTTERANCES}) == len(UTTERANCES)
    assert {each.voice for each in UTTERANCES} == set(VOICES)
    assert sum(each.noise_db is not None for each in UTTERANCES) >= 15
    assert {each.noise_db for each in UTTERANCES} - {None} <= set(range(10, 21))
    assert all(0.9 <= each.speed <= 1.2 for each in UTTERANCES)


def test_each_has_its_recording_and_its_transcript_and_they_are_small() -> None:
    files = {path.name: path.stat().st_size for path in FOLDER.glob("*.flac")}
    assert set(files) == {each.file for each in UTTERANCES}
    assert set(kept()) == {each.name for each in UTTERANCES}, "python -m bench.recorded --write"
    assert sum(files.values()) < MOST_BYTES


@pytest.mark.parametrize("recorded", UTTERANCES, ids=lambda each: each.name)
def test_a_recording_sounds_like_a_telephone(recorded: Recorded) -> None:
    samples, rate = soundfile.read(FOLDER / recorded.file)
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    assert rate == RATE
    assert power[(hz < 150) | (hz > 3700)].sum() < 0.002 * power.sum()


def heard() -> list[Heard]:
    """By the transcripts that are kept; the last test holds them to the sound."""
    return [Heard(each, kept()[each.name]) for each in UTTERANCES]


@pytest.mark.speech
def test_nineteen_in_twenty_are_understood() -> None:
    wrong = [f"{each.recorded.name}: {each.text}" for each in heard() if not each.understood]
    assert len(wrong) <= (1 - LEAST) * len(UTTERANCES), wrong


def test_no_answer_is_turned_round() -> None:
    """What is not heard well is asked for again; a no is never heard as a yes, nor a yes as a no."""
    assert not [each.recorded.name for each in heard() if each.is_harmful]
    assert not [
        each.recorded.name
        for each in heard()
        if each.recorded.means.get("consent") == "yes" and each.consent is Consent.NO
    ]


@pytest.mark.speech
@pytest.mark.parametrize("recorded", UTTERANCES[::3], ids=lambda each: each.name)
def test_what_is_heard_is_what_is_kept(recorded: Recorded, recognizer: Recognizer) -> None:
    """`python -m bench.recorded --write` after a change of the recogniser. Every third here, which a change does not
    leave alone; `make recorded` hears them all."""
    assert hear(recorded, recognizer, STEP) == kept()[recorded.name]
