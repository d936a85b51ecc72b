"""Places, time, breaches and too much audio: every end is told to the person before the socket closes."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode

import numpy as np
import pytest

from agent.audio.pcm import samples
from agent.capacity import Admission
from sandbox.browser.client import OriginalClient
from sandbox.sonic.script import Say, ScriptTurn
from telephony.browser.events import WEBM
from telephony.browser.line import MAX_VIOLATIONS, BrowserLimits
from telephony.rate_guards import BURST_TYPED
from tests.browser.browser_stage import GREETING, Serve, Served, loud, until
from tests.support.waiting import bounded

pytestmark = pytest.mark.slow


async def assert_told(client: OriginalClient, code: int, reason: str) -> None:
    """The socket closes with this code, after an error event and a bubble in the person's language."""
    async with bounded():
        await client.closed()
    assert (client.close_code, client.close_reason) == (code, reason)
    assert client.screen.bodies("error")[-1]["code"] == reason
    (bubble,) = client.screen.texts("ASSISTANT")
    assert bubble == client.screen.bodies("error")[-1]["message"]
    assert not client.failures


async def greeted(served: Served, client: OriginalClient) -> None:
    await client.start()
    await until(client, lambda: "audioOutput" in client.screen.names())


async def test_a_full_house_is_told(serve: Serve) -> None:
    served = await serve([GREETING], max_browsers=1)
    async with served.client() as first, served.client() as second:
        await greeted(served, first)
        await second.start()
        await assert_told(second, 1013, "full")
        active_calls = served.services.active_calls
        assert (active_calls.browsers.taken, active_calls.capacity.taken) == (1, 0)
        assert active_calls.capacity.admit("CA1") is Admission.ACCEPTED, "the phone is not busy"


