"""Whole calls over SIP: a phone, the whole server and the Sonic stand-in, all on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from common import metrics
from data.models import CallRecord
from sandbox.hang import HANG_S
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from telephony.sip.carrier import Sip
from tests.e2e.running import Running, running
from tests.sip.phone import NUMBER, phone, words
from tests.sip.stage import OFFER, text
from tests.support.waiting import until

SCRIPT = (
    ScriptTurn((Say("Hola."),)),
    ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más, chau"),
)


@asynccontextmanager
async def served(home: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[tuple[Running, Sip]]:
    defaults: dict[str, Any] = {"sip_listen": "udp:127.0.0.1:0", "sip_allow": "127.0.0.1"}
    async with running(home, monkeypatch, scripted(SCRIPT), **(defaults | settings)) as here:
        (sip,) = (carrier for carrier in here.services.carriers if isinstance(carrier, Sip))
        yield here, sip


def address(sip: Sip) -> tuple[str, int]:
    assert sip.sockets is not None
    return sip.sockets.bound["udp"]


def lines_opened() -> float:
    return metrics.REGISTRY.get_sample_value("carlos_phone_lines_total", {"carrier": "sip"}) or 0.0


async def only_record(here: Running) -> CallRecord:
    """The call that was held, once all of it is kept."""
    await until(lambda: not here.services.active_calls.live)
    await here.services.record_writer.settled()
    (call_id,) = here.services.active_calls._logs
    record = await here.services.store.call(call_id)
    assert record is not None
    return record


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "name"), [(8, "pcma"), (0, "pcmu")])
async def test_a_call_is_answered_heard_hung_up_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: int, name: str
) -> None:
    before = lines_opened()
    async with served(tmp_path, monkeypatch) as (here, sip), phone(address(sip), codec) as caller:
        async with asyncio.timeout(10 * HANG_S):  # a call takes its time: it is in real time
            caller.dial(codec)
            await caller.answered()
            await caller.heard_out()
            caller.say(words(0.6))
            await until(lambda: caller.was_hung_up_on)
        await until(lambda: not sip.calls)
        record = await only_record(here)
        assert (record.outcome, record.line, record.caller_number) == ("completed", "phone", NUMBER)
        assert [turn.text for turn in record.turns] == ["Hola.", "Nada más, chau", "Chau."]
        facts = record.details["sip"]
        assert (facts["codec"], facts["source"], facts["status"]) == (name, "127.0.0.1", "completed")
        assert int(facts["rtp_received"]) > 50
        assert "twilio" not in record.details
        assert lines_opened() == before + 1
        assert here.services.active_calls.capacity.taken == 0


@pytest.mark.slow
async def test_a_caller_hangs_up_and_another_one_is_told_that_all_places_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch, max_calls=1) as (here, sip):
        async with phone(address(sip)) as first, phone(address(sip)) as second:
            first.dial()
            await first.answered()
            await until(lambda: first.heard)
            second.dial()
            with pytest.raises(RuntimeError, match="503"):
                await second.answered()
            first.hang_up()
            await until(lambda: not sip.calls)
        assert (await only_record(here)).outcome == "caller_left"
        assert here.services.active_calls.capacity.taken == 0


async def test_nobody_else_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = "udp:127.0.0.1:0,tcp:127.0.0.1:0"
    async with served(tmp_path, monkeypatch, sip_allow="10.1.2.3", sip_listen=listen) as (here, sip):
        assert sip.sockets is not None
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
            stranger.setblocking(False)
            stranger.sendto(text("INVITE", body=OFFER), address(sip))
            reader, writer = await asyncio.open_connection(*sip.sockets.bound["tcp"])
            writer.write(text("OPTIONS"))
            with suppress(ConnectionResetError):
                assert await reader.read() == b"", "it is closed, unread"
            writer.close()
            with pytest.raises(BlockingIOError):
                stranger.recv(1)
        assert not sip.calls
        assert here.services.active_calls.capacity.taken == 0


@pytest.mark.slow
async def test_a_server_that_ends_hangs_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as server:
        _, sip = await server.enter_async_context(served(tmp_path, monkeypatch))
        async with phone(address(sip)) as caller:
            caller.dial()
            await caller.answered()
            await server.aclose()
            await until(lambda: caller.was_hung_up_on)
            assert not sip.calls
