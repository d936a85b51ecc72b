"""A whole desk behind the stand-in: proposes, reads the caller's consent, and carries out, as the server does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.spanish.consent import Consent, consent
from sandbox.brain import Prompt, Utterance
from sandbox.dialogue import DialogueMind
from sandbox.dialogue.intents import Task
from sandbox.dialogue.tasks import AGREEING
from tests.dialogue.phone_stage import NOW, TOOLS

LINE_TOOLS = ("buscarRegistros", "horariosLibres", "consultarInformacion")
_WRITES = frozenset(AGREEING)
_TAKEN = {
    "success": False,
    "error": "Ese horario ya está ocupado. Con Dra. Ana López tengo libre el jueves 26 a las 10:00, jueves 26 a las "
    "10:30 o viernes 27 a las 16:00.",
    "code": "slot_taken",
    "alternatives": ["2026-11-26T10:00:00-03:00", "2026-11-26T10:30:00-03:00", "2026-11-27T16:00:00-03:00"],
}  # fmt: skip
_ORDER = {
    "id": "3",
    "customerName": "Ana Rodríguez",
    "customerEmail": "ana.rodriguez@email.com",
    "items": [{"name": "iPhone 15 Pro", "quantity": 1, "price": 1199.99}],
    "total": 1239.98,
    "status": "shipped",
    "estimatedDelivery": "2026-11-24T00:00:00-03:00",
    "trackingNumber": "TRK456",
}
_APPOINTMENT = {
    "id": "1",
    "patientName": "María González",
    "doctorName": "Dr. Carlos Rodríguez",
    "date": "2026-11-25T10:00:00-03:00",
    "status": "scheduled",
    "type": "consultation",
    "duration": 30,
}


class Desk:
    """A floor whose tools work. `written` holds the changes that were carried out; 9:00 is always taken."""

    def __init__(self, tools: Sequence[str] = TOOLS) -> None:
        self.prompt = Prompt("", tuple(tools), (), "carlos", 16_000, 24_000)
        self.lines: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.reads = dict(_READS)
        self._proposed: tuple[str, dict[str, Any]] | None = None
        self._said = ""
        self._mind = DialogueMind(_deaf, lambda: NOW, final_marker=False)
        self._mind.begin(self.prompt)

    async def say_to(self, text: str) -> str:
        """The caller's sentence; everything that Carlos answers to it."""
        self._said += f" {text}"
        before = len(self.lines)
        await self._mind.turn(Utterance(text=text), self)
        return " ".join(self.lines[before:])

    async def transcript(self, text: str) -> None: ...

    async def say(self, text: str) -> None:
        self.lines.append(text)

    async def more(self, timeout_s: float) -> Utterance | None:
        return None

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        use = (name, dict(arguments))
        self.calls.append(use)
        if name in _WRITES:
            return {"result": self._write(use)}
        return {"result": self.reads.get(name, {"success": True})}

    def _write(self, use: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        name, arguments = use
        if "T09:00" in str(arguments.get("date")) or arguments.get("newTime") == "09:00":
            return _TAKEN
        agreed = consent(self._said, *AGREEING[Task(name)]) is Consent.YES
        if use != self._proposed or not agreed:
            self._proposed, self._said = use, ""
            return {"success": False, "confirmation_required": True, "proposal": _PROPOSALS[name](arguments)}
        self._proposed = None
        self.written.append(use)
        key = "orderId" if name.endswith("Order") else "appointmentId"
        return {"success": True, key: arguments.get(key, "9"), "date": arguments.get("date")}


_READS: dict[str, dict[str, Any]] = {
    "consultarOrder": {"success": True, "order": _ORDER},
    "consultarTurno": {"success": True, "appointment": _APPOINTMENT},
}
_PROPOSALS = {
    "cancelarOrder": lambda given: f"Cancelar el pedido {given['orderId']}: 1 iPhone 15 Pro y 1 Carcasa protectora.",
    "cancelarTurno": lambda given: (
        f"Cancelar la cita {given['appointmentId']}, con Dr. Carlos Rodríguez el miércoles 25 de noviembre a las 10:00."
    ),
    "modificarTurno": lambda given: (
        f"Pasar la cita {given['appointmentId']}, con Dr. Carlos Rodríguez el miércoles 25 de noviembre a las 10:00, "
        "al jueves 26 de noviembre a las 11:00."
    ),
    "agendarTurno": lambda given: (
        f"Agendar para {given['patientName']}, correo {given['patientEmail']}, una cita de consulta de 30 minutos, con "
        f"{given['doctorName']} el jueves 26 de noviembre de 2026 a las {given['date'][11:16]}."
    ),
    "crearOrder": lambda given: (
        f"Crear un pedido a nombre de {given['customerName']}, correo {given['customerEmail']}: "
        + " y ".join(f"{item['quantity']} {item['name']}" for item in given["items"])
        + ". Total: 100 pesos."
    ),
}


async def _deaf(pcm: bytes, rate: int) -> str:
    raise AssertionError("this desk is typed to")