async def test_a_program_that_types_is_told(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as client:
        await greeted(served, client)
        for _ in range(BURST_TYPED + 1):
            for event in client.text("USER", "¿Dónde está mi pedido?"):
                await client.send(event)
        async with bounded():
            await client.closed()
    assert (client.close_code, client.close_reason) == (1008, "too_many_messages")
    assert len([turn for turn in (await served.record()).turns if turn.role == "caller"]) == BURST_TYPED


async def test_a_draining_server_takes_nobody_and_says_goodbye_to_those_who_stay(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as first, served.client() as second:
        await greeted(served, first)
        draining = asyncio.create_task(served.services.active_calls.drain(0.3))
        await asyncio.sleep(0)
        await second.start()
        await assert_told(second, 1001, "going_away")
        await assert_told(first, 1001, "going_away")
        await draining
    assert (await served.record()).outcome == "drained"


async def test_silence_ends_a_conversation_however_long_the_microphone_runs(serve: Serve) -> None:
    served = await serve([GREETING], limits=BrowserLimits(idle_s=1.0))
    async with served.client() as client:
        await greeted(served, client)
        await assert_told(client, 4408, "idle")
    record = await served.record()
    assert record.outcome == "idle"
    assert served.sonic.open_streams == 0


async def test_a_microphone_that_was_refused_ends_the_same_way(serve: Serve) -> None:
    served = await serve([GREETING], limits=BrowserLimits(idle_s=1.5))
    async with served.client() as client:
        for event in client.handshake():
            await client.send(event)
        await assert_told(client, 4408, "idle")
        assert client.screen.texts("ASSISTANT", "FINAL"), "Carlos was there"


async def test_somebody_who_talks_is_not_idle(serve: Serve) -> None:
    turns = [GREETING, *(ScriptTurn((Say("Sí."),), hear="Mmh") for _ in range(2))]
    served = await serve(turns, limits=BrowserLimits(idle_s=1.5))
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        for number in (2, 3):
            client.speak(loud(0.3))
            await until(client, lambda: len(client.screen.texts("ASSISTANT", "FINAL")) == number)  # noqa: B023
        assert client.close_code is None


async def test_a_conversation_has_a_longest_time(serve: Serve) -> None:
    served = await serve([GREETING], browser_max_s=1.0)
    async with served.client() as client:
        await client.start()
        await assert_told(client, 4409, "too_long")
    assert (await served.record()).outcome == "too_long"


async def test_a_handshake_that_never_comes_is_not_waited_for(serve: Serve) -> None:
    served = await serve([GREETING], limits=BrowserLimits(handshake_s=0.2))
    async with served.client() as client:
        await assert_told(client, 4408, "no_handshake")


def energy(pcm: bytes) -> float:
    return float(np.sum(samples(pcm).astype(float) ** 2))


async def test_a_second_conversation_on_the_same_page_is_heard(serve: Serve) -> None:
    served = await serve([GREETING, ScriptTurn((Say("Sí."),), hear="Hola")])
    async with served.client() as client:
        await client.start()
        client.open_microphone(phase=60)
        client.open_microphone(phase=110)
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        client.speak(loud(0.5))
        await until(client, lambda: client.screen.texts("USER", "FINAL") == ["Hola"])
        assert client.close_code is None
    heard = energy(bytes(served.sonic.sessions[0].audio_in))
    assert heard < 1.5 * energy(loud(0.5)), "of three microphones one is heard"


async def test_a_client_that_sends_more_than_a_microphone_makes_is_told_to_reload(serve: Serve) -> None:
    served = await serve([GREETING])
    noise = np.random.default_rng(5).normal(0, 3000, (100, 800)).astype("<i2")
    async with served.client() as client:
        await client.start()
        for piece in [*noise] * 10:
            if client.close_code is None:
                await client.send(client.audio_input(piece.tobytes()))
        await assert_told(client, 4429, "doubled_audio")
        assert "Recargá" in client.screen.texts("ASSISTANT")[0]
    assert (await served.record()).outcome == "doubled_audio"


async def test_a_client_that_speaks_another_protocol_is_given_up(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as client:
        for _ in range(MAX_VIOLATIONS):
            await client.send_raw(json.dumps({"hello": "?"}))
        await assert_told(client, 1008, "protocol")
        assert len(client.screen.bodies("error")) == MAX_VIOLATIONS + 1


async def test_breaches_in_a_conversation_do_not_end_it(serve: Serve) -> None:
    served = await serve([GREETING, ScriptTurn((Say("Sí."),), hear="Hola")])
    async with served.client() as client:
        await greeted(served, client)
        webm = b64encode(WEBM + bytes(20000)).decode()
        await client.send_raw("{")
        await client.send_raw(b"\0")
        await client.send(client.session_start())
        await client.send(client.audio_start())
        await client.send({"audioInput": {"promptName": client.prompt, "contentName": client.audio, "content": webm}})
        client.speak(loud(0.3))
        await until(client, lambda: client.screen.texts("USER", "FINAL") == ["Hola"])
        codes = [error["code"] for error in client.screen.bodies("error")]
        assert codes == ["malformed", "binary", "out_of_order", "out_of_order", "not_pcm"]
        assert not client.failures


async def test_audio_without_the_rest_of_the_handshake_is_heard(serve: Serve) -> None:
    served = await serve([GREETING, ScriptTurn((Say("Sí."),), hear="Hola")])
    async with served.client() as client:
        await client.send(client.session_start())
        client.open_microphone()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        client.speak(loud(0.3))
        await until(client, lambda: client.screen.texts("USER", "FINAL") == ["Hola"])
        assert len(client.screen.bodies("error")) == 1


async def test_a_whole_recording_in_one_message_ends_the_conversation_and_no_other(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as client:
        await greeted(served, client)
        await client.send_raw(json.dumps({"event": {"audioInput": {"content": "A" * 2_000_000}}}))
        async with bounded():
            await client.closed()
        assert client.close_code in (1009, 1006), "a reset may overtake the reason while the client still sends"
    assert (await served.record()).outcome == "dropped"
