"""A brain that follows a script: what it hears, says and calls is fixed beforehand.

    - steps: [{say: "Hola, soy Carlos."}]
    - hear: "Quiero saber de mi pedido"
      steps:
        - tool: consultarOrden
          arguments: {dni: "28456789"}
        - wait: 0.5
        - say: "Su pedido llega mañana."
    - steps: [{write: "Entendido."}]  # a turn of text alone

Each utterance takes the next turn; the first one answers the greeting cue. After the last turn it stays silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import yaml

from sandbox.brain import Brain, Floor, Prompt, Utterance
from sandbox.sonic.ear import EnergyEar

if TYPE_CHECKING:
    from sandbox.sonic.turn import Turn

CHARACTER_S = 0.06  # of audio
SHORTEST_S = 0.3
TONE_HZ = 440.0
TONE_LEVEL = 6000.0
PIECE_S = 0.08  # what the voice yields at once


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Write:
    """Text that ends the turn and is never spoken."""

    text: str

    async def __call__(self, floor: Floor) -> None:
        await cast("Turn", floor).write(self.text)


@dataclass(frozen=True, slots=True)
class UseTool:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


type Step = Say | UseTool | Wait | Callable[[Floor], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    steps: tuple[Step, ...] = ()
    hear: str | None = None  # reported as the transcript of what was spoken


class ScriptError(ValueError):
    """A script file that does not have the form above."""


def load_script(path: Path) -> tuple[ScriptTurn, ...]:
    """Read a script file. Raises ScriptError."""
    turns = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(turns, list):
        raise ScriptError(f"{path}: expected a list of turns")
    return tuple(_turn(turn) for turn in turns)


def _turn(turn: Any) -> ScriptTurn:
    if not isinstance(turn, dict) or turn.keys() - {"hear", "steps"}:
        raise ScriptError(f"expected hear and steps but got {turn!r}")
    return ScriptTurn(tuple(_step(step) for step in turn.get("steps") or ()), turn.get("hear"))


def _step(step: Any) -> Step:
    match step:
        case {"say": str(text), **rest} if not rest:
            return Say(text)
        case {"write": str(text), **rest} if not rest:
            return Write(text)
        case {"tool": str(name), **rest} if not rest:
            return UseTool(name)
        case {"tool": str(name), "arguments": dict(arguments), **rest} if not rest:
            return UseTool(name, arguments)
        case {"wait": int() | float() as seconds, **rest} if not rest:
            return Wait(seconds)
        case _:
            raise ScriptError(f"expected say, write, tool or wait but got {step!r}")


def scripted(turns: Iterable[ScriptTurn], *, resume: bool = False) -> Callable[[], Brain]:
    """A maker of scripted brains. Each session begins the script anew; with `resume` a session goes on where
    the one before it stopped, as a conversation does over a reconnect."""
    script = tuple(turns)
    shared = iter(script)

    def make() -> Brain:
        ear = EnergyEar()
        return Brain(ear, ScriptedMind(shared if resume else iter(script), ear), ToneVoice())

    return make


class ScriptedMind:
    def __init__(self, turns: Iterator[ScriptTurn], ear: EnergyEar) -> None:
        self._turns = turns
        self._ear = ear

    def begin(self, prompt: Prompt) -> None:
        self._ear.tune(prompt.input_rate, prompt.endpointing)

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        turn = next(self._turns, None)
        if turn is None:
            return
        if turn.hear is not None:
            await floor.transcript(turn.hear)
        await self._perform(turn.steps, floor)

    async def _perform(self, steps: Sequence[Step], floor: Floor) -> None:
        for step in steps:
            match step:
                case Say(text):
                    await floor.say(text)
                case UseTool(name, arguments):
                    await floor.use_tool(name, arguments)
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case _:
                    await step(floor)


class ToneVoice:
    """A tone as long as the text, 60 ms a character; every rate gives the same signal, sample for sample."""

    async def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
        samples = round(max(SHORTEST_S, CHARACTER_S * len(text)) * rate)
        angle = np.arange(samples) * (2 * np.pi * TONE_HZ / rate)
        pcm = (np.sin(angle) * TONE_LEVEL).astype("<i2").tobytes()
        size = round(PIECE_S * rate) * 2
        for start in range(0, len(pcm), size):
            yield pcm[start : start + size]
