"""Renders the recorded utterances: other voices, speeds and noise than the callers have."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import numpy as np
import soundfile

from sandbox.render.audio import Audio, levelled, noisy, repitched, telephone, trimmed
from sandbox.render.kokoro import RATE, Kokoro
from sandbox.utterances import FOLDER, Recorded, load_utterances

PHONE_RATE = 8_000

_LOUDNESS_DBFS = -20.0
_MARGIN_S = 0.1


def render_utterances(names: tuple[str, ...] = (), folder: Path = FOLDER) -> None:
    """Render the named utterances of a folder, or all; a file of none of them is removed."""
    recorded = load_utterances(folder)
    for each in recorded:
        if not names or each.name in names:
            render_utterance(each, folder / each.file)
            print(f"{each.file}: {each.say}", flush=True)
    for path in set(folder.glob("*.flac")) - {folder / each.file for each in recorded}:
        path.unlink()


def render_utterance(each: Recorded, path: Path) -> None:
    """8 kHz, 16-bit, the telephone's band; the same file every time, noise included."""
    voice, pitch = each.speaker
    spoken = repitched(Kokoro(voice).speak(each.say, each.speed / pitch), RATE, pitch)
    narrow = telephone(_in_a_room(trimmed(spoken, RATE, _MARGIN_S), each), RATE, PHONE_RATE)
    soundfile.write(path, levelled(narrow, PHONE_RATE, _LOUDNESS_DBFS), PHONE_RATE, format="FLAC", subtype="PCM_16")


def _in_a_room(audio: Audio, each: Recorded) -> Audio:
    if each.noise_db is None:
        return audio
    return noisy(audio, each.noise_db, np.random.default_rng(crc32(each.name.encode())))
