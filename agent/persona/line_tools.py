"""What Carlos may do to the call itself: tools of the line, beside the seven of the business."""

from __future__ import annotations

from agent.sonic.events import ToolSpec

HANG_UP = ToolSpec(
    name="finalizarLlamada",
    description=(
        "Terminar la llamada. Usala cuando el cliente se despide o dice que no necesita nada más; "
        "después despedite en una frase y la llamada se corta sola."
    ),
    input_schema={"type": "object", "properties": {}},
)

HANG_UP_RESULT = {"success": True, "message": "Despedite en una frase corta."}
