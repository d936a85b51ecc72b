from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sandbox.dialogue.lines import FIXED_LINES, SLOT_PHRASES, TEMPLATE_PIECES
from sandbox.speech.clips import FOLDER, RATE, Clip, ClipLibrary, clip_key
from sandbox.speech.espeak import shared_espeak
from sandbox.speech.voice import LocalVoice

PHRASES = ("Tu pedido está", "pendiente", "en camino", "Tu pedido está en", "Hola, soy Carlos. ¿Qué necesitás?")


@pytest.fixture
def clips(tmp_path: Path) -> ClipLibrary:
    """A library whose clips last 100 ms."""
    index = {clip_key(phrase): f"{number}.ogg" for number, phrase in enumerate(PHRASES)}
    for name in index.values():
        soundfile.write(tmp_path / name, np.full(RATE // 10, 0.1), RATE, format="OGG", subtype="OPUS")
    (tmp_path / "index.json").write_text(json.dumps(index))
    return ClipLibrary(tmp_path)


@pytest.fixture
def voice(clips: ClipLibrary) -> LocalVoice:
    return LocalVoice(clips, shared_espeak())


async def spoken(voice: LocalVoice, text: str, rate: int) -> list[bytes]:
    return [piece async for piece in voice.speak(text, rate)]


def names(found: tuple[Clip, ...] | None) -> list[str] | None:
    return None if found is None else [PHRASES[int(clip.path.stem)] for clip in found]


def test_a_sentence_is_joined_from_the_fewest_clips(clips: ClipLibrary) -> None:
    assert names(clips.split("Tu pedido está pendiente.")) == ["Tu pedido está", "pendiente"]


def test_the_longest_clip_is_not_taken_where_the_rest_cannot_be_said(clips: ClipLibrary) -> None:
    assert names(clips.split("Tu pedido está en camino")) == ["Tu pedido está", "en camino"]


def test_case_and_punctuation_do_not_count_but_accents_do(clips: ClipLibrary) -> None:
    assert names(clips.split("¡TU PEDIDO ESTÁ... pendiente!")) == ["Tu pedido está", "pendiente"]
    assert clips.split("Tu pedido esta pendiente") is None


def test_one_unknown_word_leaves_the_sentence_to_espeak(clips: ClipLibrary) -> None:
    assert clips.split("Tu pedido está perdido") is None


def test_punctuation_is_heard_as_a_pause(clips: ClipLibrary) -> None:
    found = clips.split("Tu pedido está pendiente, en camino.")
    assert found is not None
    assert [clip.pause_s for clip in found] == [0.0, 0.12, 0.3]


def test_only_the_sentence_with_the_unknown_word_changes_its_voice(voice: LocalVoice) -> None:
    plan = list(voice.plan("Anoté a Juan. Tu pedido está pendiente. Chau, Juan."))
    assert [part if isinstance(part, str) else "clip" for part in plan] == [
        "Anoté a Juan.",
        "clip",
        "clip",
        "Chau, Juan.",
    ]


def test_a_line_of_two_sentences_may_be_one_clip(voice: LocalVoice) -> None:
    assert len(list(voice.plan("Hola, soy Carlos. ¿Qué necesitás?"))) == 1


def test_the_final_marker_is_never_spoken(voice: LocalVoice) -> None:
    assert list(voice.plan("Tu pedido está pendiente. [FINAL]")) == list(voice.plan("Tu pedido está pendiente."))
    assert list(voice.plan("[FINAL]")) == []


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
async def test_clips_are_spoken_at_the_rate_asked_for(voice: LocalVoice, rate: int) -> None:
    pieces = await spoken(voice, "Tu pedido está pendiente.", rate)
    assert [len(piece) / 2 / rate for piece in pieces] == pytest.approx([0.1, 0.4], abs=0.01)


async def test_espeak_speaks_what_has_no_clip(voice: LocalVoice) -> None:
    [short] = await spoken(voice, "Anoté a Juan.", 24_000)
    [long] = await spoken(voice, "Anoté a Juan Pérez, que vive en la calle Corrientes.", 24_000)
    samples = np.frombuffer(long, dtype="<i2")
    assert len(long) > 2 * len(short) > 24_000
    assert np.abs(samples).max() > 5_000


async def test_without_clips_espeak_says_everything(tmp_path: Path) -> None:
    voice = LocalVoice(ClipLibrary(tmp_path), shared_espeak())
    assert list(voice.plan("Tu pedido está pendiente.")) == ["Tu pedido está pendiente."]


def test_every_line_and_phrase_of_carlos_is_recorded() -> None:
    library = ClipLibrary()
    missing = [line for line in (*FIXED_LINES, *TEMPLATE_PIECES, *SLOT_PHRASES) if library.split(line) is None]
    assert not missing, "render them: docs/local-speech.md"


def test_the_index_and_the_folder_agree() -> None:
    listed = set(json.loads((FOLDER / "index.json").read_text(encoding="utf-8")).values())
    assert listed == {path.name for path in FOLDER.glob("*.ogg")}


def test_the_recorded_clips_can_be_decoded() -> None:
    for path in FOLDER.glob("*.ogg"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels) == (RATE, 1), path.name
        assert info.frames > RATE // 5, path.name
