"""What Carlos may do to the call itself: tools of the line, beside the seven of the business."""

from __future__ import annotations

from typing import Any

from agent.sonic.events import ToolSpec

HANG_UP = ToolSpec(
    name="finalizarLlamada",
    description="Terminar la llamada después de tu despedida, cuando el cliente se despide o ya tiene todo.",
    input_schema={"type": "object", "properties": {}},
)


def hang_up_result(*, goodbye_said: bool) -> dict[str, Any]:
    """Return what a model is told that asks to hang up: silence if it has said goodbye, or a goodbye to say now."""
    if goodbye_said:
        return {"success": True, "next": "La llamada termina sola. Quedate en silencio."}
    goodbye = "Gracias por llamar. ¡Que tengas un buen día!"
    return {"success": True, "speak": goodbye, "next": "Después de esa despedida, la llamada termina sola."}
