"""What Carlos may do to the call itself: tools of the line, beside the seven of the business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.passing_on import NOTHING_IN_PARTICULAR
from agent.sonic.events import ToolSpec

HANG_UP = ToolSpec(
    name="finalizarLlamada",
    description="Terminar la llamada después de tu despedida, cuando el cliente se despide o ya tiene todo.",
    input_schema={"type": "object", "properties": {}},
)

TO_PERSON = "pasarConPersona"


def to_person_tool(reasons: Sequence[str]) -> ToolSpec:
    """Offered only while somebody is there who could take the caller."""
    reason = {
        "type": "string",
        "description": "El tema por el que el cliente necesita una persona",
        "enum": [*reasons, NOTHING_IN_PARTICULAR],
    }
    return ToolSpec(
        name=TO_PERSON,
        description="Pasar la llamada a una persona del negocio, cuando el cliente la pide o no lo podés ayudar.",
        input_schema={"type": "object", "properties": {"reason": reason}},
    )


def hang_up_result(*, goodbye_said: bool) -> dict[str, Any]:
    """Return what a model is told that asks to hang up: silence if it has said goodbye, or a goodbye to say now."""
    if goodbye_said:
        return {"success": True, "next": "La llamada termina sola. Quedate en silencio."}
    goodbye = "Gracias por llamar. ¡Que tengas un buen día!"
    return {"success": True, "speak": goodbye, "next": "Después de esa despedida, la llamada termina sola."}
