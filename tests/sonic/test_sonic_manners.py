"""The stand-in with Nova 2.5's manners: silent tools, `speak` word for word, instructions and no descriptions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from agent.sonic.errors import INVALID_INPUT
from agent.sonic.events import ClientEvent, Role, TextOutput, ToolSpec, ToolUse
from agent.sonic.opening import GREETING_CUE, PROBE, RESUME_ANSWER_CUE, RESUME_CUE, SAY_IT_CUE, result_as_text
from common.times import Clock
from data.store import Store
from sandbox.brain import Brain, Floor
from sandbox.dialogue import DialogueMind
from sandbox.sonic.behaviour import Behaviour, FinalText, Manners
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.manners import instead_of, only_describes
from sandbox.sonic.script import Say, ScriptTurn, ToneVoice, UseTool, scripted
from sandbox.sonic.session import Session
from tests.sonic.sonic_bench import cue, opening, result
from tests.sonic.standin_stage import Wire, settled
from tests.support.seeded import fill
from tools.catalogue import NAMES
from tools.identity import CallContext
from tools.toolbox import Toolbox

ASKS = ScriptTurn((UseTool("consultarOrden"), Say("Ya te digo. ¿Algo más?")))
SPEAK = "El pedido 1 está enviado."


class Talk:
    """A session without sockets."""

    def __init__(self, brain: Callable[[], Brain], manners: Manners = Manners.NOVA_25) -> None:
        self.wire = Wire()
        self.session = Session(
            self.wire, brain, Behaviour(audio_speed=None, final_text=FinalText.NEVER, manners=manners)
        )

    async def send(self, events: Iterable[ClientEvent]) -> None:
        for event in events:
            self.session.take(event)
        await settled()

    @property
    def said(self) -> list[str]:
        return [
            event.content.strip()
            for event in self.wire.sent
            if isinstance(event, TextOutput) and event.role is Role.ASSISTANT
        ]

    @property
    def uses(self) -> list[ToolUse]:
        return [event for event in self.wire.sent if isinstance(event, ToolUse)]

    async def close(self) -> None:
        self.session.close()
        await asyncio.gather(*self.session.tasks, return_exceptions=True)


async def asked(manners: Manners, turn: ScriptTurn = ASKS) -> Talk:
    talk = Talk(scripted([turn]), manners)
    await talk.send([*opening(), *cue()])
    return talk


def answer(talk: Talk, **fields: Any) -> list[ClientEvent]:
    return result(talk.uses[-1].tool_use_id, json.dumps({"result": fields}))


@pytest.mark.parametrize(
    ("manners", "said"),
    [(Manners.NOVA_2, "Ya te digo. ¿Algo más?"), (Manners.NOVA_25, f"{SPEAK} ¿Algo más?")],
)
async def test_what_a_result_wants_said_is_said(manners: Manners, said: str) -> None:
    talk = await asked(manners)
    assert talk.said == []
    await talk.send(answer(talk, success=True, speak=SPEAK))
    assert talk.said == [said]
    await talk.close()


async def test_a_result_that_leaves_the_words_to_the_model_is_told_in_its_own() -> None:
    talk = await asked(Manners.NOVA_25)
    await talk.send(answer(talk, success=True))
    assert talk.said == ["Ya te digo. ¿Algo más?"]
    await talk.close()


async def test_what_a_result_wants_said_is_said_by_a_mind_that_would_say_nothing() -> None:
    talk = await asked(Manners.NOVA_25, ScriptTurn((UseTool("consultarOrden"),)))
    await talk.send(answer(talk, success=True, speak=SPEAK))
    assert talk.said == [SPEAK]
    await talk.close()


@pytest.mark.parametrize(("manners", "said"), [(Manners.NOVA_2, ["Un momento."]), (Manners.NOVA_25, [])])
async def test_nothing_is_said_while_a_tool_is_pending(manners: Manners, said: list[str]) -> None:
    async def speaks_meanwhile(floor: Floor) -> None:
        using = asyncio.create_task(floor.use_tool("consultarOrden", {}))
        await asyncio.sleep(0)
        await floor.say("Un momento.")
        await using

    talk = await asked(manners, ScriptTurn((speaks_meanwhile,)))
    assert talk.said == said
    await talk.send(answer(talk, success=True))
    await talk.close()


@pytest.mark.parametrize("manners", list(Manners))
async def test_a_second_result_for_one_use_is_refused(manners: Manners) -> None:
    talk = await asked(manners)
    await talk.send(answer(talk, success=False, message="Todavía no."))
    assert talk.wire.refusals == []
    await talk.send(answer(talk, success=True, speak=SPEAK)[:1])
    assert talk.wire.refusals == [INVALID_INPUT]
    await talk.close()


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        (GREETING_CUE, True),
        ("[herramienta] consultarOrder ya respondió.", False),
        ("[llamada] Comenzó la llamada.", False),
        ("[DTMF] 28456789", True),
        ("Mi pedido es el uno", True),
    ],
)
async def test_an_instruction_is_followed_and_a_description_is_not(text: str, answered: bool) -> None:
    talk = Talk(scripted([ScriptTurn((Say("Bueno."),))]))
    await talk.send([*opening(), *cue(text)])
    assert talk.said == (["Bueno."] if answered else [])
    await talk.close()


@pytest.mark.parametrize("text", [GREETING_CUE, RESUME_CUE, RESUME_ANSWER_CUE, SAY_IT_CUE, PROBE, result_as_text("{}")])
def test_all_that_the_server_sends_instructs(text: str) -> None:
    assert not only_describes(text)


@pytest.mark.parametrize(
    ("planned", "speak", "said"),
    [
        ("Tu pedido salió. ¿Algo más? [FINAL]", "Está enviado.", "Está enviado. ¿Algo más? [FINAL]"),
        (
            "Voy a cancelarlo. ¿Lo confirmás? [FINAL]",
            "Voy a cancelar. ¿Lo confirmás?",
            "Voy a cancelar. ¿Lo confirmás? [FINAL]",
        ),
        ("Tu pedido salió.", "Está enviado.", "Está enviado."),
        ("", "Está enviado.", "Está enviado."),
    ],
)
def test_the_closing_question_is_the_minds_own(planned: str, speak: str, said: str) -> None:
    assert instead_of(planned, speak) == said


async def test_a_typed_cancellation_goes_through_in_the_tools_words(store: Store, clock: Clock) -> None:
    """The dialogue with real results: proposed, agreed to and done, each time as the result says."""

    async def deaf(pcm: bytes, rate: int) -> str:
        return ""

    def brain() -> Brain:
        return Brain(EnergyEar(), DialogueMind(deaf, clock, final_marker=False), ToneVoice())

    await fill(store, clock().date())
    box = Toolbox(store, CallContext("CA1"), clock=clock)
    talk = Talk(brain)
    await talk.send(opening(tools=[ToolSpec(name, name, {"type": "object"}) for name in sorted(NAMES)]))

    async def says(words: str) -> str:
        box.caller_spoke(words)
        before = len(talk.uses)
        await talk.send(cue(words))
        for use in talk.uses[before:]:
            outcome = await box.run(use.name, use.content, tool_use_id=use.tool_use_id)
            await talk.send(result(use.tool_use_id, json.dumps({"result": outcome.result})))
        return talk.said[-1]

    proposed = await says("Quiero cancelar el pedido 1, mi DNI es 28456789")
    assert proposed.startswith("Voy a cancelar el pedido 1: ")
    assert proposed.endswith("¿Lo confirmás?")
    assert (await says("Sí, dale")).startswith("Listo, cancelé el pedido 1. ¿Algo más")
    order = await store.order("1")
    assert order is not None
    assert order.status == "cancelled"
    await talk.close()
