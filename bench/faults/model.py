"""The model behind the stand-in's wire: answers by a script, and keeps what it was given to hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from agent.sonic.events import Role, TextOutput
from sandbox.brain import Brain, Floor, Utterance
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import Say, ScriptedMind, ScriptTurn, Step, ToneVoice, UseTool
from sandbox.sonic.server import SonicServer

GREETING = Say("Hola, soy Carlos, ¿qué tal va?")  # 1.8 s of tone
ANSWER = Say("Su pedido salió ayer del depósito y llega mañana a la mañana.")  # 3.66 s
TOOL = UseTool("consultarOrden", {"dni": "28456789"})
TURNS = 100  # more than a call has

type Steps = tuple[Step, ...]


async def ask_for_ever(floor: Floor) -> None:
    """A model that never gets to its answer."""
    while True:
        await floor.use_tool(TOOL.name, TOOL.arguments)


GREETS: Steps = (GREETING,)
ANSWERS: Steps = (ANSWER,)
ASKS_A_TOOL: Steps = (TOOL, ANSWER)
ASKS_FOR_EVER: Steps = (ask_for_ever, ANSWER)
ASKS_TOO_MUCH: Steps = (UseTool("consultarOrden", {"dni": "2" * 1_000_000}), ANSWER)


class Model:
    """Makes a stream's brain: the first turn of each stream greets, every other does `steps`."""

    def __init__(self, steps: Steps = ANSWERS) -> None:
        self._script = (ScriptTurn(GREETS), *(ScriptTurn(steps) for _ in range(TURNS)))
        self._heard: dict[str, bytes] = {}  # by transcript

    def __call__(self) -> Brain:
        ear = EnergyEar()
        return Brain(ear, NotingMind(iter(self._script), ear, self._note), ToneVoice())

    def _note(self, audio: bytes) -> str:
        text = f"Quiero saber de mi pedido, y lo digo por vez {len(self._heard) + 1}."
        self._heard[text] = audio
        return text

    @property
    def turns(self) -> int:
        """Utterances that some stream was given."""
        return len(self._heard)

    def understood(self, sonic: SonicServer, since: int = 0) -> list[bytes]:
        """The speech, PCM at 16 kHz, whose transcript went out: what a stream heard and never told is not in it.

        `since` leaves out as many turns. `sonic` remembers its last streams only.
        """
        told = {
            event.content
            for record in sonic.sessions
            for event in record.sent
            if isinstance(event, TextOutput) and event.role is Role.USER
        }
        return [audio for text, audio in islice(self._heard.items(), since, None) if text in told]


class NotingMind(ScriptedMind):
    def __init__(self, turns: Iterator[ScriptTurn], ear: EnergyEar, note: Callable[[bytes], str]) -> None:
        super().__init__(turns, ear)
        self._note = note

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        turn = next(self._turns, ScriptTurn())
        if heard.text is None:
            await floor.transcript(self._note(heard.audio))
        await self._perform(turn.steps, floor)
