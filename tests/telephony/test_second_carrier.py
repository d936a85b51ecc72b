"""A second carrier is a folder and an entry: a call through it is answered, hung up and kept as one of Twilio's is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from agent.audio.ulaw import ULAW_SILENCE
from data.models import CallRecord
from sandbox.hang import HANG_S
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from telephony import carriers
from telephony.twilio.carrier import Twilio
from tests.carlos.test_handover import two_processes
from tests.e2e.running import Running, noise, running
from tests.support.waiting import bounded, until
from tests.telephony.loopback.carrier import HANG_UP, Loopback, signature

ROOT = Path(__file__).parents[2]
FRAME = 160  # bytes: 20 ms
NUMBER = "+5491155550100"
PAUSE_FRAMES = 40  # without audio, before the caller says something
SCRIPT = (
    ScriptTurn((Say("Hola."),)),
    ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más, chau"),
)


def test_the_how_to_shows_this_very_file_and_counts_its_lines() -> None:
    code = (ROOT / "tests" / "telephony" / "loopback" / "carrier.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "how-to" / "add-a-carrier.md").read_text(encoding="utf-8")
    assert f"```python\n{code}```" in page
    assert f"`telephony/loopback/carrier.py`, {len(code.splitlines())} lines:" in page


@dataclass
class Client:
    """What the loopback carrier's customers have for a phone."""

    here: Running
    http: aiohttp.ClientSession
    audio: int = 0  # bytes heard
    was_hung_up_on: bool = False

    async def ask(self, path: str, query: dict[str, str], *, signed: bool = True) -> tuple[int, Any]:
        """Status and JSON of a GET."""
        target = f"{path}?{urlencode(query)}"
        secret = self.here.services.settings.token_secrets[0]
        headers = {"X-Loopback-Signature": signature(secret, target)} if signed else {}
        async with self.http.get(self.here.base_url + target, headers=headers) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def ring(self, call_id: str) -> str:
        """The address of the call's stream."""
        query = {"call": call_id, "from": NUMBER}
        status, answer = await self.ask("/loopback/ring", query)
        assert status == 200
        return self.here.base_url + str(answer["stream"])

    async def talk(self, stream: str) -> None:
        """Listen to the greeting, say something, and stay until the call is hung up."""
        async with self.http.ws_connect(stream) as socket:
            speaking = asyncio.create_task(self._speak(socket))
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.audio += len(message.data)
                self.was_hung_up_on |= message.data == HANG_UP
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        words, heard, pause = noise(0.6).audio, 0, 0
        while True:
            pause = pause + 1 if self.audio == heard else 0
            heard = self.audio
            ready = heard > 0 and pause >= PAUSE_FRAMES
            frame, words = (words[:FRAME], words[FRAME:]) if ready else (b"", words)
            await socket.send_bytes(frame or ULAW_SILENCE * FRAME)
            await asyncio.sleep(0.02)

    async def record(self, call_id: str) -> CallRecord:
        await until(lambda: call_id not in self.here.services.active_calls.live)
        await self.here.services.record_writer.settled()
        record = await self.here.services.store.call(call_id)
        assert record is not None
        return record


@asynccontextmanager
async def phoned(home: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[Client]:
    monkeypatch.setattr(carriers, "CARRIERS", (Twilio, Loopback))
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(running(home, monkeypatch, scripted(SCRIPT), **settings))
        yield Client(here, await stack.enter_async_context(aiohttp.ClientSession()))


@pytest.mark.slow
async def test_a_call_through_a_second_carrier_is_answered_hung_up_and_kept_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with phoned(tmp_path, monkeypatch) as client:
        async with asyncio.timeout(10 * HANG_S):  # a call takes its time: it is in real time
            await client.talk(await client.ring("one"))
        assert client.audio > 0
        assert client.was_hung_up_on, "the carrier was asked to, after the goodbye"
        assert (await client.ask("/loopback/over", {"call": "one", "seconds": "7"}))[0] == 204
        record = await client.record("one")
        assert (record.outcome, record.line, record.caller_number) == ("completed", "phone", NUMBER)
        assert [turn.text for turn in record.turns] == ["Hola.", "Nada más, chau", "Chau."]
        assert record.details["loopback"] == {"duration_s": "7"}
        assert "twilio" not in record.details
        assert client.here.services.active_calls.capacity.taken == 0
        assert (await client.ask("/loopback/ring", {"call": "one"}))[0] == 410, "its first request is a replayed one"


async def test_its_signature_takes_the_place_of_an_api_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with phoned(tmp_path, monkeypatch, admin_api_keys=("ops:read:a-key-that-nobody-sends",)) as client:
        assert (await client.ask("/orders", {}))[0] == 401, "others are asked for a key"
        await client.ring("one")
        assert (await client.ask("/loopback/ring", {"call": "two"}, signed=False))[0] == 403
        assert client.here.services.active_calls.capacity.taken == 1


async def test_a_stream_is_opened_once_and_by_whom_it_was_announced_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with phoned(tmp_path, monkeypatch, max_calls=1) as client:
        stream = await client.ring("one")
        assert (await client.ask("/loopback/ring", {"call": "two"}))[0] == 503, "places are counted for all carriers"
        for wrong in (stream.replace("/one", "/two"), stream.partition("?")[0]):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.http.ws_connect(wrong)
        async with client.http.ws_connect(stream) as socket:
            await until(lambda: "one" in client.here.services.active_calls.live)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.http.ws_connect(stream)
            await socket.send_str(HANG_UP)
            assert (await client.record("one")).outcome == "caller_left"


async def test_what_is_asked_about_its_calls_is_answered_in_the_process_that_holds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "CARRIERS", (Twilio, Loopback))
    async with bounded(), two_processes(tmp_path) as both, aiohttp.ClientSession() as http:
        both[1].handover.register.start("b")
        for path in ("/loopback/over?call=b", "/loopback/ring?call=b"):
            async with http.get(f"http://127.0.0.1:{both[0].port}{path}") as answer:
                assert (await answer.json(content_type=None))["process"] == 1
        async with http.ws_connect(f"http://127.0.0.1:{both[0].port}/loopback/stream/b") as socket:
            assert await socket.receive_str() == "1"
