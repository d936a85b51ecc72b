"""Renders every fixed line and phrase of Carlos that has no clip yet; phrases he no longer says are removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import soundfile

from common.spanish.numbers import spell
from common.spanish.wording import WEEKDAYS
from sandbox.dialogue import lines
from sandbox.render.audio import levelled, trimmed
from sandbox.render.kokoro import RATE, Kokoro
from sandbox.speech.clips import FOLDER, clip_key

_LOUDNESS_DBFS = -20.0
_MARGIN_S = 0.015
_SPEED = 1.05

# Kokoro garbles a short word on its own ("al", "seis"), and longer pieces join with fewer seams.
_NUMBERED = (
    lines.ORDER_NOTED,
    lines.APPOINTMENT_NOTED,
    "Voy a cancelar el pedido {number}",
    "Voy a cancelar el turno {number}",
    "Voy a pasar el turno {number}",
    lines.ORDER_CANCELLED,
    lines.APPOINTMENT_CANCELLED,
)
_STATES = (lines.ORDER_STATE, lines.ORDER_STATE_NO_DATE, "Tu pedido está {status} y la entrega estimada es")
_HALVES = ("de la mañana", "de la tarde")
_JOINED = (
    *(template.format(number=spell(number)) for template in _NUMBERED for number in range(1, 11)),
    *(template.format(status=status) for template in _STATES for status in lines.ORDER_STATUSES.values()),
    *(f"{article} {day}" for article in ("el", "al") for day in WEEKDAYS),
    *(f"con {doctor}" for doctor in lines.DOCTORS.values()),
    *(f"{hour} {rest}" for hour in lines.HOURS for rest in (*_HALVES, "y media", "y cuarto")),
)


def render_clips(folder: Path = FOLDER) -> None:
    said = (*lines.FIXED_LINES, *lines.TEMPLATE_PIECES, *lines.SLOT_PHRASES, *_JOINED)
    phrases = {clip_key(phrase): phrase for phrase in reversed(said)}
    voice = Kokoro("em_alex", rioplatense=True)
    folder.mkdir(exist_ok=True)
    missing = [key for key in reversed(phrases) if not (folder / file_name(key)).exists()]
    for key in sorted(missing, key=lambda key: phrases[key] == lines.ENGLISH):  # English last
        if phrases[key] == lines.ENGLISH:
            voice = Kokoro("em_alex", language="en-us")
        render_clip(voice, phrases[key], folder / file_name(key))
        print(f"{file_name(key)}: {phrases[key]}", flush=True)
    write_index(folder, phrases)


def render_clip(voice: Kokoro, phrase: str, path: Path) -> None:
    audio = trimmed(voice.speak(phrase, _SPEED), RATE, _MARGIN_S)
    soundfile.write(path, levelled(audio, RATE, _LOUDNESS_DBFS), RATE, format="OGG", subtype="OPUS")


def write_index(folder: Path, keys: Iterable[str]) -> None:
    """List the phrases; a clip that is none of them is deleted."""
    index = {key: file_name(key) for key in sorted(keys)}
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for path in folder.glob("*.ogg"):
        if path.name not in index.values():
            path.unlink()


def file_name(key: str) -> str:
    """Short and stable: a re-rendered phrase replaces its own file and no other."""
    return hashlib.sha256(key.encode()).hexdigest()[:12] + ".ogg"
