"""A conversation over several streams, and a client that acknowledges."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from sandbox.browser.client import OriginalClient
from sandbox.browser.screen import Shown
from sandbox.sonic.script import Say, ScriptTurn
from tests.browser.browser_stage import GREETING, Serve, loud, played, tone, until

TURNS = [ScriptTurn((Say(f"Va la {name}."),), hear=f"Contame la {name}") for name in "abcdefgh"]


@pytest.mark.slow
async def test_a_client_does_not_notice_that_a_stream_is_replaced(serve: Serve) -> None:
    served = await serve([GREETING, *TURNS], resume=True, sonic={"rotate_after_s": 0.5, "rotate_spread_s": 0.0})
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        for number in range(len(TURNS)):
            if number == len(TURNS) // 2:
                await until(client, lambda: served.notes.get("rotations", 0) >= 1)
            client.speak(loud(0.3))
            await until(client, lambda: len(client.screen.texts("ASSISTANT", "FINAL")) == number + 2)  # noqa: B023
        assert client.screen.texts("USER", "FINAL") == [turn.hear for turn in TURNS]
        assert client.screen.texts("ASSISTANT", "FINAL") == ["Hola.", *(f"Va la {name}." for name in "abcdefgh")]
        said = ["Hola. [FINAL]", *(f"Va la {name}." for name in "abcdefgh")]
        assert played(client) == b"".join(tone(text) for text in said)
        audio = [body for body in client.screen.bodies("contentStart") if body["type"] == "AUDIO"]
        assert len(audio) == len(said), "each answer in one piece"
        assert "error" not in client.screen.names()
        assert len({body["sessionId"] for body in client.screen.bodies("textOutput")}) == 1
        totals = [body["totalTokens"] for body in client.screen.bodies("usageEvent")]
        assert totals == sorted(totals), "the meter never goes back"
        assert not client.failures
    record = await served.record()
    assert record.details["rotations"] >= 1
    assert record.details["faults"] == []
    assert len(served.sonic.sessions) >= 1 + record.details["rotations"]


class AcknowledgingClient(OriginalClient):
    """A client of our own: says what it received and what waits to be played."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.timers: list[asyncio.TimerHandle] = []
        self.playback_acks: list[asyncio.Future[None]] = []

    def handshake(self) -> Any:
        yield self.session_start()
        yield {"ackStart": {}}
        yield self.prompt_start()
        yield self.audio_start()

    def took(self, row: Shown) -> None:
        if row.name == "audioOutput":
            self._ack(row.body["sequence"])
            self.timers.append(asyncio.get_running_loop().call_later(0.6, self._ack, row.body["sequence"]))

    def _ack(self, sequence: int) -> None:
        self.screen.player.advance(asyncio.get_running_loop().time())
        receipt = {"ack": {"sequence": sequence, "bufferedMs": self.screen.player.buffered_ms}}
        self.playback_acks.append(asyncio.ensure_future(self._receipt(receipt)))

    async def no_more(self) -> None:
        """Nothing is acknowledged any more, and nothing is under way."""
        for timer in self.timers:
            timer.cancel()
        await asyncio.gather(*self.playback_acks)

    async def _receipt(self, receipt: dict[str, Any]) -> None:
        with suppress(ConnectionClosed):  # it acknowledges until it is gone
            await self.send(receipt)


async def test_a_client_that_acknowledges_gets_numbers_and_the_server_figures(serve: Serve) -> None:
    served = await serve([GREETING])
    client = AcknowledgingClient(served.url)
    async with client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        numbers = [body["sequence"] for body in client.screen.bodies("audioOutput")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert "error" not in client.screen.names()
        await client.end()
        await client.no_more()
    figures = (await served.record()).details["audio_out"]
    assert figures["receipts"] == len(numbers)
    assert figures["round_trip_p95_ms"] > 0


async def test_the_original_never_sees_the_extension(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        assert not any("sequence" in body for body in client.screen.bodies("audioOutput"))
        assert {"ackStart", "ack"}.isdisjoint(client.screen.names())
    assert "audio_out" not in (await served.record()).details
