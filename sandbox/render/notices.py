"""Renders what Carlos says of a recording, and when the line is closed: WAV, 24 kHz, beside his other clips."""

from __future__ import annotations

from pathlib import Path

import soundfile

from sandbox.render.audio import levelled, trimmed
from sandbox.render.kokoro import RATE, Kokoro

FOLDER = Path(__file__).resolve().parents[2] / "agent" / "persona"

_NOTICES = {
    "recording_notice.wav": 'Esta llamada puede ser grabada. Si preferís que no, decí "no" o apretá una tecla.',
    "recording_off.wav": "Listo, no grabo esta llamada.",
    "closed.wav": "Gracias por llamar. En este momento está cerrado. Por favor, volvé a llamar cuando abramos.",
    "closed_callback.wav": "Si querés que te llamemos a este número, apretá uno.",
    "callback_noted.wav": "Listo, lo anoté. Te vamos a llamar a este número.",
    "callback_failed.wav": "Perdón, no lo pude anotar. Por favor, volvé a llamar cuando abramos.",
}
_LOUDNESS_DBFS = -20.0
_MARGIN_S = 0.015
_SPEED = 1.05


def render_notices(folder: Path = FOLDER) -> None:
    """Render them over their old files."""
    voice = Kokoro("em_alex", rioplatense=True)
    for name, text in _NOTICES.items():
        audio = trimmed(voice.speak(text, _SPEED), RATE, _MARGIN_S)
        soundfile.write(folder / name, levelled(audio, RATE, _LOUDNESS_DBFS), RATE, subtype="PCM_16")
        print(f"{name}: {text}", flush=True)
