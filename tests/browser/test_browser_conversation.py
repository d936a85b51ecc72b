"""Whole conversations of the original client with Carlos, on a real socket."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode
from uuid import UUID

import pytest

from agent.call import APOLOGY
from agent.sonic.events import AudioOutput, TextInput
from data.models import Line
from sandbox.sonic.behaviour import BargeIn, Behaviour
from sandbox.sonic.faults import Drop, EndStream, Fault, Reject
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from tests.browser.browser_stage import GREETING, Serve, loud, played, tone, until, voiced
from tests.support.waiting import bounded

pytestmark = pytest.mark.slow

HELLO = "Hola."


async def test_carlos_greets_and_every_sample_of_it_is_played(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        assert client.screen.texts("ASSISTANT", "SPECULATIVE") == [HELLO], "the prompt's marker is shown to nobody"
        assert client.screen.texts("ASSISTANT", "FINAL") == [HELLO]
        assert played(client) == tone("Hola. [FINAL]")
        assert not client.failures


async def test_a_conversation_has_the_originals_order_of_events(serve: Serve) -> None:
    ask = ScriptTurn((UseTool("consultarOrder", {"orderId": "1"}), Say("Está en camino.")), hear="Mi pedido uno")
    served = await serve([GREETING, ask])
    async with served.client() as client:
        await client.start()
        await until(client, lambda: "completionEnd" in client.screen.names())
        first = len(client.screen.rows)
        client.speak(loud(0.6))
        await until(client, lambda: client.screen.names().count("completionEnd") == 2)
        await until(client, lambda: len(client.screen.bodies("usageEvent")) >= 2)
        turn = [row for row in client.screen.rows[first:] if row.name != "usageEvent"]
    names = [name for name, _ in itertools.groupby(_kind(row.name, row.body) for row in turn)]
    assert names == [
        "completionStart",
        *("contentStart TEXT USER FINAL", "textOutput USER", "contentEnd TEXT"),
        *("contentStart TOOL TOOL", "toolUse", "contentEnd TOOL"),
        *("contentStart TEXT ASSISTANT SPECULATIVE", "textOutput ASSISTANT", "contentEnd TEXT"),
        *("contentStart AUDIO ASSISTANT", "audioOutput", "contentEnd AUDIO"),
        *("contentStart TEXT ASSISTANT FINAL", "textOutput ASSISTANT", "contentEnd TEXT"),
        "completionEnd",
    ]
    (use,) = client.screen.bodies("toolUse")
    assert (use["toolName"], json.loads(use["content"])) == ("consultarOrder", {"orderId": "1"})
    assert client.screen.meter.keys() >= {"input.speechTokens", "output.speechTokens"}
    assert not client.failures
    for row in client.screen.rows:
        assert row.timestamp is not None
        for key in ("contentId", "sessionId", "completionId", "promptName"):
            if key in row.body:
                UUID(row.body[key])


def _kind(name: str, body: dict[str, str]) -> str:
    if name == "contentStart":
        stage = json.loads(body.get("additionalModelFields", "{}")).get("generationStage", "")
        return f"{name} {body['type']} {body['role']} {stage}".strip()
    return (
        f"{name} {body.get('type', '')}"
        if name == "contentEnd"
        else f"{name} {body.get('role', '')}".strip()
        if name == "textOutput"
        else name
    )


@pytest.mark.parametrize(("device_rate", "shuffled"), [(44100, False), (48000, True)], ids=["in order", "a busy page"])
async def test_chunks_of_any_size_reach_the_model(serve: Serve, device_rate: int, shuffled: bool) -> None:
    ask = ScriptTurn((Say("Sí."),), hear="Mi pedido uno")
    served = await serve([GREETING, ask])
    async with served.client(device_rate=device_rate, shuffled=shuffled) as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        client.speak(loud(0.4))
        await until(client, lambda: client.screen.texts("USER", "FINAL") == ["Mi pedido uno"])
    heard = bytes(served.sonic.sessions[0].audio_in)
    assert shuffled or loud(0.4)[:12800] in heard, "every sample, in order"


@pytest.mark.parametrize("variant", [BargeIn.FULL, BargeIn.SPEECH])
async def test_after_an_interruption_nothing_of_the_old_answer_is_played(serve: Serve, variant: BargeIn) -> None:
    long = "Te cuento con todo detalle " * 6
    turns = [GREETING, ScriptTurn((Say(long),), hear="Contame"), ScriptTurn((Say("Sí."),), hear="Pará")]
    served = await serve(turns, behaviour=Behaviour(barge_in=variant))
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        client.speak(loud(0.4))
        await until(client, lambda: "Contame" in client.screen.texts("USER", "FINAL"))
        await until(client, lambda: len(client.screen.bodies("audioOutput")) > 40)
        client.speak(loud(0.4))
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL")[-1:] == ["Sí."])
        rows = client.screen.rows
        flush = max(number for number, row in enumerate(rows) if row.body.get("content") == '{ "interrupted" : true }')
        after = [row for row in rows[flush:] if row.name == "audioOutput"]
        assert client.screen.interruptions == 1
        assert len({row.body["contentId"] for row in after}) == 1
        assert played(client).endswith(tone("Sí."))
        assert voiced(b"".join(b64decode(row.body["content"]) for row in after)) == tone("Sí.")
        cut = client.screen.texts("ASSISTANT", "FINAL")[1]
        assert cut, "what was heard of it is shown"
        assert long.startswith(cut)
        assert not any(bubble.text.startswith("{") for bubble in client.screen.bubbles.values())
        assert not client.failures
    assert (await served.record()).interruptions == 1


async def test_ending_the_conversation_is_answered_at_once_and_leaves_nothing(serve: Serve) -> None:
    served = await serve([GREETING])
    client = served.client()
    await client.connect()
    await client.start()
    await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
    await client.end()
    assert client.close_code == 1005
    record = await served.record()
    assert (record.line, record.outcome) == (Line.BROWSER, "caller_left")
    assert [turn.text for turn in record.turns] == [HELLO]
    assert served.services.active_calls.browsers.taken == 0
    assert served.sonic.open_streams == 0
    await client.close_tab()


async def test_a_closed_tab_ends_the_conversation(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
    assert (await served.record()).outcome == "caller_left"


async def test_a_second_conversation_follows_on_a_new_socket(serve: Serve) -> None:
    served = await serve([GREETING])
    for _ in range(2):
        async with served.client() as client:
            await client.start()
            await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))  # noqa: B023
            await client.end()
    await served.record()
    assert len(served.sonic.sessions) == 2


async def test_typed_text_and_keys_are_answered_and_shown(serve: Serve) -> None:
    served = await serve([GREETING, ScriptTurn((Say("Sí, decime."),)), ScriptTurn((Say("Gracias."),))])
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        for event in client.text("USER", "Quiero [seguir] mi pedido"):
            await client.send(event)
        await until(client, lambda: "Sí, decime." in client.screen.texts("ASSISTANT", "FINAL"))
        for event in client.text("USER", "[DTMF] 123#"):
            await client.send(event)
        await until(client, lambda: "Gracias." in client.screen.texts("ASSISTANT", "FINAL"))
        assert client.screen.texts("USER", "FINAL") == ["Quiero (seguir) mi pedido", "[DTMF] 123#"]
    told = [event.content for event in served.sonic.sessions[0].received if isinstance(event, TextInput)]
    assert told[-2:] == ["Quiero (seguir) mi pedido", "[DTMF] 123#"], "only keys look like a cue of the server's"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Reject(), streams=(1,)),
        Fault(Drop(), streams=(1,)),
        Fault(EndStream(), sent=AudioOutput, count=2, streams=(1,)),
    ],
    ids=["429 at open", "drop before headers", "ended in mid-answer"],
)
async def test_a_fault_of_sonic_is_not_shown(serve: Serve, fault: Fault) -> None:
    served = await serve([GREETING], faults=[fault])
    async with served.client() as client:
        await client.start()
        await until(client, lambda: any(HELLO in text for text in client.screen.texts("ASSISTANT", "FINAL")))
        assert "error" not in client.screen.names()
        assert not client.failures
    assert len((await served.record()).details["faults"]) == 1


async def test_a_sonic_that_cannot_be_had_is_told_by_voice_and_text(serve: Serve) -> None:
    served = await serve([GREETING], faults=[Fault(Reject(status=403, error_type="AccessDeniedException"))])
    async with served.client() as client:
        await client.start()
        async with bounded():
            await client.closed()
        assert (client.close_code, client.close_reason) == (1011, "sonic_lost")
        assert client.screen.texts("ASSISTANT", "FINAL") == [APOLOGY]
        assert client.screen.texts("ASSISTANT") == ["Perdón, hubo un problema técnico. Empezá una conversación nueva."]
        assert len(played(client)) > 48000
        assert client.screen.bodies("error")[-1]["code"] == "sonic_lost"
        assert not client.failures
