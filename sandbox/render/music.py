"""The music of a caller who waits for a person: slow broken chords, made here, so that it is nobody else's work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 8000  # Hz, of a phone
NOTE_S = 0.5
_RING_S = 1.4  # a note sounds on under those that follow
_LOUDNESS = 0.16  # of full scale
_CHORDS = ((261.63, 329.63, 392.0, 523.25), (220.0, 261.63, 329.63, 440.0), (174.61, 220.0, 261.63, 349.23))  # Hz
_PATTERN = (0, 1, 2, 3)


def music() -> npt.NDArray[np.float32]:
    """Return one round, which joins its own beginning."""
    notes = [chord[step] for chord in _CHORDS for step in _PATTERN]
    audio = np.zeros(round(len(notes) * NOTE_S * RATE))
    for number, hertz in enumerate(notes):
        t = np.arange(round(_RING_S * RATE)) / RATE
        sound = (np.sin(2 * np.pi * hertz * t) + 0.3 * np.sin(4 * np.pi * hertz * t)) * np.exp(-3.0 * t)
        sound *= np.minimum(1.0, t / 0.02)
        places = (round(number * NOTE_S * RATE) + np.arange(len(t))) % len(audio)
        np.add.at(audio, places, sound)
    quiet: npt.NDArray[np.float32] = (audio / np.abs(audio).max() * _LOUDNESS).astype(np.float32)
    return quiet


def render_music(path: Path = Path("telephony/hold.wav")) -> None:
    soundfile.write(path, music(), RATE, subtype="PCM_16")
