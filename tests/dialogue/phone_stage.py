"""A floor that plays the client: it hears lines, answers tools with canned results and keeps what was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from common.times import BUENOS_AIRES
from sandbox.brain import Prompt, Utterance
from sandbox.dialogue import DialogueMind

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=BUENOS_AIRES)  # a Monday
SEVEN = (
    "consultarOrder",
    "cancelarOrder",
    "crearOrder",
    "agendarTurno",
    "cancelarTurno",
    "modificarTurno",
    "consultarTurno",
)
TOOLS = (*SEVEN, "finalizarLlamada")


class FakeFloor:
    """Results are given in order, wrapped as on the wire."""

    def __init__(self, results: Iterable[Mapping[str, Any]] = (), more: Iterable[str] = ()) -> None:
        self.prompt = Prompt("", TOOLS, (), "carlos", 16_000, 24_000)
        self.results = list(results)
        self.breaths = list(more)
        self.transcripts: list[str] = []
        self.lines: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def transcript(self, text: str) -> None:
        self.transcripts.append(text)

    async def say(self, text: str) -> None:
        self.lines.append(text)

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((name, dict(arguments)))
        if name == "finalizarLlamada":
            return {"result": {"success": True, "message": "Despedite en una frase corta."}}
        return {"result": self.results.pop(0)}

    async def more(self, timeout_s: float) -> Utterance | None:
        return Utterance(audio=self.breaths.pop(0).encode()) if self.breaths else None


class Phone:
    """A caller and the mind: each `say` is one utterance, recognised word for word, and gives the answer."""

    def __init__(self, *results: Mapping[str, Any], history: tuple[tuple[str, str], ...] = ()) -> None:
        self.floor = FakeFloor(results)
        self.mind = DialogueMind(_recognize, lambda: NOW, final_marker=False)
        self.mind.begin(Prompt("", TOOLS, history, "carlos", 16_000, 24_000))

    async def say(self, text: str) -> str:
        await self.mind.turn(Utterance(audio=text.encode()), self.floor)
        return self.floor.lines[-1]

    async def type(self, text: str) -> str:
        await self.mind.turn(Utterance(text=text), self.floor)
        return self.floor.lines[-1]

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        return self.floor.calls


async def _recognize(pcm: bytes, rate: int) -> str:
    assert rate == 16_000
    return pcm.decode()
