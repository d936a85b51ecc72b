"""Passing a caller on to a person: why, what the model is told of it, and what of nobody having answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum, auto
from typing import Any

from common.spanish.consent import Consent, consent
from common.spanish.names import plain

TRANSFERRING = "transferring"  # the outcome of a call whose caller is on the way to a person, and may come back
TRANSFERRED = "transferred"  # and of one whose caller a person has taken
MOST_TRANSFERS = 3  # of one call
MISUNDERSTOOD = 3  # times in a row, and a person takes it
NOTE = "transfer"  # under which the call's record keeps it
NOTHING_IN_PARTICULAR = "otro"  # a reason

# The reasons for which somebody is there now, None where nobody is.
type Reasons = Callable[[], Sequence[str] | None]


class Cause(StrEnum):
    ASKED = auto()
    KEYPAD = auto()  # 0
    LOCKED = auto()  # too many wrong proofs
    MISUNDERSTOOD = auto()
    MODEL_DOWN = auto()


@dataclass(frozen=True, slots=True)
class PassOn:
    """`number` counts those of a call from 1."""

    reason: str
    cause: Cause
    number: int

    @property
    def note(self) -> dict[str, Any]:
        return asdict(self)


def count_of(notes: Mapping[str, Any]) -> int:
    """Return how often the call was passed on so far."""
    return int(notes.get(NOTE, {}).get("number", 0))


def takes_it_back(text: str) -> bool:
    """Whether a caller who is about to be passed on wants to stay: a thank-you does not say so."""
    said = plain(text[:200])
    return consent(said) is Consent.NO or any(word in said for word in ("espera", "para un", "no me pases", "deja"))


_SPOKEN = "Te paso con una persona, no cortes."
_SPOKEN_LOCKED = "Por seguridad no puedo seguir con consultas en esta llamada. Te paso con una persona, no cortes."
TO_PERSON_CUE = "[seguir] El cliente pasa con una persona: decile solamente que lo pasás y que no corte."


def passed_on_result(cause: Cause, *, said: bool) -> dict[str, Any]:
    """Return what a model is told whose caller is passed on: silence, if it has said so, or what to say now."""
    if said and cause is Cause.ASKED:
        return {"success": True, "next": "La llamada pasa sola. Quedate en silencio."}
    speak = _SPOKEN_LOCKED if cause is Cause.LOCKED else _SPOKEN
    return {"success": True, "speak": speak, "next": "Después de esa frase, la llamada pasa sola."}


def nobody_result(*, callbacks: bool) -> dict[str, Any]:
    """Return what a model is told that wants to pass a caller on when nobody is there."""
    return {
        "success": False,
        "code": "nobody_there",
        "error": "Ahora no hay nadie que pueda atender.",
        "speak": f"En este momento no hay una persona que pueda atenderte. {_offer(callbacks=callbacks)}",
        "next": "Esperá su respuesta y seguí con ella.",
    }


def nobody_cue(*, callbacks: bool) -> str:
    """The same for a caller who has pressed 0."""
    what = "ofrecele anotar un llamado" if callbacks else "preguntale cómo quiere seguir"
    return f"[seguir] El cliente pide una persona y ahora no hay nadie que pueda atender: deciselo y {what}."


def returned_cue(notes: Mapping[str, Any], *, callbacks: bool) -> str | None:
    """Return what the model of a resumed call is told, once, if nobody took the caller; else None."""
    note = notes.get(NOTE, {})
    if not note.get("came_to") or note.get("told"):
        return None
    what = "ofrecele anotar un llamado" if callbacks else "preguntale cómo quiere seguir"
    return f"[seguir] Ninguna persona pudo atender al cliente: deciselo, pedile disculpas y {what}."


def _offer(*, callbacks: bool) -> str:
    return "¿Querés que te llamen más tarde?" if callbacks else "¿Cómo querés seguir?"
