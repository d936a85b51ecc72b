"""The sentences that Carlos says without the model: recordings in `agent.persona`, in the model's voice or near it."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

RATE = 24000  # Hz


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what it says."""

    file: str
    text: str

    @property
    def pcm(self) -> bytes:
        """16-bit mono at 24 kHz."""
        return clip(self.file)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE


ONE_MOMENT = Clip("one_moment.wav", "Un segundo, por favor.")
STILL_HERE = Clip("still_here.wav", "Sigo acá, ya te respondo.")
ARE_YOU_THERE = Clip("are_you_there.wav", "¿Seguís ahí?")
NO_ANSWER_GOODBYE = Clip("no_answer_goodbye.wav", "Como no te escucho, voy a cortar. Llamá cuando quieras. ¡Chau!")
ONE_MINUTE_LEFT = Clip("one_minute_left.wav", "Te aviso que nos queda un minuto de llamada.")
TIME_IS_UP = Clip("time_is_up.wav", "Se terminó el tiempo de la llamada. Volvé a llamar cuando quieras. ¡Chau!")


@cache
def clip(name: str) -> bytes:
    """Return a recorded sentence: PCM 16-bit mono at 24 kHz."""
    with files("agent.persona").joinpath(name).open("rb") as source, wave.open(source) as wav:
        return bytes(wav.readframes(wav.getnframes()))
