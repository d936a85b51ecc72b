"""The local brain's mind: hears a turn, and makes the conversation's moves on the floor."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

from common.times import BUENOS_AIRES
from sandbox.brain import Floor, Prompt, Utterance
from sandbox.dialogue import lines
from sandbox.dialogue.conversation import Call, Conversation, Move, Say
from sandbox.dialogue.lines import FINAL_MARKER, spoken
from sandbox.dialogue.understanding import Understanding

Recognizer = Callable[[bytes, int], Awaitable[str]]  # PCM 16-bit mono and its rate in Hz -> the words

MORE_S = 1.5  # how long a caller may pause in mid-number
_BREATHS = 3  # pauses that one number may have
_KEYPAD = re.compile(r"\[DTMF\]\s*([\d*]*)#?")
_LATE_RESULT = re.compile(r"\[herramienta\][^{]*(\{.*\})", re.DOTALL)


class DialogueMind:
    """A `Mind` that needs no model.

    `clock` gives the aware present; `final_marker` ends every line in the "[FINAL]" that the original prompt
    asks for, as the real models do.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        clock: Callable[[], datetime] = lambda: datetime.now(BUENOS_AIRES),
        *,
        final_marker: bool = True,
    ) -> None:
        self._recognizer = recognizer
        self._clock = clock
        self._marker = f" {FINAL_MARKER}" if final_marker else ""
        self._talk = Conversation((), self._today)

    def begin(self, prompt: Prompt) -> None:
        self._talk = Conversation(prompt.tools, self._today)
        for role, text in prompt.history:
            self._talk.remember(role, spoken(_keys(text)))

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        move = await self._hear(heard, floor) if heard.text is None else self._read(heard.text)
        while isinstance(move, Call):
            move = self._talk.result(await floor.use_tool(move.name, move.arguments))
        await floor.say(move.text + self._marker)

    def _read(self, text: str) -> Move:
        """What is typed, or a cue of the server."""
        if text.startswith("[llamada]"):
            return self._talk.greet()
        if text.startswith("[seguir]") and "persona" in text:
            return self._talk.of_a_person(text)
        if text.startswith("[seguir]"):
            return self._talk.resume()
        if text.startswith("[silencio]"):
            return Say(lines.STILL_THERE)
        if text.startswith("[tiempo]"):
            return Say(lines.MINUTE_LEFT)
        if late := _LATE_RESULT.match(text):
            return self._talk.late_result(_read_json(late[1]))
        return self._talk.heard(self._talk.read(_keys(text)))

    async def _hear(self, heard: Utterance, floor: Floor) -> Move:
        said = self._talk.read(await self._words(heard, floor))
        for _ in range(_BREATHS):
            if not said.unfinished or (more := await floor.more(MORE_S)) is None:
                break
            said = self._join(said, await self._words(more, floor))
        if said.text:
            await floor.transcript(said.text)
        return self._talk.heard(said)

    def _join(self, said: Understanding, words: str) -> Understanding:
        return self._talk.read(f"{said.text.rstrip(' .,…')} {words}") if words else said

    async def _words(self, heard: Utterance, floor: Floor) -> str:
        if heard.text is not None:
            return _keys(heard.text)
        return (await self._recognizer(heard.audio, floor.prompt.input_rate)).strip()

    def _today(self) -> date:
        return self._clock().astimezone(BUENOS_AIRES).date()


def _read_json(text: str) -> dict[str, Any]:
    """An object; one that was cut on its way is a result without news."""
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}


def _keys(text: str) -> str:
    """The digits of a keypad cue; any other text as it is."""
    return keypad[1] if (keypad := _KEYPAD.match(text)) else text
