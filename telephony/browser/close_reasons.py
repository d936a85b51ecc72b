"""How a browser's socket is closed: the code and reason for programs, a sentence for the person.

Codes from 4000 on are an application's own (RFC 6455, 7.4.2). The original client shows no error of any kind, so the
sentence comes as a bubble of Carlos's before the close.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloseReason:
    code: int
    reason: str  # also the code of the `error` event
    text: str = ""  # what the person reads; nothing when there is nobody to read it


DONE = CloseReason(1000, "done")
STRANGER = CloseReason(1008, "origin_not_allowed")
NO_TOKEN = CloseReason(
    1008,
    "token_missing",
    "Este servidor pide un permiso para conversar, y la página no lo mandó. Avisale a quien la hizo.",
)
BAD_TOKEN = CloseReason(1008, "token_refused", "El permiso para conversar venció o ya se usó. Recargá la página.")
TOO_MANY = CloseReason(1008, "too_many_sockets", "Hay demasiadas conversaciones abiertas desde esta dirección.")
NO_HANDSHAKE = CloseReason(
    4408, "no_handshake", "La conversación no llegó a empezar. Recargá la página y probá de nuevo."
)
SLOW = CloseReason(1008, "too_slow")
FULL = CloseReason(1013, "full", "En este momento todas las líneas están ocupadas. Probá de nuevo en unos minutos.")
GOING_AWAY = CloseReason(1001, "going_away", "El servidor se está reiniciando. Volvé a empezar en unos segundos.")

# By the outcome of a call.
REASON_OF_OUTCOME = {
    "closed": CloseReason(1000, "closed", "Un operador terminó la conversación."),
    "drained": GOING_AWAY,
    "failed": CloseReason(1011, "sonic_lost", "Perdón, hubo un problema técnico. Empezá una conversación nueva."),
    "too_long": CloseReason(4409, "too_long", "Llegamos al tiempo máximo de una conversación. Podés empezar otra."),
    "idle": CloseReason(
        4408, "idle", "Cerré la conversación porque hace rato que nadie dice nada. Podés empezar otra."
    ),
    "doubled_audio": CloseReason(
        4429, "doubled_audio", "El micrófono me llega duplicado y no te entiendo. Recargá la página y empezá de nuevo."
    ),
    "flooded": CloseReason(1008, "too_many_messages", "Llegan demasiados mensajes juntos. Recargá la página."),
    "too_much_text": CloseReason(1009, "too_much_text", "Llegó demasiado texto junto. Recargá la página."),
    "protocol": CloseReason(1008, "protocol", "Esta página no habla como esperaba. Recargala y probá de nuevo."),
}
