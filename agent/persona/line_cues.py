"""What the model is asked to say by the line itself: instructions, since a text that only describes is not reliably
answered (AWS's prompting guide for Nova 2.5 Sonic, its appendix); sent only while neither side speaks (rule 18b)."""

from __future__ import annotations

STILL_THERE_CUE = "[silencio] El cliente no dice nada: preguntale en pocas palabras si sigue ahí."
MINUTE_LEFT_CUE = "[tiempo] Decile al cliente en una frase que queda un minuto de llamada."
