"""A call-back on its way: offered, proposed, noted. Sentences and results in, arguments out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from common.spanish.consent import Consent, consent

ASK_CALLBACK = "pedirLlamado"
ABOUT = "Pidió hablar con una persona"  # what it is for, where the caller says no more
_CALLING = (("llamar", "anotar"), ("llamado", "llamada", "numero"))


class _State(Enum):
    NONE = auto()
    OFFERED = auto()
    PROPOSED = auto()
    ASKED = auto()  # for a number


class CallBackTalk:
    """One call's."""

    def __init__(self) -> None:
        self._state = _State.NONE
        self._arguments: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        return self._state is not _State.NONE

    def offer(self) -> None:
        self._state, self._arguments = _State.OFFERED, {"about": ABOUT}

    def heard(self, text: str) -> Mapping[str, str] | None:
        """Return what the tool is used with, None for a caller who does not want it, and it is closed then."""
        if self._state is _State.ASKED and any(character.isalnum() for character in text):
            self._arguments["phone"] = text
        elif consent(text, *_CALLING) is not Consent.YES:
            self._state = _State.NONE
            return None
        return dict(self._arguments)

    def answered(self, body: Mapping[str, Any]) -> None:
        """The tool's result."""
        if body.get("confirmation_required"):
            self._state = _State.PROPOSED
        else:
            self._state = _State.ASKED if "question" in body else _State.NONE
