"""The stand-in offers a message after a write, with the real tools behind it: their consent, not its own, sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.stores import fresh_sqlite
from common.times import Clock
from sandbox.brain import Prompt, Utterance
from sandbox.dialogue import DialogueMind, lines
from tests.support.seeded import fill
from tests.tools.messages import MOBILE, Outgoing, Phone
from tools.follow_up import NAME


class Floor:
    """A caller's sentences go to the tools and to the mind, as in a call; its tools work on a store."""

    def __init__(self, phone: Phone, clock: Clock) -> None:
        self.lines: list[str] = []
        self.used: list[str] = []
        self._phone = phone
        self._mind = DialogueMind(_deaf, clock, final_marker=False)
        names = (*(tool.name for tool in phone.box.specs), "finalizarLlamada")
        self.prompt = Prompt("", names, (), "carlos", 16_000, 24_000)
        self._mind.begin(self.prompt)

    async def say_to(self, text: str) -> str:
        self._phone.box.caller_spoke(text)
        before = len(self.lines)
        await self._mind.turn(Utterance(text=text), self)
        return " ".join(self.lines[before:])

    async def transcript(self, text: str) -> None: ...

    async def say(self, text: str) -> None:
        self.lines.append(text)

    async def more(self, timeout_s: float) -> Utterance | None:
        return None

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.used.append(name)
        return await self._phone.use(name, **json.loads(json.dumps(arguments)))


async def _deaf(pcm: bytes, rate: int) -> str:
    raise AssertionError("this caller types")


CANCEL = ("Quiero cancelar el pedido uno", "Mi DNI es 28456789", "Sí, confirmo")


@pytest.mark.parametrize(
    ("answer", "sent", "said"),
    [
        ("Sí, dale", 1, "ya te mandé el mensaje"),
        ("Sí, mandame los datos", 1, "ya te mandé el mensaje"),
        ("No, gracias", 0, lines.ANYTHING_ELSE),
        ("¿A qué hora abren?", 0, ""),
        ("No, nada más, chau", 0, ""),
    ],
)
async def test_a_message_is_offered_and_sent_on_a_clear_yes(
    tmp_path: Path, clock: Clock, answer: str, sent: int, said: str
) -> None:
    messages = Outgoing()
    async with fresh_sqlite(tmp_path, clock) as store:
        await fill(store, clock().date())
        floor = Floor(Phone(store, clock, messages), clock)
        for sentence in CANCEL:
            told = await floor.say_to(sentence)
        assert told.endswith("¿Te mando un mensaje de texto con los datos a este número?")
        assert said in await floor.say_to(answer)
    assert [to for to, _ in messages.sent] == [MOBILE] * sent
    assert floor.used.count(NAME) == sent


async def test_without_a_number_nothing_is_offered(tmp_path: Path, clock: Clock) -> None:
    async with fresh_sqlite(tmp_path, clock) as store:
        await fill(store, clock().date())
        floor = Floor(Phone(store, clock, Outgoing(), number=None), clock)
        for sentence in CANCEL:
            told = await floor.say_to(sentence)
    assert told.endswith(lines.ANYTHING_ELSE)
