"""What a result tells the model to say, `speak`, and to do after it, `next`.

Source: AWS's prompting guide for Nova 2.5 Sonic, rule 14: words that stand in the result alone cannot be said without
using the tool, which no rule of a prompt can promise. `speak` is whole and ready; neither names a tool (rule 15).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.spanish.consent import Consent

_AFTER_A_WRITE = "Preguntale si necesita algo más."
_AFTER_A_LOOK_UP = "Si pidió detalles, sumalos de este resultado. Después preguntale si necesita algo más."
_AFTER_A_PROPOSAL = (
    "Si contesta con un sí claro, repetí este mismo uso con los mismos datos."
    " Si cambia algo, hacelo con los datos nuevos. Si dice que no, preguntale qué prefiere."
)
_AFTER_A_QUESTION = "Esperá su respuesta y seguí con ella."
_AFTER_A_REFUSAL = "Preguntale cómo quiere seguir."

_BEFORE = {  # a proposal that is made again
    None: "",
    Consent.YES: "",  # it came too late
    Consent.NO: "El cliente dijo que no. ",
    Consent.UNCLEAR: "Hace falta un sí claro del cliente. ",
}


def proposed(proposal: str, answer: Consent | None) -> dict[str, Any]:
    """Return the result for what would be done: `proposal` begins with an infinitive.

    `answer` is what the caller said to the same proposal before.
    """
    return {
        "success": False,
        "confirmation_required": True,
        "proposal": proposal,
        "message": f"{_BEFORE[answer]}Todavía está pendiente de confirmación.",
        "speak": f"Voy a {proposal[:1].lower()}{proposal[1:]} ¿Lo confirmás?",
        "next": _AFTER_A_PROPOSAL,
    }


def spoken(result: Mapping[str, Any], *, writes: bool) -> dict[str, Any]:
    """Return the result with `speak` and `next`, where it does not have them. `writes`: the tool is one that does."""
    keys = ("speak", "question", "error", "message")
    speak = next((str(result[key]) for key in keys if result.get(key)), "")
    return {"speak": speak, "next": _next(result, speak, writes=writes), **result} if speak else dict(result)


def _next(result: Mapping[str, Any], speak: str, *, writes: bool) -> str:
    if speak.endswith("?"):
        return _AFTER_A_QUESTION
    if not result.get("success"):
        return _AFTER_A_REFUSAL
    return _AFTER_A_WRITE if writes else _AFTER_A_LOOK_UP
