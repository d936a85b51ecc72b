"""Words by themselves, said by the renderer's voices at several speeds and pitches: `answers/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.hearing import utterances
from common.spanish.consent import AN_ORDER, CANCELLING, Consent, consent
from common.spanish.names import plain
from sandbox.speech.mel import RATE
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.wav import read_speech

ANSWERS = Path(__file__).parent / "answers"

pytestmark = pytest.mark.speech


def words(path: Path, recognizer: Recognizer) -> str:
    [audio] = utterances(read_speech(path))
    return plain(recognizer.transcribe(audio, RATE)).strip(" .!¡")


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("yes-*.wav")), ids=lambda path: path.stem)
def test_a_bare_yes_is_a_yes(path: Path, recognizer: Recognizer) -> None:
    assert words(path, recognizer) == "si"


@pytest.mark.parametrize(
    "path", sorted([*ANSWERS.glob("no-*.wav"), *ANSWERS.glob("dale-*.wav")]), ids=lambda path: path.stem
)
def test_other_bare_answers_stay_what_they_are(path: Path, recognizer: Recognizer) -> None:
    assert words(path, recognizer) == path.stem.partition("-")[0]


@pytest.mark.parametrize(
    "path", sorted([*ANSWERS.glob("six-*.wav"), *ANSWERS.glob("seven-*.wav")]), ids=lambda path: path.stem
)
def test_a_number_that_sounds_like_yes_is_none(path: Path, recognizer: Recognizer) -> None:
    assert words(path, recognizer).split()[:1] != ["si"]


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("agrees-*.wav")), ids=lambda path: path.stem)
def test_a_yes_of_a_few_words_is_a_yes(path: Path, recognizer: Recognizer) -> None:
    """ "Sí, cancelalo." was heard as "Si cancelado.", "Sí, gracias." as "Gracias." and "Obvio." as "¡Había!"."""
    assert consent(words(path, recognizer), CANCELLING, AN_ORDER) is Consent.YES


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("neither-*.wav")), ids=lambda path: path.stem)
def test_what_only_sounds_like_a_yes_is_none(path: Path, recognizer: Recognizer) -> None:
    assert consent(words(path, recognizer), CANCELLING, AN_ORDER) is not Consent.YES
