"""Gives each recorded caller a voice of their own and writes their WAV files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import soundfile
import yaml

from sandbox.render.audio import levelled, repitched, telephone, trimmed
from sandbox.render.kokoro import RATE, Kokoro

FOLDER = Path(__file__).resolve().parent.parent / "callers"
PHONE_RATE = 8_000

_LOUDNESS_DBFS = -20.0
_MARGIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Speaker:
    voice: str
    speed: float = 1.0
    pitch: float = 1.0


SPEAKERS = {
    "order-status-dni": Speaker("ef_dora"),
    "order-status-name": Speaker("em_alex", speed=1.05, pitch=0.97),
    "wrong-dni": Speaker("ef_dora", speed=0.95, pitch=1.06),
    "book": Speaker("em_alex", speed=0.85, pitch=1.06),
    "move-weekday": Speaker("ef_dora", speed=0.95, pitch=0.95),
    "cancel-barge-in": Speaker("em_alex", pitch=0.94),
    "order-details": Speaker("em_alex", speed=0.95, pitch=1.03),
    "cancel-appointment": Speaker("ef_dora", pitch=1.03),
    "no-number": Speaker("em_alex", speed=0.95),
    "person": Speaker("ef_dora", pitch=0.98),
}


def render_callers(names: tuple[str, ...] = ()) -> None:
    """Render the named callers, or all of them, over their old files."""
    for name in names or tuple(SPEAKERS):
        render_caller(name)


def render_caller(name: str) -> None:
    voice = Kokoro(SPEAKERS[name].voice)
    script = yaml.safe_load((FOLDER / name / "caller.yaml").read_text(encoding="utf-8"))
    for turn in script["turns"]:
        render_turn(turn["say"], SPEAKERS[name], voice, FOLDER / name / turn["audio"])
        print(f"{name}/{turn['audio']}: {turn['say']}", flush=True)


def render_turn(text: str, speaker: Speaker, voice: Kokoro, path: Path) -> None:
    """One WAV: 8 kHz, 16-bit, the telephone's band, a tenth of a second of silence at each end."""
    audio = repitched(voice.speak(text, speaker.speed / speaker.pitch), RATE, speaker.pitch)
    narrow = telephone(trimmed(audio, RATE, _MARGIN_S), RATE, PHONE_RATE)
    soundfile.write(path, levelled(narrow, PHONE_RATE, _LOUDNESS_DBFS), PHONE_RATE, subtype="PCM_16")
