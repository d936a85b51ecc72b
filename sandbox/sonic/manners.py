"""How Nova 2.5 takes tools and cues, where the mind behind the stand-in would do otherwise.

Source: AWS's prompting guide for Nova 2.5 Sonic: a tool's turn is silent (rule 18), what is to be said stands in the
result's `speak` (14), and a text is followed if it instructs; one that only describes is not reliably answered
(appendix). That a second result for one use is refused holds with any manners: `agent.sonic.rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CUE = re.compile(r"\[[a-z]+\]")  # the server's; [DTMF] is the caller's own
_IMPERATIVE = re.compile(
    r"\b(?:saludá|dec[ií](?:le|lo|la)?|cont[aá](?:le|selo)|avisale|preguntá|preguntale|ped[ií]|seguí|respondé|despedite)\b",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"(?:¿[^¿?]*\?)?\s*(?:\[FINAL\])?\s*\Z")


def only_describes(text: str) -> bool:
    """Return True for a cue of the server that asks for nothing."""
    return bool(_CUE.match(text)) and not _IMPERATIVE.search(text)


def to_say(result: Mapping[str, Any]) -> str:
    """Return what a tool's result wants said; empty if it leaves that to the mind."""
    body = result.get("result", result)
    speak = body.get("speak") if isinstance(body, Mapping) else None
    return speak if isinstance(speak, str) else ""


def instead_of(planned: str, speak: str) -> str:
    """Return a result's words with the question that the mind would have ended on, if they ask none themselves."""
    closing = _CLOSING.search(planned)
    ending = closing.group().strip() if closing else ""
    if speak.rstrip().endswith("?"):
        ending = "[FINAL]" if ending.endswith("[FINAL]") else ""
    return f"{speak} {ending}".strip()
